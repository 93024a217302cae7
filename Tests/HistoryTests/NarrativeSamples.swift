import Engine
import Greylist

@testable import History

/// A story that a test tells attempt by attempt.
struct SampleStory {
    /// 2026-11-30 14:00:00 UTC.
    static let start = Timestamp(seconds: 1_796_047_200)

    var mail: HistoryCase
    var attempts: [HistoryAttempt] = []
    var isWhole = true
    /// When it is told, in seconds after its start.
    var toldAfter: Int64 = 3_600

    /// One without an attempt.
    init(sender: String = "anna@partner.example", recipient: String = "you@example.com") {
        mail = HistoryCase(
            id: 1, sender: sender, recipient: recipient, organisation: "", networks: [], names: [],
            firstAttempt: Self.start, lastAttempt: Self.start, attempts: 0, deferrals: 0, isObserved: false)
    }

    /// Adds an attempt, and to the case what the history would have of it.
    ///
    /// - Parameters:
    ///   - seconds: after the start
    ///   - wait: what the sender was told to wait; nil where it passed
    mutating func add(
        _ seconds: Int64, _ reason: ReasonCode, _ address: String, _ name: String = "", wait: Int64? = nil,
        isDeferral: Bool? = nil, proof: ClientIdentity.Proof? = .network, organisation: String = "",
        matched: ClientIdentity.MatchedKey? = nil, entry: String = "", count: Int = 1, until: Int64? = nil
    ) {
        let time = Timestamp(seconds: Self.start.seconds + seconds)
        let isDeferral = isDeferral ?? (wait != nil)
        attempts.append(
            HistoryAttempt(
                id: Int64(attempts.count + 1), caseID: 1, time: time,
                lastTime: Timestamp(seconds: Self.start.seconds + (until ?? seconds)), count: count,
                clientAddress: address, clientName: name, helo: name, sender: mail.sender, recipient: mail.recipient,
                organisation: organisation, reason: reason, isDeferral: isDeferral, isObserved: mail.isObserved,
                proof: proof, matched: matched, wait: wait, delay: seconds > 0 ? seconds : nil, entry: entry))
        mail.attempts += count
        mail.lastAttempt = time
        if let proof, mail.proof.map({ $0 < proof }) ?? true { (mail.proof, mail.organisation) = (proof, organisation) }
        let network = address.split(separator: ".").prefix(3).joined(separator: ".") + ".0/24"
        if !mail.networks.contains(network) { mail.networks.append(network) }
        if HistoryWords.isName(name), !mail.names.contains(name) { mail.names.append(name) }
        if isDeferral {
            mail.deferrals += count
            if let wait, reason != .pendingLimitReached { mail.mayPassAt = Timestamp(seconds: time.seconds + wait) }
        } else if mail.passedAt == nil {
            (mail.passedAt, mail.reason, mail.matched) = (time, reason, matched)
            if mail.deferrals > 0, reason != .known, !mail.isObserved { mail.waited = time.since(mail.firstAttempt) }
        }
    }

    /// The story as it is read.
    var story: HistoryStory { HistoryStory(mail: mail, attempts: attempts, isWhole: isWhole) }

    /// What has to be known to tell it.
    func context(sender: String? = nil, recipient: String? = nil) -> Narrative.Context {
        Narrative.Context(
            now: Timestamp(seconds: Self.start.seconds + toldAfter), window: 172_800, delay: 300, sender: sender,
            recipient: recipient, isShared: { $0 == "freemail.example" })
    }

    /// The story in words, one line for each of them.
    var text: String {
        let narrative = Narrative(of: story, in: context())
        let events = narrative.events.map { "\(HistoryWords.time($0.time).suffix(8)) \($0.text)" }
        let advice = narrative.advice.flatMap { ["> \($0.purpose)", "$ \($0.command)"] }
        return ([narrative.headline] + events + narrative.remarks.map { "* \($0)" } + advice).joined(separator: "\n")
    }
}
