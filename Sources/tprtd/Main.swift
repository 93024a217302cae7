import ArgumentParser
import Engine
import FoundationEssentials
import Glibc
import Logging
import NIOPosix
import Server
import ServiceLifecycle
import Settings
import UnixSignals
import WhitelistFiles

/// The daemon, from its arguments to its end.
@main
enum Main {
    static func main() async {
        // A reader of stderr that goes away, or a reload that comes early, must not end the daemon.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        let arguments = TprtdArguments.parseOrExit()
        do throws(Failure) {
            if arguments.version { return print("\(Program.name) \(Program.version)") }
            let environment = ProcessInfo.processInfo.environment
            let loaded = try read(arguments, environment)
            if arguments.printConfig { return print(loaded.printed()) }
            let plan = try makePlan(loaded, environment)
            if arguments.checkConfig { return report(plan.warnings) }
            try await serve(plan)
        } catch {
            error.exit()
        }
    }

    private static func read(
        _ arguments: TprtdArguments, _ environment: [String: String]
    ) throws(Failure) -> LoadedConfiguration {
        do throws(SettingErrors) {
            return try arguments.load(environment: environment) {
                try contents(of: $0, limit: ConfigurationFile.sizeLimit)
            }
        } catch {
            throw Failure(.configuration, error.errors.map(\.description).joined(separator: "\n\(Program.name): "))
        }
    }

    private static func makePlan(_ loaded: LoadedConfiguration, _ environment: [String: String]) throws(Failure) -> Plan
    {
        do throws(PlanFaults) {
            return try Plan(loaded, environment: environment)
        } catch {
            throw Failure(.configuration, error.sentences.joined(separator: "\n\(Program.name): "))
        }
    }

    private static func report(_ warnings: [String]) {
        for warning in warnings { print("warning: \(warning)") }
        print("the configuration is in order")
    }

    /// Opens what the plan names, store first: a second daemon on the same database is refused before it listens.
    private static func serve(_ plan: Plan) async throws(Failure) {
        let sink = LogSink(descriptor: STDERR_FILENO)
        let logger = Logger(label: Program.name) { _ in SinkLogHandler(sink: sink, level: plan.terms.logLevel) }
        for warning in plan.warnings { logger.warning("\(warning)") }
        let wanted = plan.terms.maxConnections + OpenFiles.own
        let limit = OpenFiles.raiseLimit()
        if limit < wanted {
            logger.warning("only \(limit) files may be open, \(wanted) are wanted for max_connections: raise the limit")
        }
        let store = try plan.openStore { logger.warning("\($0)") }
        let listeners = try plan.openListeners()
        let reading = plan.whitelists.read()
        for warning in reading.warnings { logger.warning("\(warning)") }
        var postman = plan.postman
        postman.whitelist = reading.whitelist
        do {
            let server = try await PolicyServer(
                listeners: listeners, terms: plan.terms, postman: postman, store: store, sink: sink, logger: logger)
            let maintenance = Maintenance(
                store: store, tables: plan.maintainedTables, rules: postman.terms.rules,
                interval: plan.maintenanceInterval, now: plan.terms.now, logger: logger)
            let reload = await Reload(server: server, logger: logger) {
                let reading = try? await NIOThreadPool.singleton.runIfActive { plan.whitelists.read() }
                for warning in reading?.warnings ?? [] { logger.warning("\(warning)") }
                return reading?.whitelist
            }
            var quiet = logger
            quiet.logLevel = max(.warning, logger.logLevel)
            let group = ServiceGroup(
                services: [server, maintenance, reload], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
            try await group.run()
        } catch {
            await sink.flush(within: 1)
            throw Failure(.software, "\(error)")
        }
        logger.info("stopped")
        await sink.flush(within: 0.3)
        // A log that nobody reads keeps its writer blocked; the process ends all the same.
        exit(0)
    }
}
