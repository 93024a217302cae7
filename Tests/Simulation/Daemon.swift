import Domains
import Engine
import Greylist
import LogOutput
import Logging
import NIOCore
import Policy
import Resolver
import Storage

@testable import Server

/// A daemon: a clock, and one life after the other.
final class Daemon {
    let number: Int
    let world: World
    /// How far its clock is ahead, in milliseconds.
    private(set) var offset: Int64
    /// Nil while it doesn't run.
    var life: Life?

    init(_ number: Int, in world: World, offset: Int64) {
        (self.number, self.world, self.offset) = (number, world, offset)
    }

    /// What its clock says.
    var clock: Timestamp {
        let time = World.start + world.now + offset
        return Timestamp(seconds: time >= 0 ? time / 1_000 : (time - 999) / 1_000)
    }

    /// Sets its clock.
    func setClock(by step: Int64) {
        life?.noteClock()
        offset += step
        life?.noteClock()
    }
}

/// A daemon from its start to its end: its pipelines, with all that answers requests in them.
final class Life: @unchecked Sendable {  // guarded by: the thread of its world
    /// An event loop of it, and what goes to the store from there.
    struct Loop {
        let pipeline: RequestPipeline
        let registry: ConnectionRegistry
        let store: WatchedStore
    }

    /// For so long it goes on to look after what is left when no request comes, in milliseconds.
    private static let patience: Int64 = 20_000

    let daemon: Daemon
    let world: World
    let loops: [Loop]
    let decisions = DecisionQueue(limit: 100_000)
    let health: StoreHealth
    /// Its smtpd processes.
    var smtpds: [Smtpd] = []
    /// Requests that wait for a reply or for what is known of it, by their numbers.
    var requests: [Int: Request] = [:]
    private(set) var isOver = false
    private let ledger: IdentityLedger
    private let sync: FallbackSync?
    private let resolver: SimulatedResolver
    private var lastRequest: Int64 = 0
    private var isLookedAfter = false
    private var isWriting = false
    private var isHandingOver = false

    /// Begins.
    ///
    /// - Parameters:
    ///   - stores: what the pipelines use, one each
    ///   - rest: what everything else of it uses
    init(
        _ daemon: Daemon, under conditions: Conditions, stores: [WatchedStore], rest: WatchedStore,
        lookUp: @escaping IdentityLedger.LookUp, resolver: SimulatedResolver, organisations: Organisations
    ) throws {
        let world = daemon.world
        let loop = world.loop
        (self.daemon, self.world, self.resolver) = (daemon, world, resolver)
        let now: @Sendable () -> Timestamp = { [clock = DaemonClock(daemon)] in clock.now }
        var options = ServerOptions(
            threads: stores.count, maxConnections: 10_000, requestDeadline: .milliseconds(Conditions.storeDeadline),
            dnsBudget: .milliseconds(Conditions.dnsBudget), hasFallback: conditions.hasFallback,
            idleTimeout: .seconds(1_200), closesAfterReply: false, now: now)
        options.storeLinePause = .hours(10_000)
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let log = LimitedLog(logger: logger, clock: loop)
        health = StoreHealth(pause: options.storeLinePause, logger: logger, clock: loop)
        let fallback = conditions.hasFallback ? MemoryStore(capacity: 100_000) : nil
        let rules = conditions.rules
        sync = fallback.map { [health] in
            FallbackSync(
                from: $0, to: rest, health: health, rules: rules, now: now, clock: loop, log: log, logger: logger,
                on: world.tasks)
        }
        ledger = IdentityLedger(
            store: rest,
            options: IdentityLedger.Options(
                lane: conditions.lane, rules: rules, keys: .hashed, bounds: .init(perUser: 500, perSite: 50_000),
                maxOrganisations: 500_000, localDomains: [], interval: .seconds(3_600)),
            now: now, clock: loop, logger: logger, lookUp: lookUp)
        let wording = try Wording(
            action: "DEFER_IF_PERMIT", text: "{wait} {recipient_domain}",
            header: "X-Greylist: {delay} {recipient_domain}",
            hostname: "mx")
        let engine = PolicyEngine(options: conditions.options, wording: wording, organisations: organisations)
        loops = stores.map { [health, ledger, decisions] store in
            let pipeline = RequestPipeline(
                eventLoop: loop, options: options, engine: engine, store: store, health: health, fallback: fallback,
                resolver: LoopResolver(resolver.resolver, on: loop), ledger: ledger,
                sink: LogSink(.nothing, level: LogLevel.none, now: now), history: decisions, log: log,
                sharedAddresses: SharedAddressWarning(logger: logger),
                jitter: { Double.random(in: 0...1, using: &world.random) })
            return Loop(
                pipeline: pipeline,
                registry: ConnectionRegistry(
                    eventLoop: loop, limit: 10_000, idleTimeout: options.idleTimeout, log: log), store: store)
        }
    }

    /// Its process is killed: nothing of it is heard of any more.
    func end() {
        isOver = true
        for smtpd in smtpds { smtpd.lose() }
        smtpds = []
        requests = [:]
        for loop in loops { loop.store.sever() }
    }

    /// Takes note of what its clock says, where it is being set: requests that are under way may be of either time.
    func noteClock() {
        for request in requests.values { request.note(daemon.clock) }
    }

    // MARK: What runs beside requests

    /// Has it look after what is to be remembered, now that it has something to do.
    func noteRequest() {
        lastRequest = world.now
        guard !isLookedAfter else { return }
        isLookedAfter = true
        lookAfter()
    }

    /// The services of the daemon that run once a second.
    private func lookAfter() {
        world.quietly(after: 1_000) { [self] in
            guard !isOver else { return }
            if !isWriting {
                isWriting = true
                world.run { [self] in
                    await ledger.write()
                    isWriting = false
                }
            }
            if let sync, !isHandingOver, !health.isAway {
                isHandingOver = true
                world.run { [self] in
                    await sync.fallbackSync(by: world.moment + .seconds(10))
                    isHandingOver = false
                }
            }
            isLookedAfter = world.now - lastRequest < Self.patience
            if isLookedAfter { lookAfter() }
        }
    }
}

/// A daemon's clock, for what the daemon is made of.
private final class DaemonClock: @unchecked Sendable {  // guarded by: the thread of its world
    private let daemon: Daemon

    init(_ daemon: Daemon) { self.daemon = daemon }

    var now: Timestamp { daemon.clock }
}
