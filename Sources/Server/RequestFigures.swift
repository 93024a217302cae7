public import Engine
import NIOCore

/// What one event loop has counted of its requests since its start, or several together.
///
/// Plain numbers that only their loop changes; they are added up when metrics are asked for.
public struct RequestFigures: Sendable, Equatable {
    /// The decisions.
    public internal(set) var decisions = DecisionCounters()
    /// Seconds from a request to its reply, where nobody asked the DNS for it.
    public internal(set) var plainDurations = Histogram(.answers)
    /// Likewise, where the DNS was asked.
    public internal(set) var dnsDurations = Histogram(.answers)
    /// Seconds that the store took for the requests of a turn.
    public internal(set) var storeDurations = Histogram(.answers)

    /// None yet.
    public init() {}

    /// How many requests had to wait, or would have had to where the site only observes.
    var deferrals: Int { decisions.deferrals.reduce(0, +) }
    /// All others that were answered, those that greylisting has no say in among them.
    var passes: Int { decisions.passes.reduce(0, +) }

    /// Counts how long the store took for the requests of a turn.
    mutating func noteStore(after duration: TimeAmount) {
        storeDurations.observe(duration.seconds)
    }

    /// Counts replies that took that long.
    mutating func noteReplies(_ count: Int = 1, after duration: TimeAmount, isByDNS: Bool) {
        if isByDNS {
            dnsDurations.observe(duration.seconds, times: count)
        } else {
            plainDurations.observe(duration.seconds, times: count)
        }
    }

    /// Adds those of another event loop.
    public static func += (left: inout RequestFigures, right: RequestFigures) {
        left.decisions += right.decisions
        left.plainDurations += right.plainDurations
        left.dnsDurations += right.dnsDurations
        left.storeDurations += right.storeDurations
    }
}

extension TimeAmount {
    fileprivate var seconds: Double { Double(nanoseconds) / 1e9 }
}
