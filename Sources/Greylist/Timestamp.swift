/// A moment, in whole seconds since 1970-01-01T00:00:00Z.
///
/// It is always handed in; nothing here reads a clock.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since the Unix epoch.
    public var seconds: Int64

    /// The moment that many seconds after the epoch.
    public init(seconds: Int64) {
        self.seconds = seconds
    }

    /// Whether the left moment is the earlier one.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.seconds < right.seconds
    }

    /// Seconds from `earlier` until this moment; 0 where the clock stepped back in between.
    public func since(_ earlier: Timestamp) -> Int64 {
        let (difference, overflow) = seconds.subtractingReportingOverflow(earlier.seconds)
        if overflow { return earlier < self ? .max : 0 }
        return max(0, difference)
    }
}
