import CProcess
import FileCalls
import Glibc
import LogOutput
import Programs
import Server
import SystemPackage
import WhitelistFiles

/// The process that stays outside a chroot and reaches files for the one inside: those of a permit, and no others.
///
/// It runs as the same unprivileged user, keeps nothing open, and ends when the other process does. A message is a
/// question: a byte, and a path. The answer is names, a message each, and then one message with an errno (0: success)
/// and what was asked for. Of what is opened the descriptor goes with it, and only that of a regular file or a connected
/// socket: that of a directory would be a way out of the chroot.
struct FileServer {
    /// What is asked.
    enum Question: UInt8 {
        case read = 1, append, list, look, remove, connect
    }

    /// The first byte of an answer's message.
    enum Kind: UInt8 {
        case name = 1, end
    }

    /// The most bytes of a question or a message of an answer.
    static let messageLimit = 4_352

    let permit: FilePermit
    let socket: CInt

    /// Starts the process as that user; there must be one thread only.
    static func start(_ permit: FilePermit, as identity: Identity) throws(ProgramError) -> FileClient {
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw failure("socketpair", Errno(rawValue: errno)) }
        let child = fork()
        guard child >= 0 else { throw failure("fork", Errno(rawValue: errno)) }
        if child == 0 { run(permit, on: ends[1], as: identity) }
        close(ends[1])
        let client = FileClient(ends[0])
        // It says whether it could become that user.
        do throws(FileAccess.SystemError) {
            try client.awaitReadiness()
        } catch {
            throw failure("the process outside", error.code)
        }
        return client
    }

    private static func failure(_ call: String, _ code: Errno) -> ProgramError {
        ProgramError(.unavailable, "server.chroot: \(call): \(code)")
    }

    private static func run(_ permit: FilePermit, on socket: CInt, as identity: Identity) -> Never {
        // Signals that go to all processes of the service are for the other one.
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { signal(number, SIG_IGN) }
        _ = tprt_set_name("\(Program.name)-files")
        ProcessSetup.closeDescriptors(keeping: [socket])
        let nowhere = try? FileDescriptor.open("/dev/null", .readWrite)
        for stream in STDIN_FILENO...STDERR_FILENO {
            _ = try? nowhere?.duplicate(as: FileDescriptor(rawValue: stream))
        }
        try? nowhere?.close()
        chdir("/")
        let server = FileServer(permit: permit, socket: socket)
        do throws(ProgramError) {
            try Privileges.takeGroups(of: identity)
            try Privileges.drop(to: identity)
            server.answer(0)
        } catch {
            server.answer(EPERM)
            _exit(error.status.rawValue)
        }
        server.serve()
        _exit(0)
    }

    /// Answers questions until the other side closes.
    func serve() {
        var bytes = [UInt8](repeating: 0, count: Self.messageLimit)
        while true {
            var descriptor: CInt = -1
            let count = tprt_receive(socket, &bytes, bytes.count, &descriptor)
            if descriptor >= 0 { close(descriptor) }
            guard count > 0 else { return }
            answer(bytes[..<count])
        }
    }

    private func answer(_ message: ArraySlice<UInt8>) {
        let path = String(decoding: message.dropFirst(), as: UTF8.self)
        do throws(FileAccess.SystemError) {
            switch message.first.flatMap({ Question(rawValue: $0) }) {
            case .read:
                guard permit.allowsReading(path) else { throw FileAccess.SystemError(code: .permissionDenied) }
                try hand(FileAccess.direct.open(path))
            case .append:
                guard permit.logs.contains(path) else { throw FileAccess.SystemError(code: .permissionDenied) }
                try hand(openForAppending(path))
            case .list:
                guard permit.directories.contains(path) else { throw FileAccess.SystemError(code: .permissionDenied) }
                for name in try FileAccess.direct.names(path) { send([Kind.name.rawValue] + name.utf8) }
                answer(0)
            case .look:
                guard permit.allowsReading(path) || permit.directories.contains(path) else {
                    throw FileAccess.SystemError(code: .permissionDenied)
                }
                guard let status = FileAccess.direct.status(path) else {
                    throw FileAccess.SystemError(code: .noSuchFileOrDirectory)
                }
                answer(0, withUnsafeBytes(of: status.rawValue) { Array($0) })
            case .remove:
                guard permit.removable.contains(path) else { throw FileAccess.SystemError(code: .permissionDenied) }
                do throws(Errno) { try FileNames.remove(path) } catch { throw FileAccess.SystemError(code: error) }
                answer(0)
            case .connect:
                guard permit.sockets.contains(path) else { throw FileAccess.SystemError(code: .permissionDenied) }
                guard case .success(let connection) = SyslogAddress.unix(path: path).connect() else {
                    throw FileAccess.SystemError(code: Errno(rawValue: errno))
                }
                answer(0, [connection.isStream ? 1 : 0], with: connection.descriptor)
                close(connection.descriptor)
            case nil: throw FileAccess.SystemError(code: .invalidArgument)
            }
        } catch {
            answer(error.code.rawValue)
        }
    }

    private func openForAppending(_ path: String) throws(FileAccess.SystemError) -> FileDescriptor {
        do throws(Errno) {
            return try systemCall {
                try FileDescriptor.open(
                    path, .writeOnly,
                    options: [.append, .create, .closeOnExec, .noControllingTerminal, .nonBlocking],
                    permissions: [.ownerReadWrite, .groupRead])
            }
        } catch {
            throw FileAccess.SystemError(code: error)
        }
    }

    /// Hands a descriptor over, and closes it here.
    private func hand(_ descriptor: FileDescriptor) throws(FileAccess.SystemError) {
        defer { try? descriptor.close() }
        let status: Stat
        do throws(Errno) { status = try Stat(descriptor) } catch { throw FileAccess.SystemError(code: error) }
        switch status.type {
        case .regular: answer(0, with: descriptor.rawValue)
        case .directory: throw FileAccess.SystemError(code: .isDirectory)
        default: throw FileAccess.SystemError(code: .notSupported)
        }
    }

    private func answer(_ code: CInt, _ payload: [UInt8] = [], with descriptor: CInt = -1) {
        send(withUnsafeBytes(of: code) { [Kind.end.rawValue] + $0 } + payload, with: descriptor)
    }

    private func send(_ bytes: [UInt8], with descriptor: CInt = -1) {
        // Where the other side is gone, the next question doesn't come either.
        _ = tprt_send(socket, bytes, bytes.count, descriptor)
    }
}

/// Which files the process in a chroot may reach through the one outside; nothing else is served.
struct FilePermit: Equatable, Sendable {
    /// Files to read.
    var files: Set<String> = []
    /// Directories to list, with the files in them to read.
    var directories: Set<String> = []
    /// Files to add to: logs.
    var logs: Set<String> = []
    /// Sockets of log daemons to connect to.
    var sockets: Set<String> = []
    /// Files to remove.
    var removable: Set<String> = []

    /// Whether a file may be read.
    func allowsReading(_ path: String) -> Bool {
        if files.contains(path) { return true }
        guard let slash = path.lastIndex(of: "/") else { return false }
        let name = path[path.index(after: slash)...]
        return directories.contains(String(path[..<slash])) && !name.isEmpty && name != "." && name != ".."
    }
}

extension FilePermit {
    /// What either of them permits.
    func and(_ other: FilePermit) -> FilePermit {
        FilePermit(
            files: files.union(other.files), directories: directories.union(other.directories),
            logs: logs.union(other.logs),
            sockets: sockets.union(other.sockets), removable: removable.union(other.removable))
    }

    /// What whitelists are read from.
    init(_ sources: WhitelistSources) {
        let locations = sources.locations
        files = Set(locations.files)
        directories = Set(locations.directories)
        // It is read for lists that come from files.
        if !files.isEmpty || !directories.isEmpty { files.insert(WhitelistSources.suffixList) }
    }
}
