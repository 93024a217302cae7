/// How often a figure lay between which bounds, counted without an allocation.
///
/// A value of one event loop: those of several are added up.
public struct Histogram: Sendable, Equatable {
    /// The bounds of a figure.
    public struct Bounds: Sendable, Equatable {
        /// In ascending order: each counts what is at most as large; one more slot counts what is beyond the last.
        public let limits: [Double]

        /// Seconds that a sender takes, from the default delay to a day.
        public static let waits = Bounds([300, 360, 420, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400])
        /// Seconds that an answer takes, from a tenth of a millisecond.
        public static let answers = Bounds([
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
        ])

        init(_ limits: [Double]) {
            self.limits = limits
        }
    }

    /// The bounds.
    public let bounds: Bounds
    /// How many figures lay in each slot: not cumulated.
    public private(set) var counts: [Int]
    /// The sum of all figures.
    public private(set) var sum: Double = 0

    /// How many figures there were.
    public var count: Int { counts.reduce(0, +) }

    /// None yet.
    public init(_ bounds: Bounds) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.limits.count + 1)
    }

    /// Counts a figure, as often as it occurred.
    public mutating func observe(_ figure: Double, times: Int = 1) {
        var slot = 0
        while slot < bounds.limits.count, figure > bounds.limits[slot] { slot += 1 }
        counts[slot] += times
        sum += figure * Double(times)
    }

    /// Adds those of another one with the same bounds.
    public static func += (left: inout Histogram, right: Histogram) {
        precondition(left.bounds == right.bounds, "histograms of different bounds are added")
        for slot in left.counts.indices { left.counts[slot] += right.counts[slot] }
        left.sum += right.sum
    }
}
