import Foundation
import Synchronization
import TestSupport

/// Held while a process is started, and while a descriptor is open that doesn't close on exec yet.
private let spawning = Mutex<Void>(())

/// A new pipe, its reading end and its writing end, which no process that is started meanwhile inherits.
func makePipe() throws -> (reading: Int32, writing: Int32) {
    try spawning.withLock { _ in
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw HarnessError.system("pipe") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        return (ends[0], ends[1])
    }
}

/// A process that a test started.
///
/// Signals go to it by its id, and only while it is ours to wait for.
final class ChildProcess {
    /// How a process ended.
    enum Ending: Equatable {
        case exited(Int32)
        case killed(by: Int32)
    }

    let id: pid_t
    private(set) var ending: Ending?

    /// Starts `command` (a path, or a name to be found in PATH) with these descriptors as its standard streams.
    ///
    /// It inherits nothing but `handedOver`, as descriptors from 3 on, which must not be among those numbers themselves:
    /// descriptors of the tests close on exec, all signals have their default effect.
    init(_ command: [String], output: Int32, errors: Int32, handedOver: [Int32] = []) throws {
        guard let program = command.first else { throw HarnessError("no command") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        for (number, descriptor) in handedOver.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + number))
        }

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
        let code = spawning.withLock { _ in posix_spawnp(&id, program, &actions, &attributes, arguments, environ) }
        guard code == 0 else { throw HarnessError.system("cannot start \(program)", code) }
        self.id = id
    }

    /// How it ended, if it has.
    func poll() throws -> Ending? {
        if let ending {
            return ending
        }
        var status: Int32 = 0
        let waited = waitpid(id, &status, WNOHANG)
        guard waited >= 0 else { throw HarnessError.system("waitpid") }
        if waited == id {
            let signal = status & 0x7f
            ending = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(by: signal)
        }
        return ending
    }

    /// Waits until it ends.
    func wait(within limit: TimeInterval = patience) throws -> Ending {
        try eventually("process \(id) to end", within: limit, every: 0.005) { try poll() }
    }

    /// Sends it a signal, unless it has ended.
    func signal(_ signal: Int32) throws {
        if try poll() == nil, kill(id, signal) != 0 {
            throw HarnessError.system("kill")
        }
    }

    /// Whether a signal has some effect of the program's own by now: it catches or ignores it.
    func minds(_ signal: Int32) throws -> Bool {
        try mask("SigCgt", holds: signal) || mask("SigIgn", holds: signal)
    }

    /// Whether it has a handler for a signal by now.
    func catches(_ signal: Int32) throws -> Bool {
        try mask("SigCgt", holds: signal)
    }

    /// Whether it holds a signal back.
    func blocks(_ signal: Int32) throws -> Bool {
        try mask("SigBlk", holds: signal)
    }

    private func mask(_ name: String, holds signal: Int32) throws -> Bool {
        let text = try String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(name):") }),
            let mask = line.split(separator: "\t").last.flatMap({ UInt64($0, radix: 16) })
        else { throw HarnessError("/proc/\(id)/status: no \(name)") }
        return mask >> (signal - 1) & 1 == 1
    }

    /// Ends it at once, if it still runs.
    func end() {
        do {
            try signal(SIGKILL)
            _ = try wait()
        } catch {
            note("cannot end process \(id): \(error)")
        }
    }

    /// Seconds of processor time it has used.
    func processorTime() throws -> TimeInterval {
        let text = try String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
        // After the name, which is in brackets and may hold anything: state is field 3, user time 14, system time 15.
        guard let bracket = text.lastIndex(of: ")") else { throw HarnessError("/proc/\(id)/stat: \(text)") }
        let fields = text[bracket...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
            throw HarnessError("/proc/\(id)/stat: \(text)")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// Runs `command` to its end and returns what it printed; throws unless it exits with 0.
@discardableResult
func run(_ command: [String], within limit: TimeInterval = patience) throws -> String {
    // A file and not a pipe: a daemon that the command leaves behind would keep a pipe open.
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let file = open(directory.file("output"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw HarnessError.system("open") }
    defer { close(file) }
    let child = try ChildProcess(command, output: file, errors: file)
    defer { child.end() }
    let ending = try child.wait(within: limit)
    let text = try String(decoding: Data(contentsOf: URL(fileURLWithPath: directory.file("output"))), as: UTF8.self)
    guard ending == .exited(0) else {
        throw HarnessError("\(command.joined(separator: " ")): \(ending)\n\(text)")
    }
    return text
}
