import NIOConcurrencyHelpers

/// A clock that stands until it is moved.
final class MovedClock: Sendable {
    private let time = NIOLockedValueBox(ContinuousClock.now)

    @Sendable func now() -> ContinuousClock.Instant { time.withLockedValue { $0 } }

    func move(_ duration: Duration) { time.withLockedValue { $0 += duration } }
}
