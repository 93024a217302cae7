import NIOCore

/// Keeps a connection to one server.
///
/// Commands wait while the first connection is being made. Once an attempt has failed they fail at once, until one
/// succeeds: nobody has to wait for a server that isn't there. Where the server is, its owner says: once and for all, or
/// whenever it is asked to locate it.
final class NodeClient {
    /// What the owner of a node does for it.
    struct Owner {
        /// Finds out where the server is, to call ``NodeClient/found(_:)`` or ``NodeClient/notFound(_:)`` some time.
        var locate: (NodeClient) -> Void
        /// Takes a command that was answered by an error, and settles it.
        var settle: (Command, RedisError, NodeClient) -> Void
        /// Hears that a connection couldn't be made, or was lost.
        var lost: (NodeClient) -> Void
    }

    private enum State {
        /// The owner was asked where the server is.
        case locating
        case connecting(RedisConnection)
        case ready(RedisConnection, since: NIODeadline)
        /// The next attempt waits for its time.
        case pausing(Scheduled<Void>)
        case closed
    }

    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let handshake: Handshake
    private let limits: RedisLimits
    private let owner: Owner
    private var state = State.locating
    private var backoff = Backoff()
    /// What waits for the first connection.
    private var queue: [Command] = []
    /// Where the server is or was last.
    private(set) var address: ServerAddress?
    /// Why there is no connection; nil while there is one, and before the first attempt has failed.
    private(set) var fault: RedisError?

    init(
        on eventLoop: any EventLoop, configuration: RedisConfiguration, handshake: Handshake, limits: RedisLimits,
        owner: Owner
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.handshake = handshake
        self.limits = limits
        self.owner = owner
    }

    /// Whether commands are sent.
    var isReady: Bool { if case .ready = state { true } else { false } }

    /// Whether nothing waits here for a reply.
    var isIdle: Bool {
        if case .ready(let connection, _) = state { connection.isIdle } else { queue.isEmpty }
    }

    /// Begins.
    func start() {
        owner.locate(self)
    }

    /// Takes a command of which ``flush()`` is to be called soon.
    func submit(_ command: Command) {
        switch state {
        case .ready(let connection, _):
            if let fault = connection.send(command) { command.pendingReply.fail(fault) }
        case .locating, .connecting, .pausing:
            if let fault { return command.pendingReply.fail(fault) }
            guard queue.count < limits.waiting else {
                return command.pendingReply.fail(RedisError(.unavailable(.busy), "\(limits.waiting) commands wait"))
            }
            queue.append(command)
        case .closed: command.pendingReply.fail(.closed)
        }
    }

    /// Sends what was taken.
    func flush() {
        if case .ready(let connection, _) = state { connection.flush() }
    }

    /// Ends all of it; what waits fails.
    func close() {
        leave(for: .closed, because: .closed)
    }

    /// The server is there; if that is news, it is connected to at once.
    func found(_ address: ServerAddress) {
        switch state {
        case .locating: break
        case .connecting, .ready, .pausing:
            guard address != self.address else { return }
            leave(for: .locating, because: RedisError(.unavailable(.notServing), "the master is now at \(address)"))
        case .closed: return
        }
        if address != self.address { backoff.reset() }
        connect(to: address)
    }

    /// Nobody could say where the server is; whoever looks for it goes on looking.
    func notFound(_ fault: RedisError) {
        guard case .locating = state else { return }
        leave(for: .locating, because: fault)
    }

    private func connect(to address: ServerAddress) {
        self.address = address
        let connection = RedisConnection(
            to: address, on: eventLoop, handshake: handshake, limits: limits,
            onEvent: { self.handle($0) }, onReply: { self.deliver($1, to: $0) })
        state = .connecting(connection)
        connection.open(by: configuration)
    }

    private func handle(_ event: RedisConnection.Event) {
        switch event {
        case .ready(let warning): becomeReady(warning: warning)
        case .closed(let fault, let unanswered): becomeLost(fault, unanswered: unanswered)
        }
    }

    private func becomeReady(warning: String?) {
        guard case .connecting(let connection) = state else { return }
        state = .ready(connection, since: eventLoop.now)
        fault = nil
        configuration.warnings.set(warning.map { "\(connection.address): \($0)" }, on: connection.address)
        let queue = queue
        self.queue = []
        for command in queue { submit(command) }
        flush()
    }

    private func becomeLost(_ fault: RedisError, unanswered: [Command]) {
        if case .ready(_, let since) = state, eventLoop.now - since > Backoff.longest { backoff.reset() }
        if fault.isMisconfiguration, let address { configuration.warnings.set(fault.message, on: address) }
        let delay =
            fault.isMisconfiguration ? limits.misconfigured : backoff.next(random: configuration.transport.random())
        let retry = eventLoop.assumeIsolated().scheduleTask(in: delay) {
            self.state = .locating
            self.owner.locate(self)
        }
        leave(for: .pausing(retry), because: fault, unanswered: unanswered)
        owner.lost(self)
    }

    /// Goes to a state without a connection.
    ///
    /// Everything that waits fails after that, so that whoever asks again at once finds things as they are.
    private func leave(for next: State, because fault: RedisError, unanswered: [Command] = []) {
        var failing = unanswered + queue
        queue = []
        switch state {
        case .connecting(let connection), .ready(let connection, _): failing += connection.close()
        case .pausing(let retry): retry.cancel()
        case .locating, .closed: break
        }
        state = next
        self.fault = fault
        for command in failing { command.pendingReply.fail(fault) }
    }

    private func deliver(_ value: RESPValue, to command: Command) {
        guard case .error(let text) = value else { return command.pendingReply.succeed(value) }
        let fault = RedisError(reply: text)
        owner.settle(command, fault, self)
        // It isn't the server it was: look for the one that is.
        if fault.kind == .unavailable(.notServing), case .ready(let connection, _) = state {
            connection.fail(with: fault)
        }
    }
}

extension RedisError {
    static let closed = RedisError(.unavailable(.unreachable), "the client is closed")
}

/// Commands that are to be sent once more in a moment.
final class RetryQueue {
    private let eventLoop: any EventLoop
    private let resend: ([Command]) -> Void
    private var commands: [Command] = []
    private var timer: Scheduled<Void>?

    init(on eventLoop: any EventLoop, resend: @escaping ([Command]) -> Void) {
        self.eventLoop = eventLoop
        self.resend = resend
    }

    /// Adds a command to those that go together.
    func add(_ command: Command) {
        commands.append(command)
        guard timer == nil else { return }
        timer = eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(.random(in: 20...50))) {
            self.resend(self.cancel())
        }
    }

    /// Gives back what was to be sent.
    func cancel() -> [Command] {
        timer?.cancel()
        timer = nil
        let commands = commands
        self.commands = []
        return commands
    }
}

/// How long to wait before the next attempt: twice as long after each failure, up to a bound.
///
/// Each time is cut by up to a half at random, so that what was cut off together doesn't come back together.
struct Backoff {
    static let shortest: TimeAmount = .milliseconds(100)
    static let longest: TimeAmount = .seconds(3)

    private var failures = 0

    /// The time to wait after one more failure; `random` is from 0 to 1.
    mutating func next(random: Double) -> TimeAmount {
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
