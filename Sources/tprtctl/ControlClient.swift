import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import Programs
import Settings
import TrustedFiles

/// Asks a daemon something over its control socket.
struct ControlClient {
    /// The path of the socket.
    let path: String
    /// How long the reply may take, in seconds: a daemon reads millions of entries in much less.
    var patience = 300

    /// Sends a request and waits for its reply.
    func ask(_ request: ControlRequest) throws(ProgramError) -> ControlReply {
        let descriptor = try connected()
        defer { close(descriptor) }
        try send(Array(request.line.utf8), to: descriptor)
        let line = try line(from: descriptor)
        do throws(ControlError) {
            return try ControlReply(line: line)
        } catch {
            throw ProgramError(.unavailable, "unix:\(path): what answers there is not tprtd: \(error)")
        }
    }

    /// Has a request carried out; where the daemon refuses, or can't do it, it throws what the daemon says.
    func carryOut(_ request: ControlRequest) throws(ProgramError) -> ControlReply {
        let reply = try ask(request)
        guard reply.status != 0 else { return reply }
        throw ProgramError(
            ExitStatus(rawValue: reply.status) ?? .unavailable,
            reply.warnings.isEmpty ? ["tprtd gave no reason"] : reply.warnings)
    }

    /// What is wrong where a reply isn't what this version expects.
    var misunderstanding: ProgramError {
        ProgramError(.unavailable, "unix:\(path): tprtd's answer is not understood: is it of another version?")
    }

    /// Whether somebody listens at the socket; where that can't be found out, it throws.
    func isAnswered() throws(ProgramError) -> Bool {
        do throws(ProgramError) {
            close(try connected())
            return true
        } catch {
            guard error.status == .unavailable else { throw error }
            return false
        }
    }

    private func connected() throws(ProgramError) -> CInt {
        guard let address = sockaddr_un(path: path) else {
            throw ProgramError(.usage, "unix:\(path): a socket's path has at most 107 bytes")
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(errno) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        func connected() -> CInt {
            address.withPointer { connect(descriptor, $0, $1) == 0 ? 0 : errno }
        }
        let code: CInt
        do throws(FileError) {
            // What answers there is the daemon, or nobody that root would be led to.
            code = try FileReach(path).act(connected)
        } catch {
            close(descriptor)
            throw ProgramError(.noPermission, "unix:\(error)")
        }
        guard code == 0 else {
            close(descriptor)
            throw failure(code)
        }
        return descriptor
    }

    private func send(_ bytes: [UInt8], to descriptor: CInt) throws(ProgramError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE || errno == ECONNRESET {
                // Who is turned away may find the reason waiting.
                return
            } else if errno != EINTR {
                throw failure(errno)
            }
        }
    }

    private func line(from descriptor: CInt) throws(ProgramError) -> [UInt8] {
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                line += chunk[..<count]
                if let end = line.firstIndex(of: UInt8(ascii: "\n")) { return Array(line[..<end]) }
            } else if count == 0 || errno == ECONNRESET {
                throw ProgramError(
                    .unavailable, "unix:\(path): connection closed without a reply (is tprtd stopping?); try again")
            } else if errno != EINTR {
                throw failure(errno)
            }
        }
    }

    private func failure(_ code: CInt) -> ProgramError {
        switch code {
        case ENOENT, ECONNREFUSED:
            ProgramError(
                .unavailable,
                "unix:\(path): no process is listening: is tprtd running, with server.control_socket set to this path?")
        case EACCES, EPERM:
            ProgramError(.noPermission, "unix:\(path): no permission: be root, tprtd's user or of its group")
        case EAGAIN: ProgramError(.unavailable, "unix:\(path): no answer within \(patience) s")
        default: ProgramError(.unavailable, "unix:\(path): \(String(cString: strerror(code)))")
        }
    }
}

/// Where the daemon is found that a command is for.
struct ControlAccess: ParsableArguments {
    @Option(
        help: ArgumentHelp("The control socket of the daemon; else server.control_socket.", valueName: "path"),
        completion: .file())
    var socket: String?

    @OptionGroup var settings: SettingFiles

    @Flag(help: "Print the answer as JSON.")
    var json = false

    /// Asks the daemon, shows what it says, and ends with its status.
    func ask(_ request: ControlRequest) throws {
        let reply: ControlReply
        do throws(ProgramError) {
            reply = try client().ask(request)
        } catch {
            guard json else { throw error }
            // In the form in which the daemon would have said it.
            try say(ControlReply(status: error.status.rawValue, warnings: error.messages).line, terminator: "")
            for message in error.messages { note(message) }
            throw ExitCode(error.status.rawValue)
        }
        if json {
            try say(reply.line, terminator: "")
        } else {
            for message in reply.messages { try say(message) }
            for warning in reply.warnings { note(warning) }
        }
        if reply.status != 0 { throw ExitCode(reply.status) }
    }

    /// The daemon.
    func client() throws(ProgramError) -> ControlClient { ControlClient(path: try path()) }

    private func path() throws(ProgramError) -> String {
        if let socket { return socket }
        let configured = try settings.load(environment: ProcessInfo.processInfo.environment).server.controlSocket
        guard !configured.isEmpty else {
            throw ProgramError(
                .configuration,
                "the daemon has no control socket: set server.control_socket in its configuration, "
                    + "and name that file with -c, or the socket with --socket")
        }
        return configured
    }
}

/// `tprtctl reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon reload its settings and whitelists, and wait for the result.",
        discussion: """
            Ends with status 65 where something is wrong with whitelists (the rest is in force), with 78 where something is \
            wrong with the settings (the former ones stay), and with 69 where no daemon answers.
            """)

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        try daemon.ask(ControlRequest("reload"))
    }
}
