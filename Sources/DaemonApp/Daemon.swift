import CProcess
import Domains
import Engine
import Glibc
import History
import LogOutput
import Logging
import Programs
import Resolver
import Server
import ServiceLifecycle
import ServiceManager
import Storage
import UnixSignals
import WhitelistFiles
import Whitelists

/// Opens what a plan names, serves until it is told to stop, and ends the process.
///
/// It stays on the main thread, so that no other thread exists while it forks and while the store is opened.
@MainActor
struct Daemon {
    let plan: Plan
    let process: ProcessPlan
    let manager: ServiceManager
    let state: ServiceState
    let reloader: Reloader
    let firstImport: PlannedImport?
    let sink: LogSink
    let logger: Logger
    let clock: TrustedClock

    private init(
        _ plan: Plan, as process: ProcessPlan, under manager: ServiceManager, reloader: Reloader,
        _ firstImport: PlannedImport?, sink: LogSink
    ) {
        self.plan = plan
        self.process = process
        self.manager = manager
        self.reloader = reloader
        self.firstImport = firstImport
        self.sink = sink
        state = ServiceState(tells: manager.notifySocket)
        let logger = Logger(label: Program.name) { _ in SinkLogHandler(sink: sink) }
        self.logger = logger
        clock = TrustedClock { logger.warning("\($0.message)") }
    }

    /// Goes to the background if that is wanted, opens the log, and serves.
    ///
    /// - Parameters:
    ///   - process: what the process becomes
    ///   - manager: what it was told by whoever started it
    ///   - reloader: reads settings and whitelists anew
    ///   - firstImport: what to import once it serves, where that wasn't done before; nil for nothing
    static func run(
        _ plan: Plan, as process: ProcessPlan, under manager: ServiceManager, reloader: Reloader,
        _ firstImport: PlannedImport?
    ) async -> Never {
        var resources = DaemonResources()
        var sink: LogSink?
        do throws(ProgramError) {
            if process.daemonizes { resources.background = try Background.detach() }
            let opener = LogOpener(owner: process.socketOwner)
            let log = try plan.log.open(by: opener, showing: plan.logAddresses)
            sink = log
            let daemon = Daemon(plan, as: process, under: manager, reloader: reloader, firstImport, sink: log)
            try await daemon.serve(&resources, opener)
        } catch {
            await sink?.flush(within: 1)
            resources.release()
            error.say(Program.name)
            resources.background?.tell(error.status.rawValue)
            exit(error.status.rawValue)
        }
        resources.release()
        await sink?.flush(within: 0.3)
        // A log that nobody reads keeps its writer blocked; the process ends all the same.
        exit(0)
    }

    /// The steps from start to stop.
    ///
    /// - Forks come first, then the log is opened; privileges are dropped before there is another thread; so
    ///   nothing is logged before, which the log's thread would do.
    /// - As root, the sockets are opened and the files read for which it takes root. Without a change of user, the
    ///   sockets come after the store: a second daemon on the same database ends before it listens.
    /// - The store is opened as the user who is to have it, in the chroot. It looks at its file in a forked process, which
    ///   is safe only while there is no other thread.
    /// - Signals are trapped before what they are about: the first reading of the whitelists, and the sockets, which
    ///   are removed in the end. One that comes early takes effect as soon as the server runs.
    private func serve(_ resources: inout DaemonResources, _ opener: LogOpener) async throws(ProgramError) {
        StopSignals.endAtOnce()
        resources.pidFile = try process.pidFile.map { path throws(ProgramError) in
            try PIDFile(path, service: process.service)
        }
        let importFault = await startImport(&resources)
        let factory = try plan.storeFactory { [logger] in logger.warning("\($0)") }
        if let owner = process.socketOwner { try openSockets(for: owner, &resources) }
        resources.files = try process.descend(reloader.permit.and(plan.log.permit))
        opener.leave(for: resources.files)
        if let message = await plan.warningOfFormerAutoWhitelist() { logger.warning("\(message)") }
        let store = CountedStore(try plan.openStore(with: factory))
        for message in manager.warnings + plan.warnings + importFault { logger.warning("\(message)") }
        raiseFileLimit()
        let reloads = await UnixSignalsSequence(trapping: .sighup)
        let rotation = LogRotation(sink: sink, signals: await UnixSignalsSequence(trapping: .sigusr1))
        for number in [SIGHUP, SIGUSR1] { tprt_send_kept(number) }
        let stops = await StopSignals(logger: logger)
        if process.socketOwner == nil { try openSockets(for: nil, &resources) }
        if let life = process.description { logger.info("\(life)") }
        if manager.handsOverListeners {
            logger.info("the service manager hands over where to listen: the sockets of the settings are not opened")
        }
        let files = resources.files?.access ?? .direct
        let reading = FirstReading(of: plan.whitelists, through: files)
        let whitelist = await whitelist(from: reading)
        let identity = plan.identity.read(through: files)
        for warning in identity.warnings { logger.warning("\(warning)") }
        let resolver = DNSResolver(identity.resolver) { [logger] in logger.warning("\($0)") }
        do {
            var options = plan.options
            options.now = clock.now
            let history = history()
            let ledger = IdentityLedger(
                store: store, options: plan.ledger, now: clock.now, isClockDoubtful: clock.isDoubtful, logger: logger)
            let engine = plan.engine(
                with: whitelist ?? Whitelist(), identity.organisations, asTrial: resources.importing != nil)
            let identities = IdentityOrders(to: ledger, engine: engine)
            let mails = MailOrders(to: store, engine: engine, now: clock.now)
            let server = try await PolicyServer(
                listeners: resources.listeners, options: options, engine: engine,
                store: store, resolver: resolver, ledger: ledger, sink: sink, history: history?.queue, logger: logger,
                onServing: { [state, background = resources.background] in
                    state.serves()
                    background?.tellSuccess()
                })
            history?.count { await server.figures().requests.decisions }
            let addresses = resources.listeners.map { "\($0.address)" }
            let (control, web, importing) = (resources.control, resources.web, resources.importing)
            (resources.listeners, resources.control, resources.web, resources.importing) = ([], nil, [], nil)
            let maintenance = maintenance(of: store, behind: server)
            let imports = imports(to: store, behind: server)
            let reload = reload(
                of: server, resolver, maintenance, imports, identities, mails, history, through: files, at: reloads,
                after: reading)
            if whitelist == nil { reload.order(Reload.Order(isForChange: true)) }
            let monitor = DaemonMonitor(
                server: server, store: store, resolver: resolver, ledger: ledger, maintenance: maintenance,
                reload: reload, reloader: reloader, history: history, sink: sink, clock: clock, listeners: addresses,
                startedAt: clock.now())
            let page =
                web.isEmpty
                ? nil
                : WebService(
                    web, hosts: plan.web?.hosts ?? [], monitor: monitor,
                    page: PageData(monitor: monitor, identities: identities), logger: logger)
            let controls = control.map { serve($0, reload, imports, identities, mails, monitor, page) }
            let services = ([history, page] as [(any Service)?]).compactMap(\.self)
            try await group(
                server, maintenance, ledger, reload, controls, services, importing, rotation, stops
            ).run()
        } catch {
            throw ProgramError(.software, "\(error)")
        }
        logger.info("stopped")
    }

    /// Starts what imports; what keeps it from that keeps no mail waiting, and is said once there is a log.
    private func startImport(_ resources: inout DaemonResources) async -> [String] {
        do throws(ProgramError) {
            resources.importing = try await firstImport?.start()
            return []
        } catch {
            return error.messages
        }
    }

    private func openSockets(for owner: SocketOwner?, _ resources: inout DaemonResources) throws(ProgramError) {
        resources.listeners = try manager.listeners(or: plan, for: owner)
        let held = try manager.controlListener()
        resources.control = if let held { held } else { try plan.openControlSocket(for: owner) }
        resources.web = manager.httpListeners(or: plan, for: owner) { logger.warning("\($0)") }
    }

    /// The history, opened; nil where none is kept, or it can't be had, which is said: mail doesn't wait for it.
    private func history() -> HistoryService? {
        guard let options = plan.history else { return nil }
        do throws(HistoryError) {
            if let owner = plan.foreignOwnerOfHistory {
                logger.warning(
                    "service.history_db: \(options.path) or its directory belongs to \(owner), and root opens no such database: no history is kept"
                )
                return nil
            }
            let writer = try HistoryWriter(options, at: clock.now())
            if let notice = writer.openingNotice { logger.log(level: notice.level, "\(notice.sentence)") }
            return HistoryService(writer, now: clock.now, logger: logger)
        } catch {
            logger.warning("service.history_db: \(error); no history is kept until the next start")
            return nil
        }
    }

    /// What was read in time; nil where that takes longer: then it comes into force later.
    private func whitelist(from first: FirstReading) async -> Whitelist? {
        guard let reading = await first.result(within: FirstReading.patience) else {
            let limit = FirstReading.patience.components.seconds
            logger.warning("whitelists take longer than \(limit) s to read; answering without them until they are")
            return nil
        }
        for warning in reading.warnings + reading.notes { logger.warning("\(warning)") }
        return reading.whitelist
    }

    private func raiseFileLimit() {
        let wanted = plan.options.maxConnections + OpenFiles.own
        let limit = OpenFiles.raiseLimit()
        guard limit < wanted else { return }
        logger.warning("only \(limit) files may be open, \(wanted) are wanted for max_connections: raise the limit")
    }
}

extension TrustedClock.Event {
    /// What the log says.
    fileprivate var message: String {
        switch self {
        case .jumped(let seconds):
            "the clock has jumped by \(seconds) s; not followed unless it stays so for 5 minutes, and nothing is expired"
        case .isBack: "the clock is back where it was before it jumped"
        case .believed(let seconds):
            "the clock's jump by \(seconds) s has lasted: followed from now on"
                + (abs(seconds) > 3_600 ? "; nothing is expired for a day" : "")
        }
    }
}

extension Plan {
    fileprivate func engine(
        with whitelist: Whitelist, _ organisations: Organisations, asTrial isTrial: Bool
    ) -> PolicyEngine {
        var engine = engine
        var options = engine.options
        if isTrial { options.observesOnly = true }
        engine.change(options: options, whitelist: whitelist, organisations: organisations)
        return engine
    }
}

/// What a process holds and lets go of in the end, however it comes to it.
struct DaemonResources {
    /// The way back to whoever started it; nil in the foreground.
    var background: Background?
    var pidFile: PIDFile?
    /// Sockets that no server has taken over yet.
    var listeners: [OpenListener] = []
    var control: OpenListener?
    /// Sockets of metrics and the page.
    var web: [OpenListener] = []
    /// What imports once the daemon serves; nil where there is nothing to import.
    var importing: ImportProcess?
    /// The way to files out of a chroot; nil where there is none.
    var files: FileClient?

    /// Closes the sockets, and removes what lies in the file system.
    mutating func release() {
        for listener in listeners + web { listener.close() }
        control?.close()
        importing?.release()
        (listeners, web, control, importing) = ([], [], nil, nil)
        pidFile?.remove { [files] in files?.remove($0) }
        pidFile = nil
    }
}
