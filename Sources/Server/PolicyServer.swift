public import Engine
public import Greylist
public import LogOutput
public import Logging
public import NIOCore
import NIOPosix
public import Resolver
public import ServiceLifecycle
public import Storage
import Synchronization
import Whitelists

/// Serves the policy protocol on all listeners until it is told to stop, then finishes what is in flight.
public final class PolicyServer: Service {
    /// An event loop with what belongs to it.
    private struct Loop: Sendable {
        let eventLoop: any EventLoop
        let pipeline: NIOLoopBound<RequestPipeline>
        let registry: NIOLoopBound<ConnectionRegistry>
    }

    /// How many entries of a table are kept in memory while the store is away: some 30 MB.
    private static let fallbackCapacity = 200_000
    /// How many connections that wait are taken in at once when the server stops.
    private static let intake = 200

    /// Hands what was learnt in memory over to the store; nil where nothing stands in for it.
    public let fallbackSync: FallbackSync?

    private let listeners: [OpenListener]
    private let store: any Store
    private let resolver: DNSResolver?
    private let grace: Duration
    private let onServing: @Sendable () -> Void
    private let logger: Logger
    private let log: LimitedLog
    private let group: MultiThreadedEventLoopGroup
    private let health: StoreHealth
    private let loops: [Loop]

    /// A server on these listeners, which are its to close from now on.
    ///
    /// - Parameters:
    ///   - store: closed when the server has stopped
    ///   - resolver: asks the DNS who a client is; likewise
    ///   - ledger: keeps what senders have earned; nil where nobody is to be let through by it
    ///   - sink: takes the lines of decisions
    ///   - history: takes the decisions themselves; nil where none is kept
    ///   - logger: takes everything else
    ///   - onServing: called once, when all listeners serve
    public init(
        listeners: [OpenListener], options: ServerOptions, engine: PolicyEngine, store: any Store,
        resolver: DNSResolver? = nil, ledger: IdentityLedger? = nil, sink: LogSink, history: DecisionQueue? = nil,
        logger: Logger,
        onServing: @escaping @Sendable () -> Void = {}
    ) async throws {
        self.listeners = listeners
        self.store = store
        self.resolver = resolver
        grace = options.grace
        self.logger = logger
        self.onServing = onServing
        let group = MultiThreadedEventLoopGroup(numberOfThreads: options.threads)
        self.group = group
        let clock = group.next()
        let health = StoreHealth(pause: options.storeLinePause, logger: logger, clock: clock)
        self.health = health
        let log = LimitedLog(logger: logger, clock: clock)
        self.log = log
        let sharedAddresses = SharedAddressWarning(logger: logger)
        let fallback = options.hasFallback ? MemoryStore(capacity: Self.fallbackCapacity) : nil
        fallbackSync = fallback.map {
            FallbackSync(
                from: $0, to: store, health: health, rules: engine.options.rules, now: options.now, clock: clock,
                log: log, logger: logger)
        }
        let share = max(1, options.maxConnections / options.threads)
        var loops: [Loop] = []
        for eventLoop in group.makeIterator() {
            let loop = try await eventLoop.submit {
                let pipeline = RequestPipeline(
                    eventLoop: eventLoop, options: options, engine: engine, store: store, health: health,
                    fallback: fallback, resolver: resolver.map { LoopResolver($0, on: eventLoop) }, ledger: ledger,
                    sink: sink, history: history, log: log, sharedAddresses: sharedAddresses)
                let registry = ConnectionRegistry(
                    eventLoop: eventLoop, limit: share, idleTimeout: options.idleTimeout, log: log)
                return Loop(
                    eventLoop: eventLoop, pipeline: NIOLoopBound(pipeline, eventLoop: eventLoop),
                    registry: NIOLoopBound(registry, eventLoop: eventLoop))
            }.get()
            loops.append(loop)
        }
        self.loops = loops
    }

    /// Whether the store failed when it was last asked.
    public var isStoreUnavailable: Bool { health.isAway }

    /// Serves until graceful shutdown.
    public func run() async throws {
        var channels: [any Channel] = []
        for listener in listeners {
            channels.append(try await serve(listener))
            logger.info("listening on \(listener.address)")
        }
        onServing()
        try? await gracefulShutdown()
        await stopAccepting(on: channels)
        let deadline = NIODeadline.now() + TimeAmount(grace)
        await drain()
        // However long clients took: a store that is there needs but a moment.
        await fallbackSync?.finish(by: max(deadline, .now() + .milliseconds(300)))
        log.finish()
        await store.close()
        await resolver?.close()
        try? await group.shutdownGracefully()
    }

    /// Changes how requests are answered from the next one on; each loop changes between two requests.
    public func change(_ change: @escaping @Sendable (inout PolicyEngine) -> Void) async {
        for loop in loops {
            // What is replaced is handed out and freed here: a large whitelist would hold up the loop.
            let engines = try? await loop.eventLoop.submit {
                let old = loop.pipeline.value.engine
                change(&loop.pipeline.value.engine)
                return (old: old, new: loop.pipeline.value.engine)
            }.get()
            if let engines { fallbackSync?.change(to: engines.new.options.rules) }
        }
    }

    /// What was done since the start; less than that where the task is cancelled before all loops have told.
    public func counts() async -> ServerCounts {
        await collect { loop in
            let pipeline = loop.pipeline.value
            return ServerCounts(
                connections: loop.registry.value.count, greylisted: pipeline.figures.deferrals,
                passed: pipeline.figures.passes)
        }.reduce(into: ServerCounts(), +=)
    }

    /// What metrics tell of; less than that where the task is cancelled before all loops have told.
    public func figures() async -> ServerFigures {
        await collect { [health] loop in
            let pipeline = loop.pipeline.value
            var figures = ServerFigures()
            figures.requests = pipeline.figures
            figures.connections = loop.registry.value.figures
            figures.batches = pipeline.gate.figures
            figures.withoutStore = pipeline.withoutStore
            figures.openBreakers = pipeline.gate.isOpen ? 0 : 1
            figures.isStoreUnavailable = health.isAway
            if let resolver = pipeline.inquiries.resolver { figures.dnsCache = resolver.cache }
            figures.whitelistEntries = pipeline.engine.whitelist.count
            return figures
        }.reduce(into: ServerFigures(), +=)
    }

    /// What each loop tells, on itself; of fewer of them where the task is cancelled.
    private func collect<Figures: Sendable>(_ tell: @escaping @Sendable (Loop) -> Figures) async -> [Figures] {
        let (answers, source) = AsyncStream.makeStream(of: Figures.self)
        for loop in loops {
            loop.eventLoop.execute { source.yield(tell(loop)) }
        }
        var told: [Figures] = []
        for await figures in answers {
            told.append(figures)
            if told.count == loops.count { break }
        }
        return told
    }

    /// A check on all event loops; it keeps connections open until it is closed.
    ///
    /// - Parameter clock: by which it waits; none of the server's own loops
    func livenessProbe(
        clock: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    ) async throws -> LivenessProbe {
        let loops = loops
        return try await LivenessProbe(to: loops.map(\.eventLoop), clock: clock) { channel in
            Self.initialize(channel, on: loops, isOwn: true)
        }
    }

    /// Makes a connection out of a channel.
    private static func initialize(
        _ channel: any Channel, on loops: [Loop], isOwn: Bool = false
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            guard let loop = loops.first(where: { $0.eventLoop === channel.eventLoop }) else {
                preconditionFailure("a connection came in on a foreign event loop")
            }
            try channel.pipeline.syncOperations.addHandler(
                Connection(pipeline: loop.pipeline.value, registry: isOwn ? nil : loop.registry.value))
        }
    }

    private func serve(_ listener: OpenListener) async throws -> any Channel {
        let loops = loops
        let log = log
        return try await ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                listener.restoreBacklog()
                return channel.eventLoop.makeCompletedFuture {
                    let registry = loops.first { $0.eventLoop === channel.eventLoop }?.registry.value
                    try channel.pipeline.syncOperations.addHandler(AcceptErrorHandler(log: log, counting: registry))
                }
            }
            .childChannelInitializer { channel in Self.initialize(channel, on: loops) }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .withBoundSocket(listener.descriptor)
            .get()
    }

    /// Closes the listeners so that nobody who has connected, and has asked, goes without a reply.
    ///
    /// First no more is accepted; accepted connections are set up, and what they have sent by now is read. Then those are
    /// taken in who wait in a queue, since the end of the listener would reset them. What waits in a listener that the
    /// service manager holds is the next server's.
    private func stopAccepting(on channels: [any Channel]) async {
        for channel in channels { try? await channel.setOption(.autoRead, value: false).get() }
        let queues = listeners.compactMap { WaitingConnections(of: $0) }
        await readWhatHasCome()
        for channel in channels { try? await channel.close() }
        for listener in listeners { listener.file?.remove() }
        for queue in queues {
            queue.shutGate()
            await takeIn(queue)
            queue.close()
        }
        await hearNewcomers()
    }

    /// Makes connections out of those that wait, some at a time: at the limit of connections those give way that were silent
    /// longest, and by then these have been answered.
    private func takeIn(_ queue: WaitingConnections) async {
        let deadline = ContinuousClock.now + .milliseconds(500)
        while true {
            var settings: [EventLoopFuture<any Channel>] = []
            while settings.count < Self.intake, let descriptor = queue.next() {
                settings.append(
                    ClientBootstrap(group: group.next())
                        .channelInitializer { [loops] channel in Self.initialize(channel, on: loops) }
                        .channelOption(.allowRemoteHalfClosure, value: true)
                        .channelOption(.maxMessagesPerRead, value: 1)
                        .withConnectedSocket(descriptor))
            }
            if settings.isEmpty { return }
            // One that its client has closed meanwhile can't be set up; the others don't mind.
            for setting in settings { _ = try? await setting.get() }
            if ContinuousClock.now < deadline { await readWhatHasCome() }
        }
    }

    /// Waits for the first words of those who have only just connected, but no longer than a tenth of a second.
    private func hearNewcomers() async {
        let deadline = ContinuousClock.now + .milliseconds(100)
        repeat {
            var count = 0
            for loop in loops {
                count += (try? await loop.eventLoop.submit { loop.registry.value.newcomers }.get()) ?? 0
            }
            if count == 0 { return }
            try? await Task.sleep(for: .milliseconds(5))
        } while ContinuousClock.now < deadline
    }

    /// Waits until every loop has read what was sent by now, but no longer than the server's grace.
    ///
    /// A loop reads sockets in the order in which they became ready (epoll keeps it), so what came before a request of our
    /// own has been read when that is answered. Setting up a connection goes from loop to loop and back: four steps, each
    /// done by the next answer.
    private func readWhatHasCome() async {
        guard var check = try? await livenessProbe() else { return }
        let deadline = NIODeadline.now() + TimeAmount(grace)
        for _ in 0..<5 {
            guard await check.passes(within: deadline - .now()) else { break }
        }
        check.close()
    }

    /// Waits until every connection has got its replies; what the store doesn't answer in time is answered without it.
    private func drain() async {
        for loop in loops { loop.eventLoop.execute { loop.registry.value.end() } }
        if await isDrained(within: grace) { return }
        for loop in loops { loop.eventLoop.execute { loop.pipeline.value.settleAll() } }
        if await isDrained(within: .milliseconds(250)) { return }
        logger.warning("shutdown timed out with unsent replies")
    }

    private func isDrained(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        repeat {
            var count = 0
            for loop in loops {
                count += (try? await loop.eventLoop.submit { loop.registry.value.count }.get()) ?? 0
            }
            if count == 0 { return true }
            try? await Task.sleep(for: .milliseconds(10))
        } while ContinuousClock.now < deadline
        return false
    }
}

/// What is settled about serving, apart from what is answered.
public struct ServerOptions: Sendable {
    /// How many event loops there are.
    public var threads: Int
    /// How many connections are kept, shared out among the loops.
    public var maxConnections: Int
    /// Each complete request is answered by then, whatever the store does.
    public var requestDeadline: TimeAmount
    /// How long a client that would have to wait waits for what the DNS says of it.
    public var dnsBudget: TimeAmount
    /// For how long a store that fails is left alone: at first, and at most.
    public var storePauses = TimeAmount.milliseconds(250)...TimeAmount.seconds(4)
    /// The shortest time between two lines in the log that say whether the store answers.
    public var storeLinePause = TimeAmount.seconds(10)
    /// Whether a store in memory stands in for one that is away.
    public var hasFallback: Bool
    /// A connection that is silent for so long is closed.
    ///
    /// Postfix keeps one for up to 1,000 s.
    public var idleTimeout: TimeAmount
    /// Whether a connection is closed after its first reply.
    public var closesAfterReply: Bool
    /// How long the store may take for what is in flight when the server stops; then it is answered without the store.
    public var grace = Duration.seconds(1)
    /// Tells the time; tests hand in a clock that they move.
    public var now: @Sendable () -> Timestamp

    /// Options with these values, and a clock.
    public init(
        threads: Int, maxConnections: Int, requestDeadline: TimeAmount, dnsBudget: TimeAmount, hasFallback: Bool,
        idleTimeout: TimeAmount, closesAfterReply: Bool, now: @escaping @Sendable () -> Timestamp
    ) {
        self.threads = threads
        self.maxConnections = maxConnections
        self.requestDeadline = requestDeadline
        self.dnsBudget = dnsBudget
        self.hasFallback = hasFallback
        self.idleTimeout = idleTimeout
        self.closesAfterReply = closesAfterReply
        self.now = now
    }
}

/// What a server has done since its start, and what it is at.
public struct ServerCounts: Sendable, Equatable, CustomStringConvertible {
    /// Connections that are open.
    public var connections = 0
    /// Requests that had to wait, or would have had to where the site only observes.
    public var greylisted = 0
    /// All other requests that were answered, those that greylisting has no say in among them.
    public var passed = 0

    /// For people.
    public var description: String {
        "connections: \(connections), requests: \(greylisted + passed) (greylisted: \(greylisted), passed: \(passed))"
    }

    static func += (left: inout ServerCounts, right: ServerCounts) {
        left.connections += right.connections
        left.greylisted += right.greylisted
        left.passed += right.passed
    }
}
