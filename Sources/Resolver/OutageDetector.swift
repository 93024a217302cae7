import NIOCore

/// Notices that the DNS doesn't answer any more, so that nobody waits for it, and asks one question now and then to see
/// whether it is back.
struct OutageDetector {
    private enum State: Equatable {
        case up(timeouts: Int)
        case down(until: NIODeadline)
        /// One question is out to see.
        case probing
    }

    /// What an answer, or none, changes.
    enum Change {
        case none
        /// The DNS counts as down, and didn't before.
        case down
        /// The probe failed.
        case stillDown
        case back
    }

    /// How many questions in a row may have no answer in time before the DNS counts as down.
    static let tolerance = 5
    /// How long nothing is asked then.
    static let pause = TimeAmount.seconds(5)

    private var state = State.up(timeouts: 0)

    /// Whether the DNS counts as down, a probe under way included.
    var isDown: Bool {
        if case .up = state { false } else { true }
    }

    /// Whether a question would be refused.
    func refuses(at now: NIODeadline) -> Bool {
        switch state {
        case .up: false
        case .down(let until): until > now
        case .probing: true
        }
    }

    /// Whether a question may go out; the first after a pause is the probe.
    mutating func admits(at now: NIODeadline) -> Bool {
        guard !refuses(at: now) else { return false }
        if isDown { state = .probing }
        return true
    }

    /// Takes note of an answer.
    ///
    /// An error may be libunbound's own, where no server answers: it brings nothing back, and doesn't end a row of
    /// timeouts; nor does it prolong one, since a server may well say it.
    mutating func noteAnswer(isError: Bool, at now: NIODeadline) -> Change {
        switch state {
        case .up where isError: return .none
        case .up:
            state = .up(timeouts: 0)
            return .none
        case .down, .probing:
            guard isError else {
                state = .up(timeouts: 0)
                return .back
            }
            state = .down(until: now + Self.pause)
            return .stillDown
        }
    }

    /// Takes note of a question without an answer in time.
    mutating func noteTimeout(at now: NIODeadline) -> Change {
        switch state {
        case .up(let timeouts) where timeouts + 1 < Self.tolerance:
            state = .up(timeouts: timeouts + 1)
            return .none
        case .up:
            state = .down(until: now + Self.pause)
            return .down
        case .down, .probing:
            state = .down(until: now + Self.pause)
            return .stillDown
        }
    }
}
