import NIOCore

/// Lets so many lines of a kind into the log in a span of time, and counts the others.
///
/// A value that is told the time: `LimitedLog` keeps one for each kind.
struct LineLimiter: Sendable {
    private let burst: Int
    private let span: TimeAmount
    private var start: NIODeadline?
    private var admitted = 0
    private var suppressed = 0

    /// A limiter that has seen nothing; by default ten lines a minute pass.
    init(burst: Int = 10, span: TimeAmount = .minutes(1)) {
        self.burst = burst
        self.span = span
    }

    /// When the suppressed lines are to be told of, if nothing tells of them before; nil where there are none.
    var due: NIODeadline? {
        guard suppressed > 0, let start else { return nil }
        return start + span
    }

    /// Whether one more line may be written, and how many were suppressed in the span that is over, to be told first.
    mutating func admit(at now: NIODeadline) -> (isAdmitted: Bool, suppressed: Int) {
        let before = takeSuppressed(at: now)
        if start.map({ now >= $0 + span }) ?? true {
            start = now
            admitted = 0
        }
        guard admitted < burst else {
            suppressed += 1
            return (false, before)
        }
        admitted += 1
        return (true, before)
    }

    /// How many were suppressed in the span that is over, each of them once; 0 while it lasts.
    mutating func takeSuppressed(at now: NIODeadline) -> Int {
        guard let due, due <= now else { return 0 }
        return takeSuppressed()
    }

    /// How many were suppressed and not told of yet, whether or not the span is over.
    mutating func takeSuppressed() -> Int {
        defer { suppressed = 0 }
        return suppressed
    }
}
