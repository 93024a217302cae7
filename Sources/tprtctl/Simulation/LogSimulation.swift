import Engine
import Greylist
import Import

/// Replays the mail that a log tells of under some settings: what greylisting would do to it.
///
/// Nothing is known of it before the log, and who senders are by their names alone: no log says what SPF would have proven.
struct LogSimulation {
    private(set) var flow: SimulatedFlow
    /// When the first attempt was, and the last one; nil without any.
    private(set) var times: (first: Timestamp, last: Timestamp)?
    /// Whether greylisters told clients to come back.
    private(set) var hasDeferrals = false

    /// One that counts mail from that moment on.
    init(_ settings: SimulatedSettings, from start: Timestamp) {
        flow = SimulatedFlow(
            ReplaySite(settings), from: start, window: settings.engine.options.rules.retryWindow)
    }

    /// What became of the mail.
    var tally: MailTally { flow.tally }

    /// Replays an attempt; they come in the order of time.
    mutating func take(_ mail: IncomingMail) {
        guard let attempt = SimulatedAttempt(mail) else { return }
        times = (times?.first ?? attempt.time, attempt.time)
        if !mail.isAccepted { hasDeferrals = true }
        flow.advance(to: attempt.time)
        guard !flow.ledger.hasPassed(attempt) else { return flow.skip(attempt) }
        var message = MessageProgress()
        let record = flow.decide(attempt, of: &message, knowing: .unknown)
        flow.take(attempt, record, waits: record.isGreylisting, knowing: .unknown)
    }

    /// Counts what hasn't come back; nothing more comes.
    mutating func finish() {
        if let times { flow.finish(at: times.last) }
    }
}
