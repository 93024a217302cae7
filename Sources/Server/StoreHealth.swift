import Logging
import Storage
import Synchronization

/// Says once that the store fails, and once that it answers again.
final class StoreHealth: Sendable {
    private let isFailing = Atomic(false)
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func succeeded() {
        guard isFailing.load(ordering: .relaxed), isFailing.exchange(false, ordering: .relaxed) else { return }
        logger.notice("the store answers again")
    }

    /// Takes a sentence for the log.
    func failed(_ reason: @autoclosure () -> String) {
        guard !isFailing.exchange(true, ordering: .relaxed) else { return }
        logger.warning("\(reason()); requests are answered without the store until it answers again")
    }
}
