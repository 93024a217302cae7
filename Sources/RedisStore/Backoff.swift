import NIOCore

/// How long to wait before the next attempt: twice as long after each failure, up to a bound.
///
/// Each time is cut by up to a half at random, so that what was cut off together doesn't come back together.
struct Backoff {
    static let shortest: TimeAmount = .milliseconds(100)
    static let longest: TimeAmount = .seconds(3)

    private var failures = 0

    /// The time to wait after one more failure; `random` is from 0 to 1.
    mutating func next(random: Double = .random(in: 0...1)) -> TimeAmount {
        // The bound is reached long before the shift could lose bits.
        let whole = min(Self.shortest.nanoseconds << min(failures, 10), Self.longest.nanoseconds)
        failures += 1
        return .nanoseconds(whole - Int64(Double(whole) * 0.5 * random))
    }

    /// Starts again from the shortest time.
    mutating func reset() {
        failures = 0
    }
}
