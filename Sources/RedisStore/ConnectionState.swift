import NIOCore

/// What a connection is in the middle of: a pure machine that takes events and says what to do.
///
/// Replies come in the order of the commands, so a queue is all that is needed to tell them apart. That holds as long as
/// not one is missed: a connection that failed is never used again.
struct ConnectionState<Command> {
    private enum Phase { case connecting, handshake, ready, closed }

    /// Whose reply comes next.
    private enum Expected {
        case handshake(Handshake.Step)
        /// Nobody's: that of a `PING` or an `ASKING`.
        case nothing
        case command(Command)
    }

    /// What to do about a reply.
    enum ReplyAction {
        case nothing
        case deliver(Command)
        /// The connection may be used from now on.
        case ready(warning: String?)
        case close(RedisError)
    }

    /// What to do as time passes.
    enum TickAction: Equatable {
        case nothing
        case ping
        case close(RedisError)
    }

    private let handshake: Handshake
    private let limits: RedisLimits
    private let started: NIODeadline
    private var phase = Phase.connecting
    private var expected = CircularBuffer<(reply: Expected, since: NIODeadline)>()
    private var lastHeard: NIODeadline
    private var warning: String?

    init(handshake: Handshake, limits: RedisLimits, now: NIODeadline) {
        self.handshake = handshake
        self.limits = limits
        started = now
        lastHeard = now
    }

    /// Whether it was closed.
    var isClosed: Bool { phase == .closed }

    /// Whether no reply is outstanding.
    var isIdle: Bool { expected.isEmpty }

    /// The server has accepted; returns what is to be said first.
    mutating func connected(now: NIODeadline) -> [Handshake.Step] {
        guard phase == .connecting else { return [] }
        phase = .handshake
        let steps = handshake.steps
        for step in steps { expected.append((.handshake(step), now)) }
        return steps
    }

    /// A command is to be sent; returns why it isn't, or nil.
    mutating func send(_ command: Command, afterAsking: Bool, now: NIODeadline) -> RedisError? {
        guard phase == .ready else { preconditionFailure("a command was given to a connection that isn't ready") }
        guard expected.count < limits.waiting else {
            return RedisError(.unavailable(.busy), "\(limits.waiting) commands wait for the server")
        }
        if afterAsking { expected.append((.nothing, now)) }
        expected.append((.command(command), now))
        return nil
    }

    /// The server has replied.
    mutating func received(_ value: RESPValue, now: NIODeadline) -> ReplyAction {
        lastHeard = now
        if phase == .closed { return .nothing }
        guard let next = expected.popFirst() else {
            // Such as the farewell of a server that has too many clients.
            if case .error(let text) = value { return .close(RedisError(.unavailable(.busy), String(logSafe: text))) }
            return .close(RedisError(.unavailable(.unreachable), "the server replied to nothing"))
        }
        switch next.reply {
        case .nothing: return .nothing
        case .command(let command): return .deliver(command)
        case .handshake(let step):
            switch handshake.judge(value, to: step) {
            case .fault(let fault): return .close(fault)
            case .warning(let text): warning = text
            case .good: break
            }
            guard expected.isEmpty else { return .nothing }
            phase = .ready
            return .ready(warning: warning)
        }
    }

    /// Time has passed.
    mutating func tick(now: NIODeadline) -> TickAction {
        switch phase {
        case .closed: return .nothing
        case .connecting, .handshake:
            guard now - started > limits.connect else { return .nothing }
            return .close(.silence(for: limits.connect))
        case .ready:
            if let oldest = expected.first {
                return now - oldest.since > limits.reply ? .close(.silence(for: limits.reply)) : .nothing
            }
            guard now - lastHeard >= limits.idle else { return .nothing }
            expected.append((.nothing, now))
            return .ping
        }
    }

    /// The connection is over, whoever ended it; returns the commands that have no reply.
    mutating func close() -> [Command] {
        phase = .closed
        let commands = expected.compactMap { if case .command(let command) = $0.reply { command } else { nil } }
        expected = []
        return commands
    }
}

extension RedisError {
    fileprivate static func silence(for time: TimeAmount) -> RedisError {
        let seconds = Double(time.nanoseconds) / 1e9
        return RedisError(.unavailable(.unreachable), "the server did not answer within \(seconds) s")
    }
}
