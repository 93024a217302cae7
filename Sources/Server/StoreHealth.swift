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
    private let schedule: @Sendable (NIODeadline, @escaping @Sendable () -> Void) -> Void
    private let logger: Logger

    /// A store that answers, until it is heard not to.
    ///
    /// - Parameters:
    ///   - pause: the shortest time between two lines in the log
    ///   - schedule: runs something at that time, unless the server has ended by then
    init(
        pause: TimeAmount, logger: Logger,
        schedule: @escaping @Sendable (NIODeadline, @escaping @Sendable () -> Void) -> Void
    ) {
        report = NIOLockedValueBox(HealthReport(pause: pause))
        self.schedule = schedule
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
            let now = NIODeadline.now()
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
        schedule(due) { [self] in
            isTimed.store(false, ordering: .relaxed)
            change { _, _ in }
        }
    }
}
