import Control
import Engine
import Logging
import NIOPosix
import Programs
import Server
import ServiceLifecycle
import Storage
import UnixSignals
import WhitelistFiles
import Whitelists

/// What runs while the daemon serves.
extension Daemon {
    /// The services in the order of their start; they stop in the reverse one, once `stops` has ended.
    func group(
        _ server: PolicyServer, _ maintenance: Maintenance, _ reload: Reload, _ control: ControlServer?,
        _ rotation: LogRotation, _ stops: StopSignals
    ) -> ServiceGroup {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        var services: [any Service] = [server]
        // It needs the store, which the server closes in its end.
        if let fallbackSync = server.fallbackSync { services.append(fallbackSync) }
        services += [maintenance, reload, rotation]
        if let control { services.append(control) }
        // It stops before all others, so that the service manager hears of it first.
        if let socket = manager.notifySocket {
            services.append(
                Supervision(of: server, state: state, through: socket, watchdog: manager.watchdog, logger: logger))
        }
        let stopping = ServiceGroupConfiguration.ServiceConfiguration(
            service: stops, successTerminationBehavior: .gracefullyShutdownGroup)
        return ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) } + [stopping], logger: quiet))
    }

    func maintenance(of store: any Store, behind server: PolicyServer) -> Maintenance {
        Maintenance(
            store: store, options: plan.maintenance, now: clock.now,
            isStoreUnavailable: { server.isStoreUnavailable }, isClockDoubtful: clock.isDoubtful, checksClock: true,
            logger: logger)
    }

    /// What is done on SIGHUP, when whitelists change, and when tprtctl asks for it.
    func reload(
        of server: PolicyServer, _ maintenance: Maintenance, through files: FileAccess,
        at signals: UnixSignalsSequence, _ metrics: ReloadMetrics, after first: FirstReading
    ) -> Reload {
        let (reloader, state, sink) = (reloader, state, sink)
        return Reload(
            signals: signals, watches: reloader.watches(through: files), metrics: metrics, logger: logger
        ) { order in
            state.reloads()
            defer { state.hasReloaded() }
            // One that still goes on from the start does for an order of no more than whitelists.
            let early = await first.late()
            let reading: Reloader.Reading
            do {
                reading = try await NIOThreadPool.singleton.runIfActive {
                    reloader.read(order, unless: order.acceptsShrunk ? nil : early, through: files)
                }
            } catch {
                let reply = ControlReply(
                    status: ExitStatus.unavailable.rawValue, warnings: ["nothing was reloaded: the daemon is stopping"]
                )
                return ReloadResult(reply: reply, entries: 0)
            }
            await server.change { engine in
                let plan = reading.plan.engine
                engine.change(options: plan.options, wording: plan.wording, whitelist: reading.whitelist)
            }
            maintenance.change(to: reading.plan.maintenance)
            return ReloadResult(reply: reading.reply, entries: reading.whitelist.count) {
                sink.level = reading.plan.log.level
            }
        }
    }

    /// What tprtctl may ask for.
    func serve(_ listener: OpenListener, _ reload: Reload) -> ControlServer {
        ControlServer(
            listener: listener,
            verbs: [
                "reload": { _ in await reload.carryOut(Reload.Order()) },
                "accept-whitelists": { _ in await reload.carryOut(Reload.Order(acceptsShrunk: true)) },
            ], logger: logger)
    }
}
