import ArgumentParser
import FoundationEssentials
import Glibc
import Programs
import Settings
import WhitelistFiles

/// The daemon, from its arguments to its end.
@main
enum Main {
    @MainActor
    static func main() async {
        // A reader of stderr that goes away, or a signal that comes early, must not end the daemon.
        for number in [SIGPIPE, SIGHUP, SIGUSR1] { signal(number, SIG_IGN) }
        let arguments = TprtdArguments.parseOrExit()
        do throws(Failure) {
            if arguments.version { return print("\(Program.name) \(Release.version)") }
            let environment = ProcessInfo.processInfo.environment
            let loaded = try read(arguments, environment)
            if arguments.printConfig { return print(arguments.printed(loaded), terminator: "") }
            let plan = try makePlan(loaded, environment)
            if arguments.checkConfig { return report(plan.whitelists.read().warnings) }
            try await Daemon(plan).run()
        } catch {
            error.exit(Program.name)
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
            throw Failure(error)
        }
    }

    private static func makePlan(_ loaded: LoadedConfiguration, _ environment: [String: String]) throws(Failure) -> Plan
    {
        do throws(PlanFaults) {
            return try Plan(loaded, environment: environment)
        } catch {
            throw Failure(.configuration, error.sentences)
        }
    }

    private static func report(_ warnings: [String]) {
        for warning in warnings { print("warning: \(warning)") }
        print("the configuration is in order")
    }
}
