import Engine
import Greylist

/// What happened at each attempt, told one after the other.
struct AttemptTeller {
    private let mail: HistoryCase
    private var seen: Set<String> = []
    private var count = 0

    /// Tells of the attempts of that case.
    init(_ mail: HistoryCase) {
        self.mail = mail
    }

    /// What happened at the next attempt: a few sentences.
    mutating func next(_ attempt: HistoryAttempt) -> String {
        defer {
            seen.insert(attempt.clientAddress)
            count += 1
        }
        let why = HistoryWords.explanation(
            of: attempt.reason, organisation: attempt.organisation, entry: attempt.entry)
        guard attempt.count == 1 else {
            let times = "\(attempt.count) times until \(HistoryWords.minute(attempt.lastTime))"
            return "Such mail \(attempt.isDeferral ? "had to wait" : "passed") \(times): \(why)."
        }
        var sentences = ["\(who(attempt)) \(tried(attempt)) \(outcome(attempt, why))"]
        if attempt.isDeferral, !attempt.entry.isEmpty {
            sentences.append("The delay is that of the whitelist entry \(HistoryWords.shortened(attempt.entry)).")
        }
        if let recognition = recognition(of: attempt) { sentences.append(recognition) }
        if attempt.isObserved, attempt.isDeferral {
            sentences.append("Postfix wasn't told: the site only observes, and the mail passed.")
        }
        return sentences.joined(separator: " ")
    }

    /// Whether nothing of the case happened before.
    private func isFirst(_ attempt: HistoryAttempt) -> Bool { count == 0 && attempt.time <= mail.firstAttempt }

    /// Whether a mail of the case had passed before.
    private func isMore(_ attempt: HistoryAttempt) -> Bool {
        !isFirst(attempt) && (mail.isObserved || mail.passedAt.map { $0 < attempt.time } ?? false)
    }

    private func who(_ attempt: HistoryAttempt) -> String {
        let client = HistoryWords.client(attempt.clientAddress, attempt.clientName)
        return count == 0 || seen.contains(attempt.clientAddress) ? client : "Another client, \(client),"
    }

    private func tried(_ attempt: HistoryAttempt) -> String {
        if isFirst(attempt) { return "tried it first, and" }
        let since = attempt.time.since(mail.firstAttempt)
        let time = since > 0 ? " \(HistoryWords.duration(since)) after the first attempt" : " at the same time"
        if isMore(attempt) { return "brought more mail\(time), which" }
        return attempt.reason == .early ? "tried again\(time), too soon, and" : "tried again\(time), and"
    }

    private func outcome(_ attempt: HistoryAttempt, _ why: String) -> String {
        guard attempt.isDeferral else {
            return (isMore(attempt) ? "passed" : "the mail passed") + (attempt.reason == .retried ? "." : ": \(why).")
        }
        let verb = attempt.isObserved ? "would have been told" : "was told"
        let told = attempt.wait.map { "\(verb) to wait \(HistoryWords.duration($0))" } ?? "\(verb) to try later"
        return attempt.reason == .early ? "\(told) more." : "\(told): \(why)."
    }

    /// By what the client was recognised that comes from another address, or what tells who it is.
    private func recognition(of attempt: HistoryAttempt) -> String? {
        let name = HistoryWords.shortened(attempt.organisation)
        guard !isFirst(attempt) else {
            switch attempt.proof {
            case .spf: return "The SPF record of \(name) names it."
            case .name: return "Its name proves that it sends for \(name)."
            case .host: return "By its name it is a host of \(name), which proves nothing about the sender."
            case .network: return "Nothing but its network tells who it is."
            case nil: return nil
            }
        }
        guard !seen.contains(attempt.clientAddress) else { return nil }
        switch (attempt.matched, attempt.proof) {
        case (.network, _): return "The client was recognised by its network (matched A)."
        case (.host, .host): return "The client was recognised by its name, that of a host of \(name) (matched N)."
        // The organisation is that of the sender then.
        case (.host, _): return "The client was recognised by the organisation of its name (matched N)."
        case (.organisation, .spf):
            return "The client was recognised since the SPF record of \(name) names it, too (proof spf, matched O)."
        case (.organisation, .name):
            return "The client was recognised since its name proves that it sends for \(name) (proof name, matched O)."
        case (.organisation, _): return "The client was recognised as a client of \(name) (matched O)."
        case (nil, _): return nil
        }
    }
}
