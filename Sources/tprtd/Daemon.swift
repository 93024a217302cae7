import Control
import Engine
import Glibc
import Greylist
import Logging
import Metrics
import NIOPosix
import Programs
import Server
import ServiceLifecycle
import Storage
import UnixSignals
import WhitelistFiles
import Whitelists

/// Opens what a plan names, serves until it is told to stop, and ends the process.
///
/// It stays on the main thread, so that no other thread exists while the store is opened.
@MainActor
struct Daemon {
    private let plan: Plan
    private let manager: ServiceManager
    private let state: ServiceState
    private let reloader: Reloader
    private let sink = LogSink(descriptor: STDERR_FILENO)
    private let logger: Logger

    init(_ plan: Plan, under manager: ServiceManager, reloader: Reloader) {
        self.plan = plan
        self.manager = manager
        self.reloader = reloader
        state = ServiceState(tells: manager.notifySocket)
        let (sink, level) = (sink, plan.terms.logLevel)
        logger = Logger(label: Program.name) { _ in SinkLogHandler(sink: sink, level: level) }
    }

    func run() async throws(Failure) -> Never {
        do throws(Failure) {
            try await serve()
        } catch {
            await sink.flush(within: 1)
            throw error
        }
        logger.info("stopped")
        await sink.flush(within: 0.3)
        // A log that nobody reads keeps its writer blocked; the process ends all the same.
        exit(0)
    }

    /// The steps from start to stop.
    ///
    /// - The store comes first: it looks at its file in a forked process, which is safe only while there is no other
    ///   thread, and so nothing is logged before. A second daemon on the same database ends here, before it listens.
    /// - Signals are trapped before what they are about: the first reading of the whitelists, and the sockets, which
    ///   are removed in the end. One that comes early takes effect as soon as the server runs.
    private func serve() async throws(Failure) {
        StopSignals.endAtOnce()
        let store = try plan.openStore { [logger] in logger.warning("\($0)") }
        warn(of: manager.complaints)
        raiseFileLimit()
        let reloads = await UnixSignalsSequence(trapping: .sighup)
        let stops = await StopSignals(logger: logger)
        let listeners = try manager.listeners(or: plan) { logger.info("\($0)") }
        let control: OpenListener?
        do throws(Failure) {
            control = if let held = manager.sockets.controlListener { held } else { try plan.openControlSocket() }
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        let whitelist = readWhitelists()
        do {
            let server = try await PolicyServer(
                listeners: listeners, terms: plan.terms, postman: plan.postman(with: whitelist), store: store,
                sink: sink, logger: logger, onServing: { [state] in state.serves() })
            let maintenance = maintenance(of: store, behind: server)
            let metrics = ReloadMetrics(factory: MetricsSystem.factory, now: plan.terms.now)
            metrics.setEntries(whitelist.count)
            let reload = reload(of: server, maintenance, at: reloads, metrics)
            try await group(server, maintenance, reload, control.map { serve($0, reload) }, stops).run()
        } catch {
            throw Failure(.software, "\(error)")
        }
    }

    private func readWhitelists() -> Whitelist {
        let reading = plan.whitelists.read()
        warn(of: reading.warnings)
        return reading.whitelist
    }

    private func maintenance(of store: any Store, behind server: PolicyServer) -> Maintenance {
        Maintenance(
            store: store, terms: plan.maintenance, now: plan.terms.now,
            isStoreAway: { server.isStoreAway }, logger: logger)
    }

    private func reload(
        of server: PolicyServer, _ maintenance: Maintenance, at signals: UnixSignalsSequence, _ metrics: ReloadMetrics
    ) -> Reload {
        let (reloader, state) = (reloader, state)
        return Reload(signals: signals, watches: reloader.watches, metrics: metrics, logger: logger) { order in
            state.reloads()
            defer { state.hasReloaded() }
            let reading: Reloader.Reading
            do {
                reading = try await NIOThreadPool.singleton.runIfActive { reloader.read(order) }
            } catch {
                let reply = ControlReply(
                    status: ExitStatus.unavailable.rawValue, warnings: ["nothing was read anew: the daemon is stopping"]
                )
                return ReloadResult(reply: reply, entries: 0)
            }
            await server.change { postman in
                postman.terms = reading.plan.postman.terms
                postman.wording = reading.plan.postman.wording
                postman.whitelist = reading.whitelist
            }
            maintenance.change(to: reading.plan.maintenance)
            return ReloadResult(reply: reading.reply, entries: reading.whitelist.count)
        }
    }

    /// What tprtctl may ask for.
    private func serve(_ listener: OpenListener, _ reload: Reload) -> ControlServer {
        ControlServer(
            listener: listener,
            verbs: [
                "reload": { _ in await reload.carryOut(Reload.Order()) },
                "accept-whitelists": { _ in await reload.carryOut(Reload.Order(acceptsShrunk: true)) },
            ], logger: logger)
    }

    /// The services in the order of their start; they stop in the reverse one, once `stops` has ended.
    private func group(
        _ server: PolicyServer, _ maintenance: Maintenance, _ reload: Reload, _ control: ControlServer?,
        _ stops: StopSignals
    ) -> ServiceGroup {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: server), .init(service: maintenance), .init(service: reload),
            .init(service: stops, successTerminationBehavior: .gracefullyShutdownGroup),
        ]
        if let control { services.append(.init(service: control)) }
        // It needs the store, which the server closes in its end.
        if let handBack = server.handBack { services.insert(.init(service: handBack), at: 1) }
        // It stops before all others, so that the service manager hears of it first.
        if let socket = manager.notifySocket {
            let supervision = Supervision(
                of: server, state: state, through: socket, watchdog: manager.watchdog, logger: logger)
            services.insert(.init(service: supervision), at: services.count - 1)
        }
        return ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: quiet))
    }

    private func warn(of faults: [String]) {
        for fault in faults { logger.warning("\(fault)") }
    }

    private func raiseFileLimit() {
        let wanted = plan.terms.maxConnections + OpenFiles.own
        let limit = OpenFiles.raiseLimit()
        guard limit < wanted else { return }
        logger.warning("only \(limit) files may be open, \(wanted) are wanted for max_connections: raise the limit")
    }
}

extension Plan {
    fileprivate func postman(with whitelist: Whitelist) -> Postman {
        var postman = postman
        postman.whitelist = whitelist
        return postman
    }
}
