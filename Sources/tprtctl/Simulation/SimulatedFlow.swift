import Engine
import Greylist
import Import
import Policy

/// A site under the settings that are tried out, and the mail that comes to it.
///
/// Mail that passed as recorded, and is told to wait here, has no recorded retry. It is taken to come back from where it came as
/// soon as it may: so later mail of its sender counts as known. How long it waits counts as unknown all the same.
struct SimulatedFlow {
    /// A retry that isn't recorded.
    private struct Retry {
        let request: PolicyRequest
        let proof: KnownProof
    }

    /// How many such retries are awaited at a time; beyond that the next one is made at once.
    private static let mostRetries = 200_000

    private(set) var site: ReplaySite
    private(set) var ledger: MailLedger
    private var retries = TimeQueue<Retry>()
    /// How many mails are told to wait that might not be if more were known of them: who the sender is, or what lists in the
    /// DNS say of the client.
    private(set) var doubtful = 0
    /// How many mails would be told to wait, if the site did more than observe.
    private(set) var observed = 0

    /// From when on mail counts.
    private let start: Timestamp

    /// A flow to a site that has seen no mail.
    ///
    /// - Parameters:
    ///   - start: from when on mail counts
    ///   - window: how many seconds a first attempt is valid
    init(_ site: ReplaySite, from start: Timestamp, window: Int64) {
        self.site = site
        ledger = MailLedger(from: start, window: window, observes: site.engine.options.observesOnly)
        self.start = start
    }

    /// What became of the mail.
    var tally: MailTally { ledger.tally }

    /// Goes on to that moment.
    mutating func advance(to moment: Timestamp) {
        while let time = retries.nextTime, time <= moment || retries.count > Self.mostRetries,
            let retry = retries.removeFirst()
        {
            var message = MessageProgress()
            _ = site.decide(retry.request, of: &message, knowing: retry.proof, at: time)
        }
    }

    /// Decides about an attempt.
    mutating func decide(
        _ attempt: SimulatedAttempt, of message: inout MessageProgress, knowing proof: KnownProof
    ) -> DecisionRecord {
        site.decide(attempt.request, of: &message, knowing: proof, at: attempt.time)
    }

    /// Has the site know something that is recorded.
    mutating func know(_ body: (inout ReplaySite) -> Void) { body(&site) }

    /// Takes note of what was decided about an attempt.
    ///
    /// - Parameter waits: whether it has to wait, whatever the record says of it
    mutating func take(
        _ attempt: SimulatedAttempt, _ record: DecisionRecord, waits: Bool, knowing proof: KnownProof
    ) {
        let isCounted = attempt.firstTime >= start
        if waits, site.engine.options.observesOnly, isCounted { observed += 1 }
        let waits = waits && !site.engine.options.observesOnly
        let wait = record.wait ?? 0
        ledger.take(attempt, waits: waits, wait: wait)
        guard waits, !attempt.isTold else { return }
        if site.lackedFacts, isCounted { doubtful += 1 }
        if record.wait != nil {
            retries.insert(
                Retry(request: attempt.request, proof: proof), at: Timestamp(seconds: attempt.time.seconds + wait))
        }
    }

    /// Takes note of an attempt that wouldn't have been made, since its mail has passed.
    mutating func skip(_ attempt: SimulatedAttempt) {
        ledger.take(attempt, waits: false, wait: 0)
    }

    /// Counts what hasn't come back; nothing more comes.
    mutating func finish(at end: Timestamp) { ledger.finish(at: end) }
}

extension DecisionRecord {
    /// How many seconds a sender is told to wait whose attempt is remembered; nil where it isn't.
    fileprivate var wait: Int64? {
        switch reason {
        case .judged(.new(let wait)), .judged(.early(let wait, _)): wait
        default: nil
        }
    }
}
