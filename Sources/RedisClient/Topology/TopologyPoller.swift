import NIOCore

/// What is asked, of which servers, and who wants to know.
struct TopologyQuery {
    /// The command.
    var command: ByteBuffer
    /// How often to ask.
    var pace: TimeAmount
    /// The servers to ask; at least one.
    var candidates: () -> [ServerAddress]
    /// Takes an answer; throws where it is none.
    var answered: (RESPValue, ServerAddress) throws(RedisError) -> Void
    /// Is called when none answered.
    var failed: (RedisError) -> Void
}

/// Asks one of several servers the same question again and again: a Sentinel who the master is, a node who has which
/// slots.
///
/// The server that answered is asked again, on the same connection. When it doesn't answer in time, or answers nonsense, the
/// next one is asked; when none has answered, that is reported, and a new round begins after a while.
final class TopologyPoller: ReplyHandler {
    /// The least time between two questions, however often one is wished for.
    private static let leastPace = TimeAmount.milliseconds(200)

    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let handshake: Handshake
    private let limits: RedisLimits
    private let query: TopologyQuery
    private var connection: RedisConnection?
    private var isReady = false
    private var isAsking = false
    /// Whom to ask, among the candidates.
    private var turn = 0
    /// How many are left to ask in this round.
    private var remaining = 0
    /// Why the last one didn't answer.
    private var fault = RedisError(.unavailable(.unreachable), "no server was asked")
    /// Those that aren't asked for a while, since somebody has to fix something first.
    private var barred: [ServerAddress: (until: NIODeadline, fault: RedisError)] = [:]
    private var backoff = Backoff()
    private var next: Scheduled<Void>?
    private var earliest: NIODeadline
    private var isClosed = false

    init(
        on eventLoop: any EventLoop, configuration: RedisConfiguration, login: RedisLogin?, limits: RedisLimits,
        query: TopologyQuery
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        handshake = Handshake(login: login)
        var limits = limits
        limits.connect = limits.scouting
        limits.reply = limits.scouting
        self.limits = limits
        self.query = query
        earliest = eventLoop.now
    }

    /// Asks now, or as soon as that is decent.
    ///
    /// - Parameter elsewhere: whether to ask somebody else, since what the last one said was of no use
    func ask(elsewhere: Bool = false) {
        guard !isAsking, !isClosed else { return }
        if elsewhere { turnAway() }
        schedule(at: earliest)
    }

    /// Asks no more.
    func close() {
        isClosed = true
        isAsking = false
        next?.cancel()
        dropConnection()
    }

    private func schedule(at time: NIODeadline) {
        next?.cancel()
        guard time > eventLoop.now else { return begin() }
        next = eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.begin() }
    }

    private func begin() {
        guard !isAsking, !isClosed else { return }
        isAsking = true
        remaining = query.candidates().count
        if let connection, isReady { put(to: connection) } else { askNext() }
    }

    private func askNext() {
        let candidates = query.candidates()
        while remaining > 0 {
            let address = candidates[turn % candidates.count]
            remaining -= 1
            guard let bar = barred[address], bar.until > eventLoop.now else { return connect(to: address) }
            fault = bar.fault
            turn += 1
        }
        isAsking = false
        let pause = backoff.next(random: configuration.transport.random())
        rest(least: pause, usual: pause)
        // What somebody has to fix says more than that others couldn't be reached.
        query.failed(candidates.lazy.compactMap { self.barred[$0]?.fault }.first ?? fault)
    }

    private func connect(to address: ServerAddress) {
        let connection = RedisConnection(
            to: address, on: eventLoop, handshake: handshake, limits: limits,
            onEvent: { self.handle($0) },
            onReply: { command, value in
                if case .error(let text) = value {
                    command.pendingReply.fail(RedisError(reply: text))
                } else {
                    command.pendingReply.succeed(value)
                }
            })
        self.connection = connection
        isReady = false
        connection.open(by: configuration)
    }

    private func handle(_ event: RedisConnection.Event) {
        switch event {
        case .ready:
            guard let connection else { return }
            isReady = true
            barred[connection.address] = nil
            if isAsking { put(to: connection) }
        case .closed(let fault, _):
            // It stands for the question that was on it, too.
            if isAsking { miss(fault) } else { dropConnection() }
        }
    }

    private func put(to connection: RedisConnection) {
        if let fault = connection.send(Command(query.command, to: PendingReply(handler: self, tag: 0))) {
            return miss(fault)
        }
        connection.flush()
    }

    func handle(_ reply: Result<RESPValue, RedisError>, tag: Int) {
        guard isAsking, let connection else { return }
        do throws(RedisError) {
            try query.answered(try reply.get(), connection.address)
        } catch {
            // Whatever is wrong with a server that doesn't know the question, it isn't one of those to ask.
            let kind = error.kind == .other ? .misconfigured : error.kind
            return miss(RedisError(kind, "\(connection.address): \(error.message)"))
        }
        isAsking = false
        barred[connection.address] = nil
        backoff.reset()
        rest(least: Self.leastPace, usual: query.pace)
    }

    /// One candidate was asked in vain.
    private func miss(_ fault: RedisError) {
        self.fault = fault
        if fault.isMisconfiguration, let connection {
            configuration.warnings.set(fault.message, on: connection.address)
            barred[connection.address] = (eventLoop.now + limits.misconfigured, fault)
        }
        turnAway()
        askNext()
    }

    private func rest(least: TimeAmount, usual: TimeAmount) {
        guard !isClosed else { return }
        earliest = eventLoop.now + least
        schedule(at: eventLoop.now + usual)
    }

    private func turnAway() {
        turn += 1
        dropConnection()
    }

    private func dropConnection() {
        // Its only command is ours, and we know.
        _ = connection?.close()
        connection = nil
        isReady = false
    }
}
