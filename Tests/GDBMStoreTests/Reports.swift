import NIOConcurrencyHelpers

/// Collects what a store reports.
final class Reports: Sendable {
    private let sentences = NIOLockedValueBox<[String]>([])

    var all: [String] { sentences.withLockedValue { $0 } }

    @Sendable func add(_ sentence: String) {
        sentences.withLockedValue { $0.append(sentence) }
    }
}
