import Greylist

/// What became of a mail.
enum MailFate: Equatable {
    /// It passed at its first attempt.
    case atOnce
    /// It passed after so many seconds.
    case waited(Int64)
    /// It passed as recorded and would be told to wait: when it would have come back isn't recorded.
    case unknown
    /// It was told to wait, and never came back.
    case neverCameBack
    /// It was told to wait, and may still come back.
    case mayComeBack
}

/// The mails that attempts are of: what became of each as recorded, and in a simulation.
///
/// Bounded by the mails that wait at a time: what hasn't come back within the window is counted and forgotten.
struct MailLedger {
    /// A mail that was told to wait, and hasn't passed.
    fileprivate struct OpenMail {
        let first: Timestamp
        var last: Timestamp
        /// When it passed in the simulation.
        var passed: Timestamp?
        /// Whether it was told to wait there.
        var hasWaited: Bool
        let name: String
    }

    /// From when on mails count, by their first attempts.
    private let start: Timestamp
    /// How many seconds a first attempt is valid.
    private let window: Int64
    /// Whether nothing is told to wait in the simulation.
    private let observes: Bool
    private var mails: [Int64: OpenMail] = [:]
    private var sweepCount = 1_024
    /// What is counted.
    private(set) var tally = MailTally()

    /// One that counts mails that are tried first from that moment on.
    init(from start: Timestamp, window: Int64, observes: Bool) {
        (self.start, self.window, self.observes) = (start, window, observes)
    }

    /// Whether a mail has passed in the simulation that was told to wait: then this attempt of it wouldn't have been made.
    func hasPassed(_ attempt: SimulatedAttempt) -> Bool {
        guard let mail = mails[attempt.mail], attempt.time.since(mail.last) <= window else { return false }
        return mail.passed != nil
    }

    /// Takes note of an attempt.
    ///
    /// - Parameters:
    ///   - waits: whether it is told to wait in the simulation; no attempt that wouldn't have been made is
    ///   - wait: how many seconds it is told to wait then
    mutating func take(_ attempt: SimulatedAttempt, waits: Bool, wait: Int64) {
        var open = mails[attempt.mail]
        if let mail = open, attempt.time.since(mail.last) > window {
            // That one was given up; this is another one of the same sender and recipient.
            close(mail, at: attempt.time)
            mails[attempt.mail] = nil
            open = nil
        }
        guard attempt.isTold else { return takePass(attempt, open, waits: waits, wait: wait) }
        var mail =
            open
            ?? OpenMail(
                first: attempt.firstTime, last: attempt.time, hasWaited: attempt.firstTime < attempt.time && !observes,
                name: attempt.name)
        mail.last = attempt.time
        if mail.passed == nil {
            if waits { mail.hasWaited = true } else { mail.passed = attempt.time }
        }
        mails[attempt.mail] = mail
        if mails.count >= sweepCount { sweep(at: attempt.time) }
    }

    private mutating func takePass(_ attempt: SimulatedAttempt, _ open: OpenMail?, waits: Bool, wait: Int64) {
        if let open {
            mails[attempt.mail] = nil
            let recorded = MailFate.waited(attempt.time.since(open.first))
            add(recorded, waits ? .unknown : open.fate(passingAt: attempt.time), open.first, attempt.name)
        } else if attempt.firstTime < attempt.time {
            // Its first attempt is older than what is replayed.
            let fate = MailFate.waited(attempt.time.since(attempt.firstTime))
            add(fate, waits ? .unknown : observes ? .atOnce : fate, attempt.firstTime, attempt.name)
        } else {
            add(.atOnce, waits ? .unknown : .atOnce, attempt.time, attempt.name)
        }
        guard attempt.count > 1 else { return }
        // When those in between came isn't recorded: they wait, too, where none of them came later.
        let isTooSoon = waits && attempt.lastTime.since(attempt.time) < wait
        add(.atOnce, isTooSoon ? .unknown : .atOnce, attempt.time, attempt.name, count: attempt.count - 1)
    }

    /// Counts what hasn't passed; nothing more comes.
    mutating func finish(at end: Timestamp) {
        for mail in mails.values { close(mail, at: end) }
        mails = [:]
    }

    private mutating func sweep(at now: Timestamp) {
        for (number, mail) in mails where now.since(mail.last) > window {
            close(mail, at: now)
            mails[number] = nil
        }
        sweepCount = max(1_024, 2 * mails.count)
    }

    private mutating func close(_ mail: OpenMail, at end: Timestamp) {
        let recorded: MailFate = end.since(mail.first) > window ? .neverCameBack : .mayComeBack
        let simulated = mail.passed.map { mail.fate(passingAt: $0) } ?? recorded
        add(recorded, simulated, mail.first, mail.name)
    }

    private mutating func add(
        _ recorded: MailFate, _ simulated: MailFate, _ first: Timestamp, _ name: String, count: Int = 1
    ) {
        if first >= start { tally.add(recorded, simulated, of: name, count: count) }
    }
}

extension MailLedger.OpenMail {
    /// What became of it in the simulation, if it hasn't passed there before that moment.
    fileprivate func fate(passingAt moment: Timestamp) -> MailFate {
        hasWaited ? .waited((passed ?? moment).since(first)) : .atOnce
    }
}
