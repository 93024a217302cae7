import NIOConcurrencyHelpers

/// Collects what a store reports.
final class Reports: Sendable {
    private let messages = NIOLockedValueBox<[String]>([])

    var all: [String] { messages.withLockedValue { $0 } }

    @Sendable func add(_ message: String) {
        messages.withLockedValue { $0.append(message) }
    }
}
