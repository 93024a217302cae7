import Logging
import NIOConcurrencyHelpers
import NIOCore
import Storage
import Synchronization

/// Knows whether the store fails, for all event loops, and tells the log.
final class StoreHealth: Sendable {
    /// The same as `report.isAway`: so that a request that all is well with takes no lock.
    private let isFailing = Atomic(false)
    private let unanswered = Atomic(0)
    private let report: NIOLockedValueBox<HealthReport>
    private let isTimed = Atomic(false)
    private let clock: any EventLoop
    private let logger: Logger

    /// A store that answers, until it is heard not to.
    ///
    /// - Parameters:
    ///   - pause: the shortest time between two lines in the log
    ///   - clock: tells the time, and runs what is due
    init(pause: TimeAmount, logger: Logger, clock: any EventLoop) {
        report = NIOLockedValueBox(HealthReport(pause: pause))
        self.clock = clock
        self.logger = logger
    }

    var isAway: Bool { isFailing.load(ordering: .relaxed) }

    func succeeded() {
        guard isAway else { return }
        change { report, now in
            report.succeeded(at: now, unanswered: unanswered.exchange(0, ordering: .relaxed))
        }
    }

    func failed(_ fault: StoreError) {
        change { report, now in report.failed(fault, at: now) }
    }

    /// A request was answered without the store.
    func countUnanswered() {
        unanswered.wrappingAdd(1, ordering: .relaxed)
    }

    private func change(_ change: (inout HealthReport, NIODeadline) -> Void) {
        let (line, due) = report.withLockedValue { report in
            let now = clock.now
            change(&report, now)
            isFailing.store(report.isAway, ordering: .relaxed)
            return (report.line(at: now), report.due)
        }
        if let line { logger.log(level: line.level, "\(line.text)") }
        if let due { tell(at: due) }
    }

    /// Looks again then; one look is enough for all changes until it.
    private func tell(at due: NIODeadline) {
        guard !isTimed.exchange(true, ordering: .relaxed) else { return }
        clock.scheduleTask(deadline: due) { [self] in
            isTimed.store(false, ordering: .relaxed)
            change { _, _ in }
        }
    }
}

/// Puts a store's ups and downs in lines for the log: one for each change, and never two within `pause`.
///
/// A change that comes sooner is held back, and told when the pause is over if it still holds; the line then says how
/// many changes there were.
struct HealthReport {
    /// A line for the log.
    struct Line: Equatable {
        var level: Logger.Level
        var text: String
    }

    private let pause: TimeAmount
    /// The fault of a store that is away, the newest one; nil while it answers.
    private var fault: StoreError?
    /// What the last line said.
    private var toldCode: StoreError.Code?
    private var lastLine: NIODeadline?
    private var awaySince: NIODeadline?
    /// How long the store was away before that, since the last line that said it was back.
    private var away = TimeAmount.zero
    private var unanswered = 0
    private var changes = 0

    init(pause: TimeAmount) {
        self.pause = pause
    }

    /// Whether the store fails.
    var isAway: Bool { fault != nil }

    /// When to look for a line again, where a change is held back.
    var due: NIODeadline? {
        guard let lastLine, fault?.code != toldCode else { return nil }
        return lastLine + pause
    }

    /// The store answered; so many requests were answered without it meanwhile.
    mutating func succeeded(at now: NIODeadline, unanswered: Int) {
        guard let since = awaySince else { return }
        away = away + (now - since)
        self.unanswered += unanswered
        awaySince = nil
        fault = nil
        changes += 1
    }

    /// The store failed.
    mutating func failed(_ fault: StoreError, at now: NIODeadline) {
        if self.fault?.code != fault.code { changes += 1 }
        if self.fault == nil { awaySince = now }
        self.fault = fault
    }

    /// What is to be told now.
    mutating func line(at now: NIODeadline) -> Line? {
        guard fault?.code != toldCode, lastLine.map({ $0 + pause <= now }) ?? true else { return nil }
        let flaps = changes > 1 ? " (\(changes) changes since the last such line)" : ""
        toldCode = fault?.code
        lastLine = now
        changes = 0
        guard let fault else {
            let text =
                "the store answers again, after \(away.tenths) s; \(unanswered) requests were answered without it"
            (away, unanswered) = (.zero, 0)
            return Line(level: .notice, text: text + flaps)
        }
        return Line(
            level: fault.code == .misconfigured ? .error : .warning,
            text: "store unavailable (\(fault)); answering without it" + flaps)
    }
}

extension TimeAmount {
    /// Seconds, to a tenth.
    fileprivate var tenths: Double { Double((nanoseconds + 50_000_000) / 100_000_000) / 10 }
}

/// Warns of a fault in a recurring task once, not each time: again when it is another fault, or has been away.
final class ErrorReport: Sendable {
    private let newest = NIOLockedValueBox<[String: StoreError]>([:])
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func failed(_ task: String, _ fault: StoreError) {
        guard newest.withLockedValue({ $0.updateValue(fault, forKey: task) }) != fault else { return }
        logger.warning("\(task) failed: \(fault)")
    }

    func succeeded(_ task: String) {
        newest.withLockedValue { $0[task] = nil }
    }
}
