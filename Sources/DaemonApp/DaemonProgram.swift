import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import Programs
import Server
import ServiceLifecycle
import ServiceManager
import Settings
import TrustedFiles
import UnixSignals
import WhitelistFiles

/// What a command line asks of the daemon's program.
struct DaemonOrder {
    /// What is to be done with the configuration.
    enum Action {
        /// Serve by it.
        case serve
        /// Say what is wrong with it.
        case check
        /// Print it in that form.
        case print((LoadedConfiguration) -> String)
    }

    let action: Action
    let sources: SettingSources
    /// Whether it may stay root.
    let allowsRoot: Bool
    /// What is imported at the first start; nil for nothing.
    var firstImport: FirstImport?
}

/// The daemon, from its arguments to its end.
public enum DaemonProgram {
    /// Runs it; what goes wrong at the start ends the process with a line and an exit status.
    @MainActor
    public static func main() async {
        await run(Program.name) { TprtdArguments.parseOrExit().order(environment: $0) }
    }

    /// Runs it as `read` makes of the command line and the environment; nil where nothing is left to do.
    @MainActor
    static func run(
        _ name: String, as read: ([String: String]) throws(ProgramError) -> DaemonOrder?
    ) async {
        // A reader of stderr that goes away must not end the daemon. (CProcess keeps SIGHUP and SIGUSR1 that come early.)
        signal(SIGPIPE, SIG_IGN)
        let environment = ProcessInfo.processInfo.environment
        do throws(ProgramError) {
            ProcessSetup.openStreams()
            let manager = try ServiceManager.take(from: environment)
            ProcessSetup.closeDescriptors(keeping: manager.descriptors)
            ProcessSetup.settle()
            guard let order = try read(environment) else { return }
            let loaded = try load(order.sources, through: .direct)
            if case .print(let printed) = order.action { return print(printed(loaded), terminator: "") }
            var (process, plan) = try makePlans(loaded, order, environment)
            if case .check = order.action { return try check(process, plan) }
            try order.sources.refuseFilesOfOthers()
            try plan.readOrMakeSiteKeys(for: process.service)
            let reloader = Reloader(
                plan, of: loaded, from: order.sources, environment: process.environment(environment), load: load)
            let state = StateDirectory(environment: process.environment(environment))
            var settings = loaded.configuration
            settings.service.privacyKey = state.expand(settings.service.privacyKey)
            let firstImport = order.firstImport.map { [settings, plan] what in
                PlannedImport(
                    what: what, settings: settings, environment: environment,
                    marker: plan.importMarker(in: state))
            }
            await Daemon.run(plan, as: process, under: manager, reloader: reloader, firstImport)
        } catch {
            error.exit(name)
        }
    }

    @Sendable private nonisolated static func load(
        _ sources: SettingSources, through files: FileAccess
    ) throws(ProgramError) -> LoadedConfiguration {
        do throws(SettingErrors) {
            return try sources.load { try contents(of: $0, limit: ConfigurationFile.sizeLimit, through: files) }
        } catch {
            throw ProgramError(error)
        }
    }

    /// What the process becomes and what it does; where both can't be, everything that is wrong is said at once.
    private static func makePlans(
        _ loaded: LoadedConfiguration, _ order: DaemonOrder, _ environment: [String: String]
    ) throws(ProgramError) -> (ProcessPlan, Plan) {
        let process: ProcessPlan
        let isChecked = if case .check = order.action { true } else { false }
        do throws(ProgramError) {
            // A configuration that is checked is root's to start.
            process = try ProcessPlan(
                loaded, by: isChecked ? .root : .current, allowsRoot: order.allowsRoot || isChecked)
        } catch {
            guard case .failure(let faults) = plan(loaded, environment) else { throw error }
            throw ProgramError(.configuration, error.messages + faults.lines)
        }
        do throws(PlanErrors) {
            let plan = try plan(loaded, process.environment(environment)).get()
            let unreachable = process.unreachable(loaded, plan)
            guard unreachable.isEmpty else { throw PlanErrors(lines: unreachable) }
            return (process, plan)
        } catch {
            throw ProgramError(.configuration, error.lines)
        }
    }

    private static func plan(
        _ loaded: LoadedConfiguration, _ environment: [String: String]
    ) -> Result<Plan, PlanErrors> {
        Result { () throws(PlanErrors) in try Plan(loaded, environment: environment) }
    }

    /// Looks at what a start looks at, as whom the daemon is to be.
    private static func check(_ process: ProcessPlan, _ plan: Plan) throws(ProgramError) {
        if let pidFile = process.pidFile { try PIDFile.check(pidFile, service: process.service) }
        let service = process.service.flatMap { geteuid() == 0 && $0.canBeActed ? $0 : nil }
        func read() -> [String] {
            let lists = plan.whitelists.read()
            return lists.warnings + lists.notes + plan.identity.read().warnings
        }
        let warnings = service.map { service in service.act { read() } } ?? read()
        let warningOfKeys = try plan.warningOfSiteKeys(for: process.service).map { [$0] } ?? []
        for warning in plan.warnings + warningOfKeys + warnings { print("warning: \(warning)") }
        print("the configuration is in order")
    }
}

/// What the program is called, said once.
enum Program {
    static let name = "tprtd"
}

/// SIGTERM and SIGINT, from the first step of the start on: the process ends with status 0, soon.
///
/// As a service it ends when such a signal has come, at once if that was before it began to run. From then on stopping
/// may take a limited time: a disk or a file server that hangs keeps nobody from a restart. Nothing that was answered
/// is lost by it: what an answer rests on was on disk before.
struct StopSignals: Service {
    private static let limit = Duration.milliseconds(1_700)

    private let signals: UnixSignalsSequence
    private let logger: Logger

    /// Lets the signals end the process where it stands, for as long as there is nothing to be put in order.
    static func endAtOnce() {
        for number in [SIGTERM, SIGINT] { signal(number) { _ in _exit(0) } }
    }

    /// From here on they are kept until the service runs.
    init(logger: Logger) async {
        self.logger = logger
        signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    }

    func run() async throws {
        for await _ in signals { break }
        Task.detached { [logger] in
            try? await Task.sleep(for: Self.limit)
            logger.warning("stopping took too long; the process ends without waiting any more")
            try? await Task.sleep(for: .milliseconds(50))
            exit(0)
        }
    }
}

extension ServiceManager {
    /// What this process's service manager told it; its variables are gone from the environment afterwards.
    ///
    /// To be called while there is no other thread, and before the process forks.
    static func take(from environment: [String: String]) throws(ProgramError) -> ServiceManager {
        defer { forgetVariables() }
        do throws(ServiceManagerError) {
            return try ServiceManager(environment: environment, process: getpid())
        } catch {
            throw ProgramError(.configuration, error.description)
        }
    }

    /// The listeners that it hands over, or where there are none those of the plan.
    ///
    /// - Parameter owner: whom the files of unix sockets are given to; nil to leave them to this process
    func listeners(or plan: Plan, for owner: SocketOwner?) throws(ProgramError) -> [OpenListener] {
        guard handsOverListeners else { return try plan.openListeners(for: owner) }
        do throws(ListenError) {
            return try sockets.policyListeners(backlog: plan.backlog)
        } catch {
            throw ProgramError(error)
        }
    }

    /// The listener of the control socket, where it hands one over.
    func controlListener() throws(ProgramError) -> OpenListener? {
        do throws(ListenError) { return try sockets.controlListener() } catch { throw ProgramError(error) }
    }

    /// The listeners of metrics and the page: those that it hands over, or else that of the settings; none where there is no
    /// such thing, or it can't be had, which is a warning: mail doesn't wait for a page.
    func httpListeners(
        or plan: Plan, for owner: SocketOwner?, warning: (String) -> Void
    ) -> [OpenListener] {
        do throws(ListenError) {
            let held = try sockets.httpListeners()
            if !held.isEmpty { return held }
            guard let web = plan.web else { return [] }
            return try OpenListener.open(
                web.address, backlog: 64, takesOverStale: plan.takesOverStale, owner: owner)
        } catch {
            warning("server.http_listen: \(error.description): no metrics and no page until the next start")
            return []
        }
    }

    /// Whether the listeners of the settings aren't needed.
    var handsOverListeners: Bool { !sockets.policy.isEmpty }
}
