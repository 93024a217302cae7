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
    private let process: ProcessPlan
    private let sink = LogSink(descriptor: STDERR_FILENO)
    private let logger: Logger

    init(_ plan: Plan, as process: ProcessPlan) {
        self.plan = plan
        self.process = process
        let (sink, level) = (sink, plan.terms.logLevel)
        logger = Logger(label: Program.name) { _ in SinkLogHandler(sink: sink, level: level) }
    }

    func run() async -> Never {
        var holdings = Holdings()
        do throws(Failure) {
            try await serve(&holdings)
        } catch {
            await sink.flush(within: 1)
            holdings.release()
            error.say(Program.name)
            holdings.background?.tell(error.status.rawValue)
            exit(error.status.rawValue)
        }
        holdings.release()
        logger.info("stopped")
        await sink.flush(within: 0.3)
        // A log that nobody reads keeps its writer blocked; the process ends all the same.
        exit(0)
    }

    /// The steps from start to stop.
    ///
    /// - Forks come first, and privileges are dropped before there is another thread; so nothing is logged before, which
    ///   the log's thread would do.
    /// - As root, the sockets are opened and the files read for which it takes root. Without a change of user, the
    ///   sockets come after the store: a second daemon on the same database ends before it listens.
    /// - The store is opened as the user who is to have it, in the chroot. It looks at its file in a forked process, which
    ///   is safe only while there is no other thread.
    /// - Signals are trapped before what they are about: the first reading of the whitelists, and the sockets, which
    ///   are removed in the end. One that comes early takes effect as soon as the server runs.
    private func serve(_ holdings: inout Holdings) async throws(Failure) {
        if process.daemonizes { holdings.background = try Background.detach() }
        StopSignals.endAtOnce()
        holdings.pidFile = try process.pidFile.map { path throws(Failure) in try PIDFile(path) }
        let backend = try plan.backend { [logger] in logger.warning("\($0)") }
        if let owner = process.socketOwner { holdings.listeners = try plan.openListeners(for: owner) }
        holdings.files = try process.descend(FilePermit(plan.whitelists))
        let store = try plan.openStore(with: backend)
        raiseFileLimit()
        let reloads = await UnixSignalsSequence(trapping: .sighup)
        let stops = await StopSignals(logger: logger)
        if process.socketOwner == nil { holdings.listeners = try plan.openListeners(for: nil) }
        if let life = process.description { logger.info("\(life)") }
        let files = holdings.files?.access ?? .direct
        let postman = plan.postman(with: readWhitelists(through: files))
        do {
            let server = try await PolicyServer(
                listeners: holdings.listeners, terms: plan.terms, postman: postman, store: store, sink: sink,
                logger: logger
            ) { [background = holdings.background] in background?.tellSuccess() }
            holdings.listeners = []
            let maintenance = maintenance(of: store, behind: server)
            try await group(server, maintenance, reload(of: server, through: files, at: reloads), stops).run()
        } catch {
            throw Failure(.software, "\(error)")
        }
    }

    private func readWhitelists(through files: FileAccess) -> Whitelist {
        let reading = plan.whitelists.read(through: files)
        warn(of: reading.warnings)
        return reading.whitelist
    }

    private func maintenance(of store: any Store, behind server: PolicyServer) -> Maintenance {
        Maintenance(
            store: store, tables: plan.maintainedTables, rules: plan.postman.terms.rules,
            interval: plan.maintenanceInterval, now: plan.terms.now,
            isStoreAway: { server.isStoreAway }, logger: logger)
    }

    private func reload(of server: PolicyServer, through files: FileAccess, at signals: UnixSignalsSequence) -> Reload {
        let (whitelists, logger) = (plan.whitelists, logger)
        let haveChanged: @Sendable () async -> Bool = {
            (try? await NIOThreadPool.singleton.runIfActive { whitelists.haveChanged(through: files) }) ?? false
        }
        return Reload(
            server: server, signals: signals, logger: logger, haveChanged: plan.watchesWhitelists ? haveChanged : nil
        ) {
            let reading = try? await NIOThreadPool.singleton.runIfActive { whitelists.read(through: files) }
            for warning in reading?.warnings ?? [] { logger.warning("\(warning)") }
            return reading?.whitelist
        }
    }

    /// The services in the order of their start; they stop in the reverse one, once `stops` has ended.
    private func group(
        _ server: PolicyServer, _ maintenance: Maintenance, _ reload: Reload, _ stops: StopSignals
    ) -> ServiceGroup {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: server), .init(service: maintenance), .init(service: reload),
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
