import Engine
import Glibc
import Greylist
import Logging
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
    private let sink: LogSink
    private let logger: Logger

    /// Opens the log.
    init(_ plan: Plan) throws(Failure) {
        self.plan = plan
        let sink = try plan.log.open()
        self.sink = sink
        logger = Logger(label: Program.name) { _ in SinkLogHandler(sink: sink) }
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
        raiseFileLimit()
        let reloads = await UnixSignalsSequence(trapping: .sighup)
        let rotation = LogRotation(sink: sink, signals: await UnixSignalsSequence(trapping: .sigusr1))
        let stops = await StopSignals(logger: logger)
        let listeners = try plan.openListeners()
        let postman = plan.postman(with: readWhitelists())
        do {
            let server = try await PolicyServer(
                listeners: listeners, terms: plan.terms, postman: postman, store: store, sink: sink, logger: logger)
            let maintenance = maintenance(of: store, behind: server)
            try await group(server, maintenance, reload(of: server, at: reloads), rotation, stops).run()
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
            store: store, tables: plan.maintainedTables, rules: plan.postman.terms.rules,
            interval: plan.maintenanceInterval, now: plan.terms.now,
            isStoreAway: { server.isStoreAway }, logger: logger)
    }

    private func reload(of server: PolicyServer, at signals: UnixSignalsSequence) -> Reload {
        let (whitelists, logger) = (plan.whitelists, logger)
        let haveChanged: @Sendable () async -> Bool = {
            (try? await NIOThreadPool.singleton.runIfActive { whitelists.haveChanged() }) ?? false
        }
        return Reload(
            server: server, signals: signals, logger: logger, haveChanged: plan.watchesWhitelists ? haveChanged : nil
        ) {
            let reading = try? await NIOThreadPool.singleton.runIfActive { whitelists.read() }
            for warning in reading?.warnings ?? [] { logger.warning("\(warning)") }
            return reading?.whitelist
        }
    }

    /// The services in the order of their start; they stop in the reverse one, once `stops` has ended.
    private func group(
        _ server: PolicyServer, _ maintenance: Maintenance, _ reload: Reload, _ rotation: LogRotation,
        _ stops: StopSignals
    ) -> ServiceGroup {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: server), .init(service: maintenance), .init(service: reload),
            .init(service: rotation),
            .init(service: stops, successTerminationBehavior: .gracefullyShutdownGroup),
        ]
        // It needs the store, which the server closes in its end.
        if let handBack = server.handBack { services.insert(.init(service: handBack), at: 1) }
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
