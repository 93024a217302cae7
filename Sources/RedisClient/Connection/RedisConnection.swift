import NIOCore
import NIOSSL

/// One connection to a server: carries out what its state machine says.
///
/// It is used once. When it fails, for whatever reason, it says so and is done.
final class RedisConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Event {
        /// It may be used from now on.
        case ready(warning: String?)
        /// It is over, and these commands get no reply.
        case closed(RedisError, unanswered: [Command])
    }

    let address: ServerAddress
    private let eventLoop: any EventLoop
    private let handshake: Handshake
    private let limits: RedisLimits
    private let onEvent: (Event) -> Void
    private let onReply: (Command, RESPValue) -> Void
    private var state: ConnectionState<Command>
    private var decoder = RESPDecoder()
    private var unread = ByteBuffer()
    private var unsent = ByteBuffer()
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    /// When this turn of the loop began to send; read once a turn.
    private var turn: NIODeadline?

    /// A connection that has yet to be opened.
    ///
    /// - Parameters:
    ///   - onEvent: called at most once with `.ready` and, unless it is closed by ``close()``, once with `.closed`
    ///   - onReply: takes the reply to each command
    init(
        to address: ServerAddress, on eventLoop: any EventLoop, handshake: Handshake, limits: RedisLimits,
        onEvent: @escaping (Event) -> Void, onReply: @escaping (Command, RESPValue) -> Void
    ) {
        self.address = address
        self.eventLoop = eventLoop
        self.handshake = handshake
        self.limits = limits
        self.onEvent = onEvent
        self.onReply = onReply
        state = ConnectionState(handshake: handshake, limits: limits, now: eventLoop.now)
    }

    /// Whether no reply is outstanding.
    var isIdle: Bool { state.isIdle }

    /// Begins to connect.
    func open(by configuration: RedisConfiguration) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let host = if case .tcp(let endpoint) = address { endpoint.host } else { "" }
        let tls = configuration.tls
        let connecting = configuration.transport.connect(address, eventLoop, limits.connect)
        // A name may have several addresses, of which several are tried: only the channel that comes first gets us.
        connecting.whenComplete { result in
            switch result {
            case .success(let channel): bound.value.adopt(channel, tls: tls, host: host)
            case .failure(let error): bound.value.fail(with: RedisError(connectionError: error))
            }
        }
        scheduleTick()
    }

    private func adopt(_ channel: any Channel, tls: RedisTLS?, host: String) {
        guard !state.isClosed else { return channel.close(promise: nil) }
        do {
            if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler(for: host)) }
            try channel.pipeline.syncOperations.addHandler(self)
        } catch {
            channel.close(promise: nil)
            fail(with: RedisError(connectionError: error))
        }
    }

    /// Takes a command of which ``flush()`` is to be called soon; returns why it isn't sent, or nil.
    func send(_ command: Command) -> RedisError? {
        let now = turn ?? eventLoop.now
        turn = now
        if let fault = state.send(command, afterAsking: command.isAsking, now: now) { return fault }
        if command.isAsking { unsent.writeCommand("ASKING", arguments: 0) }
        unsent.writeImmutableBuffer(command.bytes)
        return nil
    }

    /// Sends what was taken.
    func flush() {
        turn = nil
        guard let context, unsent.readableBytes > 0 else { return }
        let bytes = unsent
        unsent = ByteBuffer()
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Closes without a word; returns the commands that get no reply.
    func close() -> [Command] {
        let unanswered = state.close()
        timer?.cancel()
        timer = nil
        unsent = ByteBuffer()
        context?.close(promise: nil)
        return unanswered
    }

    /// Closes and says so.
    func fail(with fault: RedisError) {
        guard !state.isClosed else { return }
        let unanswered = close()
        onEvent(.closed(RedisError(fault.kind, "\(address): \(fault.message)"), unanswered: unanswered))
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { greet() }
    }

    func channelActive(context: ChannelHandlerContext) {
        greet()
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(with: RedisError(.unavailable(.unreachable), "the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(with: RedisError(connectionError: error))
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !state.isClosed else { return }
        var bytes = unwrapInboundIn(data)
        if unread.readableBytes == 0 {
            unread = bytes
        } else {
            unread.discardReadBytes()
            unread.writeBuffer(&bytes)
        }
        let now = eventLoop.now
        do throws(RESPError) {
            while !state.isClosed, let value = try decoder.next(in: &unread) { take(value, now: now) }
        } catch {
            fail(with: RedisError(.unavailable(.unreachable), error.description))
        }
        // Let go of the buffer that was read, so that it can be used for the next read.
        if unread.readableBytes == 0 { unread = ByteBuffer() }
    }

    private func greet() {
        guard !state.isClosed else {
            context?.close(promise: nil)
            return
        }
        for step in state.connected(now: eventLoop.now) { handshake.write(step, into: &unsent) }
        flush()
    }

    private func take(_ value: RESPValue, now: NIODeadline) {
        switch state.received(value, now: now) {
        case .nothing: break
        case .deliver(let command): onReply(command, value)
        case .ready(let warning): onEvent(.ready(warning: warning))
        case .close(let fault): fail(with: fault)
        }
    }

    /// One look at the clock now and then is cheaper than a deadline for every command.
    private func scheduleTick() {
        let pace = min(TimeAmount.milliseconds(500), .nanoseconds(min(limits.connect, limits.reply).nanoseconds / 4))
        timer = eventLoop.assumeIsolated().scheduleTask(in: pace) {
            switch self.state.tick(now: self.eventLoop.now) {
            case .nothing: break
            case .ping:
                self.unsent.writeCommand("PING", arguments: 0)
                self.flush()
            case .close(let fault): self.fail(with: fault)
            }
            if !self.state.isClosed { self.scheduleTick() }
        }
    }
}

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
