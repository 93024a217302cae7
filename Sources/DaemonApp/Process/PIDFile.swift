import FileCalls
import Glibc
import Programs
import SystemPackage
import TrustedFiles

/// The file that holds the number of the process: text, a line; locked (flock(2)) for as long as the process runs.
///
/// The lock tells whether a file is stale: one that nobody has locked is, whatever number it holds. It is held by a
/// descriptor for reading: a process that has dropped its privileges and goes astray can't put another's number into
/// root's file, for root to send signals to. In a directory of another user's the file is that user's.
struct PIDFile: Sendable {
    let path: String
    private let descriptor: FileDescriptor

    /// The most bytes that the number of a process has, with what stands around it.
    private static let numberLimit = 32
    /// The most bytes of a file of TPRT 0.9.3: as many zero bytes as the number says, and the kernel's greatest number
    /// (PID_MAX_LIMIT).
    private static let zerosLimit = 4_194_304

    /// Takes the file, a stale one, too, and writes the number of this process into it.
    ///
    /// - Parameter service: whom root is about to become
    init(_ path: String, service: FileUser? = nil) throws(ProgramError) {
        self.path = path
        let reach = try Self.reach(path, service)
        descriptor = try reach.act { () throws(ProgramError) in
            while true {
                let descriptor = try Self.open(path, .readOnly, .create)
                do throws(ProgramError) {
                    try Self.lock(descriptor, path)
                    // Its former holder may have removed it meanwhile.
                    if Self.isAt(path, descriptor), try Self.take(path, lockedBy: descriptor, reach) {
                        return descriptor
                    }
                } catch {
                    try? descriptor.close()
                    throw error
                }
                try? descriptor.close()
            }
        }
    }

    /// Looks whether the file could be taken, and changes nothing; one that a running daemon has is in order.
    static func check(_ path: String, service: FileUser?) throws(ProgramError) {
        let reach = try Self.reach(path, service)
        try reach.act { () throws(ProgramError) in
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
            do throws(Errno) { try FileNames.find(directory) } catch { throw failure(path, error) }
            guard let status = try? Stat(path, followTargetSymlink: false) else { return }
            // Where only root may read it, nobody else can tell.
            guard FileNames.isReadable(path) || status.type != .regular else { return }
            let descriptor = try open(path, .readOnly)
            defer { try? descriptor.close() }
            try checkContents(of: descriptor, path, reach)
        }
    }

    /// Removes the file while it is still ours, where that is allowed; the file is stale then, there or not.
    ///
    /// - Parameter unlink: removes a file that can't be reached from a chroot
    func remove(or unlink: (String) -> Void) {
        try? FileReach(path).act {
            if (try? Stat(path, followTargetSymlink: false)) == nil {
                unlink(path)
            } else if Self.isAt(path, descriptor) {
                try? FileNames.remove(path)
            }
        }
        try? descriptor.close()
    }

    private static let permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]

    private static func reach(_ path: String, _ service: FileUser?) throws(ProgramError) -> FileReach {
        do throws(FileError) {
            return try FileReach(path, service: service)
        } catch {
            throw ProgramError(.noPermission, "server.pid_file_path: \(error)")
        }
    }

    private static func open(
        _ path: String, _ mode: FileDescriptor.AccessMode, _ option: FileDescriptor.OpenOptions = []
    ) throws(ProgramError) -> FileDescriptor {
        let descriptor = try openAnything(path, mode, option)
        guard let status = try? Stat(descriptor), status.type == .regular else {
            try? descriptor.close()
            throw refusal(path, "is not a regular file")
        }
        guard status.linkCount <= 1 else {
            try? descriptor.close()
            throw refusal(path, "has \(status.linkCount) names (hard links)")
        }
        return descriptor
    }

    private static func openAnything(
        _ path: String, _ mode: FileDescriptor.AccessMode, _ option: FileDescriptor.OpenOptions = []
    ) throws(ProgramError) -> FileDescriptor {
        do throws(Errno) {
            return try systemCall {
                try FileDescriptor.open(
                    path, mode,
                    options: option.union([.closeOnExec, .noFollow, .nonBlocking, .noControllingTerminal]),
                    permissions: permissions)
            }
        } catch {
            throw failure(path, error)
        }
    }

    private static func lock(_ descriptor: FileDescriptor, _ path: String) throws(ProgramError) {
        do throws(Errno) {
            try descriptor.lock(.doesNotWait)
        } catch {
            guard error == .wouldBlock else { throw failure(path, error) }
            let holder = number(in: descriptor).map { "process \($0)" } ?? "another process"
            throw ProgramError(
                .unavailable, "server.pid_file_path: \(path): already running (\(holder)): stop it first")
        }
    }

    /// Puts the number of this process into the file; false where the file was another user's and is gone now.
    private static func take(
        _ path: String, lockedBy lock: FileDescriptor, _ reach: FileReach
    ) throws(ProgramError) -> Bool {
        if try !checkContents(of: lock, path, reach) {
            // One of another user's can hold that user's next number a moment later.
            do throws(Errno) {
                try FileNames.remove(path)
            } catch {
                guard error == .noSuchFileOrDirectory else { throw failure(path, error) }
            }
            return false
        }
        let descriptor = try openAnything(path, .readWrite)
        defer { try? descriptor.close() }
        guard isAt(path, descriptor), isAt(path, lock) else { throw refusal(path, "was replaced just now") }
        do throws(Errno) {
            try systemCall {
                try descriptor.resize(to: 0)
                try descriptor.writeAll(toAbsoluteOffset: 0, "\(getpid())\n".utf8)
            }
            try descriptor.setPermissions(permissions)
        } catch {
            throw failure(path, error)
        }
        return true
    }

    /// Looks whether the file is one for numbers; whether it may be written to, else it is to be replaced.
    @discardableResult
    private static func checkContents(
        of descriptor: FileDescriptor, _ path: String, _ reach: FileReach
    ) throws(ProgramError) -> Bool {
        let status: Stat
        do throws(Errno) { status = try Stat(descriptor) } catch { throw failure(path, error) }
        let owner = status.userID.rawValue
        let isForeign = reach.isRoots && owner != 0
        // Others may have put it there, and would put it there again.
        if isForeign, reach.isShared { throw refusal(path, "belongs to \(FileUser.name(of: owner))") }
        guard status.size == 0 || number(in: descriptor) != nil || hasOnlyZeros(descriptor, status.size) else {
            throw refusal(path, "holds something else than a number")
        }
        return !isForeign
    }

    /// The number that a file holds; nil where it holds anything else.
    private static func number(in descriptor: FileDescriptor) -> pid_t? {
        var bytes = [UInt8](repeating: 0, count: numberLimit + 1)
        let found = try? bytes.withUnsafeMutableBytes { try descriptor.read(fromAbsoluteOffset: 0, into: $0) }
        guard let count = found, count > 0, count <= numberLimit else { return nil }
        let digits = bytes[..<count].reversed().drop { $0 == 0x0a || $0 == 0x20 }.reversed()
        return pid_t(String(decoding: digits, as: UTF8.self))
    }

    /// Whether a file is one of TPRT 0.9.3, which writes as many zero bytes as the number of its process says.
    private static func hasOnlyZeros(_ descriptor: FileDescriptor, _ size: Int64) -> Bool {
        guard size <= zerosLimit else { return false }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var place: Int64 = 0
        while place < size {
            let found = try? chunk.withUnsafeMutableBytes { try descriptor.read(fromAbsoluteOffset: place, into: $0) }
            guard let count = found, count > 0, chunk[..<count].allSatisfy({ $0 == 0 }) else { return false }
            place += Int64(count)
        }
        return true
    }

    private static func isAt(_ path: String, _ descriptor: FileDescriptor) -> Bool {
        guard let opened = try? Stat(descriptor), let named = try? Stat(path, followTargetSymlink: false) else {
            return false
        }
        return opened.isSameFile(as: named)
    }

    private static func refusal(_ path: String, _ what: String) -> ProgramError {
        ProgramError(.cannotCreate, "server.pid_file_path: \(path): \(what): remove it, or name another")
    }

    private static func failure(_ path: String, _ code: Errno) -> ProgramError {
        let name = "server.pid_file_path: \(path)"
        return switch code {
        case .noSuchFileOrDirectory, .notDirectory:
            ProgramError(.cannotCreate, "\(name): directory does not exist: create it")
        case .tooManySymbolicLinkLevels:
            ProgramError(.cannotCreate, "\(name): is a symbolic link: name the file itself")
        case .permissionDenied, .notPermitted, .readOnlyFileSystem:
            ProgramError(.noPermission, "\(name): \(code): name a directory that may be written to")
        default: ProgramError(.cannotCreate, "\(name): \(code)")
        }
    }
}
