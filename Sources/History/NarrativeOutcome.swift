import Engine
import Greylist

/// What became of a mail, and what lets it pass sooner.
struct MailOutcome {
    private let mail: HistoryCase
    private let context: Narrative.Context
    private let state: HistoryCase.State
    /// The attempt that passed first; nil where that isn't told.
    private let pass: HistoryAttempt?

    /// That of a story.
    init(_ story: HistoryStory, _ context: Narrative.Context) {
        mail = story.mail
        self.context = context
        pass = story.attempts.first { [mail] in !$0.isDeferral && $0.reason == mail.reason }
        state = mail.isObserved ? .observed : mail.state(at: context.now, window: context.window)
    }

    /// A sentence or two.
    var headline: String {
        switch state {
        case .waiting: "\(subject) is waiting\(promise)"
        case .passedAfterWaiting: "\(subject) \(wait)"
        case .passedAtOnce: "\(subject) passed at its first attempt, \(passed): \(reason)."
        case .neverCameBack: "\(subject) never came back: it was tried \(times), and not again."
        case .observed:
            "\(subject) was only observed, so it passed at its first attempt, \(HistoryWords.minute(mail.firstAttempt))"
                + (mail.deferrals > 0 ? "; otherwise it would have had to wait." : ".")
        }
    }

    /// The mail by its addresses: `Mail from a@example.org to b@example.com`.
    private var subject: String {
        let sender = Self.whole(mail.sender, context.sender) ?? mail.sender
        return sender.isEmpty
            ? "A bounce (from the null sender) to \(recipient)"
            : "Mail from \(HistoryWords.shortened(sender)) to \(recipient)"
    }

    private var recipient: String {
        HistoryWords.shortened(Self.whole(mail.recipient, context.recipient) ?? mail.recipient)
    }

    private var passed: String { mail.passedAt.map(HistoryWords.minute) ?? "at an unknown time" }

    private var times: String {
        let last = HistoryWords.minute(mail.lastAttempt)
        return mail.attempts == 1 ? "once, \(last)" : "\(mail.attempts) times, the last time \(last)"
    }

    /// Why it passed.
    private var reason: String {
        mail.reason.map {
            HistoryWords.explanation(
                of: $0, organisation: pass?.organisation ?? mail.organisation, entry: pass?.entry ?? "")
        }
            ?? "the reason is not known"
    }

    private var promise: String {
        guard let time = mail.mayPassAt else {
            return ". Nothing could be remembered of its attempts, so its next one counts as the first."
        }
        let minute = HistoryWords.minute(after: time, at: context.now)
        let distance = HistoryWords.duration(abs(time.seconds - context.now.seconds))
        return time > context.now
            ? ": it may pass from \(minute), in \(distance), when its sender tries again."
            : " for its sender to try again: since \(minute), \(distance) ago, its next attempt passes."
    }

    private var wait: String {
        guard let waited = mail.waited else {
            return mail.reason == .known
                ? "was told to wait, and has passed; when it did so first is not recorded."
                : "was told to wait, and passed \(passed): \(reason)."
        }
        let duration = "waited \(HistoryWords.duration(waited)), until \(passed)"
        guard mail.reason == .retried else { return "\(duration), and passed: \(reason)." }
        guard let beyond = mail.waitedBeyondDelay else { return "\(duration)." }
        guard beyond >= 60 else { return "\(duration). Its sender came back as soon as it might pass." }
        return "\(duration). It might have passed after \(HistoryWords.duration(waited - beyond)): "
            + "the other \(HistoryWords.duration(beyond)) were its sender's choice of when to try again."
    }
}

extension MailOutcome {
    /// What else there is to know.
    var remarks: [String] {
        switch state {
        case .waiting: validity + unproven
        case .passedAfterWaiting: isRemembered ? [future] : []
        case .passedAtOnce: ["Otherwise it would have had to wait \(HistoryWords.duration(context.delay)) at least."]
        case .observed: []
        case .neverCameBack:
            ["A mail server tries again for days; programs that send spam mostly don't."] + unproven
        }
    }

    private var validity: [String] {
        guard mail.mayPassAt != nil else { return [] }
        let end = Timestamp(seconds: mail.firstAttempt.seconds.addingReportingOverflow(context.window).partialValue)
        return ["The first attempt counts until \(HistoryWords.minute(end))."]
    }

    private var unproven: [String] {
        guard mail.proof == .network || mail.proof == .host else { return [] }
        return [
            "Nothing proves for whom this client sends (SPF, or its name): a retry from another network may count as a "
                + "first attempt."
        ]
    }

    /// Whether greylisting knows now that it has passed.
    private var isRemembered: Bool {
        switch mail.reason {
        case .retried, .known, .released: true
        default: false
        }
    }

    /// Whose mail need not wait any more.
    private var future: String {
        let isProven = mail.proof == .spf || mail.proof == .name
        if isProven, mail.organisation.isDomain, !context.isShared(mail.organisation) {
            return "From now on mail that is proven to come from \(mail.organisation) passes at once to \(recipient)."
        }
        return "From now on mail of this sender passes at once to \(recipient)."
    }

    /// What helps.
    var advice: [Narrative.Advice] {
        guard state != .passedAtOnce else { return [] }
        var advice: [Narrative.Advice] = []
        func add(_ purpose: String, _ command: String?) {
            if let command { advice.append(Narrative.Advice(purpose: purpose, command: command)) }
        }
        if state == .waiting, let sender = Self.whole(mail.sender, context.sender),
            let recipient = Self.whole(mail.recipient, context.recipient)
        {
            add(
                "Let its next attempt pass",
                ShellCommand(["tprtctl", "release"], arguments: [sender.isEmpty ? "<>" : sender, recipient])?.line)
        }
        let isWanted = state == .neverCameBack ? ", if its mail is wanted" : ""
        let isShared = context.isShared(mail.organisation)
        if mail.proof == .spf || mail.proof == .name, mail.organisation.isDomain, !isShared {
            add(
                "Let mail that is proven to come from \(mail.organisation) pass at once\(isWanted)",
                ShellCommand(["tprtctl", "identity", "allow", mail.organisation])?.line)
        }
        add(
            "Put this sender on a whitelist\(isWanted)",
            SuggestedEntry(for: mail, isShared: isShared)?.command)
        return advice
    }

    /// The first of them that is an address as it was sent.
    private static func whole(_ kept: String, _ asked: String?) -> String? {
        [kept, asked].compactMap(\.self).first { $0.isEmpty || $0.dropFirst().utf8.contains(UInt8(ascii: "@")) }
    }
}
