public import Foundation
import Subprocess
import SystemPackage

/// A process that a test started.
///
/// It is killed with the last reference to it, and by the kernel when the test program dies. Signals go to it alone, and
/// only while it is ours to wait for. It inherits no descriptors but its standard streams, all signals have their default
/// effect. The members that wait block; those that are awaited keep no thread.
public final class ChildProcess: Sendable {
    /// How a process ended.
    public enum Ending: Equatable, Sendable {
        /// With this status.
        case exited(Int32)
        /// By this signal.
        case killed(by: Int32)
    }

    /// Its process id, also after its end.
    public let id: Int32
    private let life: Life

    private init(_ life: Life, id: Int32) {
        self.life = life
        self.id = id
    }

    deinit {
        life.kill()
    }

    /// Starts `command` (a path, or a name to be found in PATH) with these descriptors as its standard streams.
    ///
    /// The descriptors stay the caller's; the null device takes the place of those that are nil. Its environment is ours
    /// with `variables`. A command that isn't there ends with status 127.
    public static func start(
        _ command: [String], variables: [String: String] = [:], input: Int32? = nil, output: Int32? = nil,
        errors: Int32? = nil
    ) async throws -> ChildProcess {
        let null = try FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec)
        defer { try? null.close() }
        let streams = [input, output, errors].map { $0.map(FileDescriptor.init(rawValue:)) ?? null }
        let life = Life()
        let id = try await withCheckedThrowingContinuation { started in
            Task(executorPreference: WaitingThread.shared) {
                await life.run(command, variables: variables, streams: streams, started)
            }
        }
        return ChildProcess(life, id: id)
    }

    /// Starts `command`, see ``start(_:variables:input:output:errors:)``, and blocks until that is done.
    public static func start(
        _ command: [String], variables: [String: String] = [:], input: Int32? = nil, output: Int32? = nil,
        errors: Int32? = nil
    ) throws -> ChildProcess {
        try blocking {
            try await start(command, variables: variables, input: input, output: output, errors: errors)
        }
    }

    /// How it ended, if it has.
    public func poll() -> Ending? { life.poll() }

    /// Sends it a signal, unless it has ended.
    public func signal(_ signal: Int32) throws { try life.signal(signal) }

    /// Waits until it ends.
    @discardableResult
    public func wait(within limit: Duration = .seconds(60)) async throws -> Ending {
        try await eventually("process \(id) to end", within: limit, every: .milliseconds(2)) { poll() }
    }

    /// Blocks until it ends.
    @discardableResult
    public func wait(within limit: TimeInterval = patience) throws -> Ending {
        try eventually("process \(id) to end", within: limit, every: 0.005) { poll() }
    }

    /// Ends it, even if it is stopped; with SIGKILL if it isn't gone in 10 seconds.
    ///
    /// It does so even if the task that calls was cancelled.
    public func terminate() async {
        await shielded { [self] in
            try? signal(SIGTERM)
            try? signal(SIGCONT)
            if (try? await wait(within: .seconds(10))) == nil { await end() }
        }
    }

    /// Ends it at once, if it still runs; even if the task that calls was cancelled.
    public func end() async {
        await shielded { [self] in
            do {
                try signal(SIGKILL)
                try await wait()
            } catch {
                note("cannot end process \(id): \(error)")
            }
        }
    }

    /// Ends it at once, if it still runs, and blocks until it has ended.
    public func end() {
        do {
            try signal(SIGKILL)
            try wait()
        } catch {
            note("cannot end process \(id): \(error)")
        }
    }
}

/// What swift-subprocess runs in a task, for those who look at it from outside.
///
/// An execution is valid while the closure runs that got it. So the closure is open until somebody has seen that the
/// process has ended, and only then the process is collected: until then its id is its own. How it ended is asked of the
/// kernel, since swift-subprocess says so by means of Swift's pool, whose threads blocked tests may all keep.
private final class Life: Sendable {
    private typealias Running = Execution<FileDescriptorInput, FileDescriptorOutput, FileDescriptorOutput>

    private enum State {
        case starting
        case running(Running, closure: CheckedContinuation<Void, Never>)
        case collecting(Int32, ChildProcess.Ending)
        case ended(ChildProcess.Ending)
    }

    private let state = Locked(State.starting)

    /// Runs a command to its end; says by `started` which id it has, or why it couldn't be started.
    func run(
        _ command: [String], variables: [String: String], streams: [FileDescriptor],
        _ started: CheckedContinuation<Int32, any Error>
    ) async {
        var environment: [Environment.Key: String?] = [:]
        for (name, value) in variables { environment[Environment.Key(stringLiteral: name)] = value }
        do {
            // The kernel ends it if we crash: with the thread that started it, which swift-subprocess keeps to the end.
            // `setpriv` becomes the command, so the id is the command's.
            _ = try await Subprocess.run(
                .name("setpriv"), arguments: Arguments(["--pdeathsig", "KILL"] + command),
                environment: .inherit.updating(environment),
                input: .fileDescriptor(streams[0], closeAfterSpawningProcess: false),
                output: .fileDescriptor(streams[1], closeAfterSpawningProcess: false),
                error: .fileDescriptor(streams[2], closeAfterSpawningProcess: false)
            ) { execution in
                await withCheckedContinuation { closure in
                    state.withLock { $0 = .running(execution, closure: closure) }
                    started.resume(returning: execution.processIdentifier.value)
                }
            }
        } catch {
            guard case .starting = state.withLock({ $0 }) else {
                preconditionFailure("swift-subprocess lost sight of a process: \(error)")
            }
            started.resume(throwing: error)
        }
    }

    /// How it ended, once it is collected.
    func poll() -> ChildProcess.Ending? {
        state.withLock { state in
            look(&state)
            if case .collecting(let id, let ending) = state, Self.hasBeenCollected(id) { state = .ended(ending) }
            if case .ended(let ending) = state { return ending }
            return nil
        }
    }

    func signal(_ signal: Int32) throws {
        try state.withLock { state in
            look(&state)
            if case .running(let execution, _) = state { try execution.send(signal: Signal(rawValue: signal)) }
        }
    }

    /// Kills it, if it runs, and blocks until it has ended.
    func kill() {
        try? signal(SIGKILL)
        state.withLock { look(&$0, options: 0) }
    }

    /// Lets it be collected if it has ended; without `WNOHANG`, when it has.
    private func look(_ state: inout State, options: Int32 = WNOHANG) {
        guard case .running(let execution, let closure) = state else { return }
        let id = execution.processIdentifier.value
        var information = siginfo_t()
        while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT | options) != 0, errno == EINTR {}
        let child = information._sifields._sigchld
        guard child.si_pid == id else { return }
        let hasExited = information.si_code == Int32(CLD_EXITED)
        state = .collecting(id, hasExited ? .exited(child.si_status) : .killed(by: child.si_status))
        closure.resume()
    }

    private static func hasBeenCollected(_ id: Int32) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT | WNOHANG) != 0 && errno == ECHILD
    }
}
