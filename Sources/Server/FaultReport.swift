import Logging
import NIOConcurrencyHelpers
import Storage

/// Warns of a fault in a recurring task once, not each time: again when it is another fault, or has been away.
final class FaultReport: Sendable {
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
