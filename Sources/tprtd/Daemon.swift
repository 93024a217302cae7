import Engine
import Glibc
import Logging
import NIOPosix
import Server
import ServiceLifecycle
import Storage
import UnixSignals
import WhitelistFiles

/// Opens what a plan names, serves until it is told to stop, and ends the process.
struct Daemon {
    private let plan: Plan
    private let sink = LogSink(descriptor: STDERR_FILENO)
    private let logger: Logger

    init(_ plan: Plan) {
        self.plan = plan
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

    /// Opens the store first: a second daemon on the same database is refused before it listens.
    private func serve() async throws(Failure) {
        for warning in plan.warnings { logger.warning("\(warning)") }
        raiseFileLimit()
        let store = try plan.openStore { [logger] in logger.warning("\($0)") }
        let listeners = try plan.openListeners()
        let reading = plan.whitelists.read()
        for warning in reading.warnings { logger.warning("\(warning)") }
        var postman = plan.postman
        postman.whitelist = reading.whitelist
        do {
            let server = try await PolicyServer(
                listeners: listeners, terms: plan.terms, postman: postman, store: store, sink: sink, logger: logger)
            try await group(server, store).run()
        } catch {
            throw Failure(.software, "\(error)")
        }
    }

    /// The services in the order of their start; they stop in the reverse one.
    private func group(_ server: PolicyServer, _ store: any Store) async -> ServiceGroup {
        let maintenance = Maintenance(
            store: store, tables: plan.maintainedTables, rules: plan.postman.terms.rules,
            interval: plan.maintenanceInterval, now: plan.terms.now, logger: logger)
        let reload = await Reload(server: server, logger: logger) { [whitelists = plan.whitelists, logger] in
            let reading = try? await NIOThreadPool.singleton.runIfActive { whitelists.read() }
            for warning in reading?.warnings ?? [] { logger.warning("\(warning)") }
            return reading?.whitelist
        }
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        return ServiceGroup(
            services: [server, maintenance, reload, ShutdownLimit(logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
    }

    private func raiseFileLimit() {
        let wanted = plan.terms.maxConnections + OpenFiles.own
        let limit = OpenFiles.raiseLimit()
        guard limit < wanted else { return }
        logger.warning("only \(limit) files may be open, \(wanted) are wanted for max_connections: raise the limit")
    }
}
