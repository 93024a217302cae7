import Control
import Engine
import LogOutput
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Programs
import Resolver
import Server
import ServiceLifecycle
import ServiceManager
import Storage
import UnixSignals
import WhitelistFiles
import Whitelists

/// What runs while the daemon serves.
extension Daemon {
    /// The services in the order of their start; they stop in the reverse one, once `stops` has ended.
    func group(
        _ server: PolicyServer, _ maintenance: Maintenance, _ ledger: IdentityLedger, _ reload: Reload,
        _ control: ControlServer?, _ others: [any Service],
        _ importing: ImportProcess?, _ rotation: LogRotation, _ stops: StopSignals
    ) -> ServiceGroup {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        var services: [any Service] = [server]
        // It needs the store, which the server closes in its end.
        if let fallbackSync = server.fallbackSync { services.append(fallbackSync) }
        services += [maintenance, ledger, reload, rotation] + others
        if let control { services.append(control) }
        // It stops before all others, so that the service manager hears of it first.
        if let socket = manager.notifySocket {
            services.append(
                WatchdogService(of: server, state: state, through: socket, watchdog: manager.watchdog, logger: logger))
        }
        var configurations = services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        if let importing {
            let isTrial = plan.engine.options.observesOnly
            let service = FirstImportService(process: importing, logger: logger) {
                await server.change { engine in
                    var options = engine.options
                    options.observesOnly = isTrial
                    engine.change(options: options)
                }
            }
            configurations.append(.init(service: service, successTerminationBehavior: .ignore))
        }
        configurations.append(.init(service: stops, successTerminationBehavior: .gracefullyShutdownGroup))
        return ServiceGroup(configuration: ServiceGroupConfiguration(services: configurations, logger: quiet))
    }

    func maintenance(of store: any Store, behind server: PolicyServer) -> Maintenance {
        Maintenance(
            store: store, options: plan.maintenance, now: clock.now,
            isStoreUnavailable: { server.isStoreUnavailable }, isClockDoubtful: clock.isDoubtful, checksClock: true,
            logger: logger)
    }

    /// What `tprtctl import` asks for.
    func imports(to store: any Store, behind server: PolicyServer) -> StoreImport {
        StoreImport(
            store: store, options: plan.imports, now: clock.now, isStoreUnavailable: { server.isStoreUnavailable })
    }

    /// What is done on SIGHUP, when whitelists change, and when tprtctl asks for it.
    func reload(
        of server: PolicyServer, _ resolver: DNSResolver, _ maintenance: Maintenance, _ imports: StoreImport,
        _ identities: IdentityOrders, _ mails: MailOrders, _ history: HistoryService?, through files: FileAccess,
        at signals: UnixSignalsSequence, after first: FirstReading
    ) -> Reload {
        let (reloader, state, sink) = (reloader, state, sink)
        return Reload(
            signals: signals, watches: reloader.watches(through: files), now: clock.now, logger: logger
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
                return ReloadResult(reply: reply)
            }
            await server.change { engine in
                let plan = reading.plan.engine
                engine.change(
                    options: plan.options, wording: plan.wording, whitelist: reading.whitelist,
                    organisations: reading.identity.organisations)
            }
            resolver.change(reading.identity.resolver)
            maintenance.change(to: reading.plan.maintenance)
            imports.change(to: reading.plan.imports)
            var engine = reading.plan.engine
            engine.change(organisations: reading.identity.organisations)
            identities.change(to: reading.plan.ledger, engine: engine)
            mails.change(to: engine)
            if let options = reading.plan.history { await history?.change(to: options) }
            return ReloadResult(reply: reading.reply) {
                sink.level = reading.plan.log.level
                sink.addresses = reading.plan.logAddresses
            }
        }
    }

    private nonisolated static let noPage = ControlReply(
        status: ExitStatus.configuration.rawValue,
        warnings: ["there is no page: set server.http_listen, and restart the daemon"])

    /// What tprtctl may ask for.
    func serve(
        _ listener: OpenListener, _ reload: Reload, _ imports: StoreImport, _ identities: IdentityOrders,
        _ mails: MailOrders, _ monitor: DaemonMonitor, _ page: WebService?
    ) -> ControlServer {
        ControlServer(
            listener: listener,
            verbs: [
                "reload": .changing { _ in await reload.carryOut(Reload.Order()) },
                "accept-whitelists": .changing { _ in await reload.carryOut(Reload.Order(acceptsShrunk: true)) },
                ImportOrder.verb: .changing { await imports.carryOut($0) },
                IdentityOrder.verb: .changing(unless: { IdentityOrder($0)?.action == .show }) {
                    await identities.carryOut($0)
                },
                IdentityListOrder.verb: .looking { await identities.list($0) },
                LearnOrder.verb: .changing { await identities.learn($0) },
                MailOrder.verb: .changing { await mails.carryOut($0) },
                DaemonStatus.verb: .looking { _ in await monitor.status().reply },
                WebCode.verb: .looking { _ in page?.code() ?? Self.noPage },
            ], logger: logger)
    }
}

/// The reading of the whitelists at the start, off the event loops and off the main thread.
///
/// Millions of entries take a while. Mail doesn't wait for that: what isn't read in time comes into force later.
final class FirstReading: Sendable {
    /// How long the start waits for it.
    static let patience = Duration.seconds(5)

    private typealias Reading = WhitelistSources.Reading

    private let task: Task<Reading?, Never>
    private let isTaken = NIOLockedValueBox(false)

    /// Begins to read.
    init(of sources: WhitelistSources, through files: FileAccess) {
        task = Task.detached {
            try? await NIOThreadPool.singleton.runIfActive { sources.read(through: files) }
        }
    }

    /// The result, if it is there within that time.
    func result(within limit: Duration) async -> WhitelistSources.Reading? {
        let (results, first) = AsyncStream.makeStream(of: Reading?.self)
        let clock = Task.detached {
            try? await Task.sleep(for: limit)
            first.yield(nil)
        }
        Task.detached { [task] in first.yield(await task.value) }
        var iterator = results.makeAsyncIterator()
        let result = await iterator.next() ?? nil
        clock.cancel()
        if result != nil { isTaken.withLockedValue { $0 = true } }
        return result
    }

    /// The result, once, where it wasn't there in time; waits for it.
    func late() async -> WhitelistSources.Reading? {
        let isWanted = isTaken.withLockedValue { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
        return isWanted ? await task.value : nil
    }
}

/// Opens the log file again on each signal, for whoever has moved it away.
struct LogRotation: Service {
    private let sink: LogSink
    private let signals: UnixSignalsSequence

    /// A rotation of that sink; signals that came before the service runs count, too.
    init(sink: LogSink, signals: UnixSignalsSequence) {
        self.sink = sink
        self.signals = signals
    }

    /// Waits for signals until graceful shutdown.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in signals { sink.reopen() }
        }
    }
}
