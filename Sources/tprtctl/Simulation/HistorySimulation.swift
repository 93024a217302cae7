import Engine
import Greylist
import History

/// Replays a history under other settings, and beside them under today's.
///
/// Both start without any knowledge, see the same attempts, and are told the same of what the DNS has said. Where today's settings
/// don't come to what is recorded, the site knew something from before the history, or from elsewhere: then both are told
/// that, as far as the record says it. Where both still decide alike, the settings make no difference, and what is recorded
/// counts. So the differences are those that the settings make.
struct HistorySimulation {
    /// What is to be told of how it was replayed.
    struct Notes: Equatable {
        /// How many attempts were replayed.
        var attempts = 0
        /// How many decisions are those of today's settings.
        var explained = 0
        /// How often something was taken as known that the history doesn't have.
        var assumed = 0
        /// How many attempts couldn't be replayed.
        var unreadable = 0
        /// How many have no addresses, but what stands for them.
        var withoutAddresses = 0
        /// How many have no addresses, nor the client's.
        var withoutClients = 0
        /// How many mails pass by the fast lane, of which it isn't sure that they are proven well enough.
        var untrusted = 0
    }

    /// What became of a message with several recipients.
    private struct Message {
        var time: Timestamp
        var today: MessageProgress
        var simulated: MessageProgress
    }

    /// How long one message's recipients may be apart, in seconds, and how many messages are kept.
    private static let (messageLength, mostMessages): (Int64, Int) = (60, 4_096)
    private static let mostTrusted = 100_000

    private var today: ReplaySite
    private(set) var flow: SimulatedFlow
    private(set) var notes = Notes()
    private var proofs = ProofMemory()
    private var messages: [Int: Message] = [:]
    /// Organisations that SPF has proven well enough for the fast lane.
    private var trusted: Set<String> = []

    /// One that counts mail from that moment on; what came before is replayed, too.
    init(_ simulated: SimulatedSettings, beside today: SimulatedSettings, from start: Timestamp) {
        self.today = ReplaySite(today)
        let windows = [today, simulated].map(\.engine.options.rules.retryWindow)
        flow = SimulatedFlow(ReplaySite(simulated), from: start, window: windows.max() ?? 0)
    }

    /// What became of the mail.
    var tally: MailTally { flow.tally }

    /// Replays an attempt; they come in the order of time.
    mutating func take(_ recorded: ReplayedAttempt) {
        notes.attempts += 1
        guard let attempt = SimulatedAttempt(recorded) else {
            notes.unreadable += 1
            return
        }
        if !recorded.hasAddresses { notes.withoutAddresses += 1 }
        if recorded.attempt.isWithoutClient { notes.withoutClients += 1 }
        flow.advance(to: attempt.time)
        let proof = proof(of: recorded.attempt)
        let isSkipped = flow.ledger.hasPassed(attempt)
        var message = takeMessage(of: attempt, recorded.attempt)
        var decisions = decide(attempt, of: &message, knowing: proof, isSkipped: isSkipped)
        if isMissing(recorded.attempt, decisions.today), know(attempt, recorded.attempt) {
            // Both have decided as often, so that what they know differs by their settings alone.
            notes.assumed += 1
            message = takeMessage(of: attempt, recorded.attempt)
            decisions = decide(attempt, of: &message, knowing: proof, isSkipped: isSkipped)
        }
        keep(message, of: attempt, recorded.attempt)
        if decisions.today.isGreylisting == attempt.isDeferral { notes.explained += 1 }
        guard let record = decisions.simulated else { return flow.skip(attempt) }
        let isAlike = record.isGreylisting == decisions.today.isGreylisting
        if !isAlike { noteTrust(record, proof, recorded.attempt) }
        flow.take(attempt, record, waits: isAlike ? attempt.isDeferral : record.isGreylisting, knowing: proof)
    }

    /// Counts what hasn't come back; nothing more comes.
    mutating func finish(at end: Timestamp) { flow.finish(at: end) }
}

extension HistorySimulation {
    /// Decides under both settings; under the new ones nothing where the attempt wouldn't have been made.
    private mutating func decide(
        _ attempt: SimulatedAttempt, of message: inout Message, knowing proof: KnownProof, isSkipped: Bool
    ) -> (today: DecisionRecord, simulated: DecisionRecord?) {
        let record = today.decide(attempt.request, of: &message.today, knowing: proof, at: attempt.time)
        guard !isSkipped else { return (record, nil) }
        return (record, flow.decide(attempt, of: &message.simulated, knowing: proof))
    }

    /// Whether the site knew something that the history doesn't have.
    private func isMissing(_ recorded: HistoryAttempt, _ record: DecisionRecord) -> Bool {
        if recorded.isDeferral { return recorded.reason == .early && record.reason.code == .new }
        return record.isGreylisting && recorded.reason != .storeUnavailable
    }

    /// Has both sites know what the record says; false where it doesn't say anything of that kind.
    private mutating func know(_ attempt: SimulatedAttempt, _ recorded: HistoryAttempt) -> Bool {
        let (request, now) = (attempt.request, attempt.time)
        let body: (inout ReplaySite) -> Void
        switch recorded.reason {
        case .known:
            body = { $0.know(.passed, of: request, at: now) }
        case .retried, .early:
            guard let delay = recorded.delay else { return false }
            let first = Timestamp(seconds: now.seconds - delay)
            body = { $0.know(.tried(first), of: request, at: now) }
        case .released: body = { $0.know(.released, of: request, at: now) }
        case .autoWhitelisted: body = { $0.know(.client, of: request, at: now) }
        case .correspondent where !recorded.isWithoutClient:
            body = { $0.knowCorrespondence(of: request, at: now) }
        case .earned where !recorded.isWithoutClient:
            guard !recorded.organisation.isEmpty else { return false }
            body = { $0.knowEarned(Array(recorded.organisation.utf8), at: now) }
        default: return false
        }
        body(&today)
        // What was known by who the sender is isn't known where that doesn't count.
        let isRecognised = flow.site.engine.options.identity.recognises(recorded)
        if isRecognised { flow.know(body) }
        return true
    }

    /// What the DNS says of an attempt's sender.
    private mutating func proof(of recorded: HistoryAttempt) -> KnownProof {
        // What stands for addresses has no organisation.
        if recorded.isWithoutClient { return .unproven }
        switch proofs.proof(of: recorded) {
        case nil: return .unknown
        case false: return .unproven
        case true: break
        }
        guard recorded.proof == .spf, !recorded.organisation.isEmpty else { return .proven(isTrusted: true) }
        if recorded.reason == .earned, trusted.count < Self.mostTrusted { trusted.insert(recorded.organisation) }
        // Had it been proven well enough, it wouldn't have had to wait.
        let hasEarned = today.hasEarned(Array(recorded.organisation.utf8), at: recorded.time)
        return .proven(isTrusted: !(recorded.isDeferral && hasEarned))
    }

    /// Takes note of a mail that passes since its organisation has earned that, without that its proof was ever good enough.
    private mutating func noteTrust(_ record: DecisionRecord, _ proof: KnownProof, _ recorded: HistoryAttempt) {
        guard record.reason == .judged(.spared(.earned)), record.identity?.proof == .spf,
            proof == .proven(isTrusted: true), !trusted.contains(recorded.organisation)
        else { return }
        notes.untrusted += 1
    }
}

/// One message to several recipients: which ones belong together isn't recorded, but that one was carried by another.
extension HistorySimulation {
    /// What became of the others, where one was carried; else nothing.
    private func takeMessage(of attempt: SimulatedAttempt, _ recorded: HistoryAttempt) -> Message {
        if recorded.reason == .carried, let message = messages[recorded.messageDigest],
            attempt.time.since(message.time) <= Self.messageLength
        {
            return message
        }
        return Message(time: attempt.time, today: MessageProgress(), simulated: MessageProgress())
    }

    /// Keeps what became of a recipient that may carry others.
    private mutating func keep(_ message: Message, of attempt: SimulatedAttempt, _ recorded: HistoryAttempt) {
        switch recorded.reason {
        case .known, .retried, .correspondent, .earned, .released, .carried: break
        default: return
        }
        if messages.count >= Self.mostMessages { messages.removeAll(keepingCapacity: true) }
        messages[recorded.messageDigest] = message
    }
}

extension HistoryAttempt {
    /// Whether nothing is kept of the client but its network.
    fileprivate var isWithoutClient: Bool { clientAddress.utf8.contains(UInt8(ascii: "/")) }

    /// The same for all recipients of a message.
    fileprivate var messageDigest: Int {
        var hasher = Hasher()
        hasher.combine(clientAddress)
        hasher.combine(sender)
        return hasher.finalize()
    }
}

extension IdentityMethods {
    /// Whether they recognise mail as it was recognised when that was recorded.
    fileprivate func recognises(_ recorded: HistoryAttempt) -> Bool {
        switch recorded.matched {
        case nil, .network: true
        case .host: self != .off
        case .organisation: self == .spf || self == .name && recorded.proof == .name
        }
    }
}
