import Foundation
import TestSupport

/// A process that a test started; it is killed with the last reference to it, and when the test program dies.
///
/// Signals go to it by its id, and only while it is ours to wait for.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Equatable {
        case exited(Int32)
        case killed(by: Int32)
    }

    let id: pid_t
    private let ending = Locked<Ending?>(nil)

    private init(id: pid_t) {
        self.id = id
    }

    deinit {
        guard (try? signal(SIGKILL)) != nil, poll() == nil else { return }
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
    }

    /// Starts `command` with these descriptors as its standard streams, and no others.
    ///
    /// Foundation's pipes and sockets don't close on exec: whoever reads from one to its end, in another test, would wait
    /// for as long as a server lives that has inherited it.
    static func start(_ command: [String], output: Int32, errors: Int32) async throws -> ChildProcess {
        // The kernel ends it if we crash; `setpriv` becomes the command, so the id is the command's.
        let command = ["setpriv", "--pdeathsig", "KILL"] + command
        return try await Spawner.shared.run {
            ChildProcess(id: try spawn(command, output: output, errors: errors))
        }
    }

    private static func spawn(_ command: [String], output: Int32, errors: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        // A descriptor that another thread opens meanwhile gets a number that is free, and so hardly a higher one.
        let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let highest = names.compactMap { Int32($0) }.max() ?? 2
        for descriptor in 3...highest + 100 { posix_spawn_file_actions_addclose(&actions, descriptor) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        defer {
            for argument in arguments {
                free(argument)
            }
        }
        var id: pid_t = 0
        let code = posix_spawnp(&id, command[0], &actions, &attributes, arguments, environ)
        guard code == 0 else { throw LabError.system("cannot start \(command[0])", code) }
        return id
    }

    /// How it ended, if it has.
    func poll() -> Ending? {
        ending.withLock { poll(&$0) }
    }

    private func poll(_ ending: inout Ending?) -> Ending? {
        var status: Int32 = 0
        if ending == nil, waitpid(id, &status, WNOHANG) == id {
            let signal = status & 0x7f
            ending = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(by: signal)
        }
        return ending
    }

    /// Sends it a signal, unless it has ended.
    func signal(_ signal: Int32) throws {
        try ending.withLock { ending in
            if poll(&ending) == nil, Foundation.kill(id, signal) != 0 {
                throw LabError.system("kill")
            }
        }
    }

    /// Waits until it ends.
    @discardableResult
    func wait(within limit: Duration = .seconds(60)) async throws -> Ending {
        try await eventually("process \(id) to end", within: limit, every: .milliseconds(2)) { poll() }
    }

    /// Ends it, even if it is stopped; with SIGKILL if it isn't gone in 10 seconds, or at once if not `gently`.
    func end(gently: Bool) async {
        await shielded { [self] in
            do {
                if gently {
                    try signal(SIGTERM)
                    try signal(SIGCONT)
                    if (try? await wait(within: .seconds(10))) != nil { return }
                }
                try signal(SIGKILL)
                try await wait()
            } catch {
                FileHandle.standardError.write(Data("cannot end process \(id): \(error)\n".utf8))
            }
        }
    }

    /// Waits until the kernel has stopped it.
    func waitUntilStopped() async throws {
        try await waitUntil("process \(id) to stop") {
            guard poll() == nil else { throw LabError("process \(id) has ended") }
            let text = try String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
            // The state stands after the name, which is in brackets.
            return text[(text.lastIndex(of: ")") ?? text.startIndex)...].hasPrefix(") T")
        }
    }
}
