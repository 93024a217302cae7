import NIOCore

/// Keeps requests from a store that fails, and lets one through now and then to see whether it is back.
///
/// While it is closed, every round goes to the store. Rounds that fail one after the other open it, and a single one that
/// is late does: nobody else shall wait behind it. Then nothing goes to the store for a while, and after that one
/// request as a probe. If the store answers it in time the breaker closes; else the next while is twice as long.
///
/// Only the probe counts then: what the store answers late tells that it is slow, not that it is back. Nor does it matter
/// whether the store ever answers what it was asked before, so answers that are lost can't keep the breaker open.
struct CircuitBreaker {
    /// What became of a round.
    enum Result {
        /// Answered in time. A store that takes no more answers, too: what it knows is as good as ever.
        case answered
        case failed
        case late
    }

    private enum State {
        case closed(failures: Int)
        case open(until: NIODeadline)
        /// The probe is with the store.
        case halfOpen
    }

    /// How many rounds must fail one after the other.
    private static let tolerance = 5

    private let pauses: ClosedRange<TimeAmount>
    private var state = State.closed(failures: 0)
    private var pause: TimeAmount

    /// A closed breaker.
    ///
    /// - Parameter pauses: how long the store is left alone: at first, and at most
    init(pauses: ClosedRange<TimeAmount>) {
        self.pauses = pauses
        pause = pauses.lowerBound
    }

    /// Whether the store is asked as if nothing had ever been.
    var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    /// Whether a request may go to the store as the probe; says so once.
    mutating func admitsProbe(at now: NIODeadline) -> Bool {
        guard case .open(let until) = state, until <= now else { return false }
        state = .halfOpen
        return true
    }

    /// Takes note of a round.
    ///
    /// - Parameters:
    ///   - isProbe: whether it was the probe; others that were with the store when the breaker opened count no more
    ///   - now: asked for only where it matters
    ///   - jitter: from 0 to 1, so that not everybody who lost the store comes back at the same moment
    mutating func note(
        _ result: Result, isProbe: Bool, at now: @autoclosure () -> NIODeadline, jitter: @autoclosure () -> Double
    ) {
        switch (state, result) {
        case (.closed, .answered):
            state = .closed(failures: 0)
        case (.closed(let failures), .failed) where failures + 1 < Self.tolerance:
            state = .closed(failures: failures + 1)
        case (.closed, .failed), (.closed, .late):
            pause = pauses.lowerBound
            open(at: now(), jitter())
        case (.halfOpen, .answered) where isProbe:
            state = .closed(failures: 0)
        case (.halfOpen, _) where isProbe:
            pause = min(pause + pause, pauses.upperBound)
            open(at: now(), jitter())
        case (.open, _), (.halfOpen, _):
            break
        }
    }

    /// The pause is cut by up to a half.
    private mutating func open(at now: NIODeadline, _ jitter: Double) {
        state = .open(until: now + .nanoseconds(Int64(Double(pause.nanoseconds) * (1 - jitter / 2))))
    }
}
