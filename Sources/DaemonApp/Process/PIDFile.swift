import Glibc
import Programs
import TrustedFiles

/// The file that holds the number of the process: text, a line; locked (flock(2)) for as long as the process runs.
///
/// The lock tells whether a file is stale: one that nobody has locked is, whatever number it holds. It is held by a
/// descriptor for reading: a process that has dropped its privileges and goes astray can't put another's number into
/// root's file, for root to send signals to. In a directory of another user's the file is that user's.
struct PIDFile: Sendable {
    let path: String
    private let descriptor: CInt

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
                let descriptor = try Self.open(path, O_RDONLY | O_CREAT)
                do throws(ProgramError) {
                    try Self.lock(descriptor, path)
                    // Its former holder may have removed it meanwhile.
                    if Self.isAt(path, descriptor), try Self.take(path, lockedBy: descriptor, reach) {
                        return descriptor
                    }
                } catch {
                    close(descriptor)
                    throw error
                }
                close(descriptor)
            }
        }
    }

    /// Looks whether the file could be taken, and changes nothing; one that a running daemon has is in order.
    static func check(_ path: String, service: FileUser?) throws(ProgramError) {
        let reach = try Self.reach(path, service)
        try reach.act { () throws(ProgramError) in
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
            guard access(directory, F_OK) == 0 else { throw failure(path, errno) }
            var status = stat()
            guard lstat(path, &status) == 0 else { return }
            // Where only root may read it, nobody else can tell.
            guard access(path, R_OK) == 0 || status.st_mode & S_IFMT != S_IFREG else { return }
            let descriptor = try open(path, O_RDONLY)
            defer { close(descriptor) }
            try checkContents(of: descriptor, path, reach)
        }
    }

    /// Removes the file while it is still ours, where that is allowed; the file is stale then, there or not.
    ///
    /// - Parameter unlink: removes a file that can't be reached from a chroot
    func remove(or unlink: (String) -> Void) {
        try? FileReach(path).act {
            var status = stat()
            if lstat(path, &status) != 0 {
                unlink(path)
            } else if Self.isAt(path, descriptor) {
                Glibc.unlink(path)
            }
        }
        close(descriptor)
    }

    private static let flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY

    private static func reach(_ path: String, _ service: FileUser?) throws(ProgramError) -> FileReach {
        do throws(FileError) {
            return try FileReach(path, service: service)
        } catch {
            throw ProgramError(.noPermission, "server.pid_file_path: \(error)")
        }
    }

    private static func open(_ path: String, _ mode: CInt) throws(ProgramError) -> CInt {
        let descriptor = Glibc.open(path, mode | flags, 0o644)
        guard descriptor >= 0 else { throw failure(path, errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw refusal(path, "is not a regular file")
        }
        guard status.st_nlink <= 1 else {
            close(descriptor)
            throw refusal(path, "has \(status.st_nlink) names (hard links)")
        }
        return descriptor
    }

    private static func lock(_ descriptor: CInt, _ path: String) throws(ProgramError) {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
        guard errno == EWOULDBLOCK else { throw failure(path, errno) }
        let holder = number(in: descriptor).map { "process \($0)" } ?? "another process"
        throw ProgramError(.unavailable, "server.pid_file_path: \(path): already running (\(holder)): stop it first")
    }

    /// Puts the number of this process into the file; false where the file was another user's and is gone now.
    private static func take(_ path: String, lockedBy lock: CInt, _ reach: FileReach) throws(ProgramError) -> Bool {
        if try !checkContents(of: lock, path, reach) {
            // One of another user's can hold that user's next number a moment later.
            guard unlink(path) == 0 || errno == ENOENT else { throw failure(path, errno) }
            return false
        }
        let descriptor = Glibc.open(path, O_RDWR | flags)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { close(descriptor) }
        guard isAt(path, descriptor), isAt(path, lock) else { throw refusal(path, "was replaced just now") }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count,
            fchmod(descriptor, 0o644) == 0
        else { throw failure(path, errno) }
        return true
    }

    /// Looks whether the file is one for numbers; whether it may be written to, else it is to be replaced.
    @discardableResult
    private static func checkContents(
        of descriptor: CInt, _ path: String, _ reach: FileReach
    ) throws(ProgramError) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, errno) }
        let isForeign = reach.isRoots && status.st_uid != 0
        // Others may have put it there, and would put it there again.
        if isForeign, reach.isShared { throw refusal(path, "belongs to \(FileUser.name(of: status.st_uid))") }
        guard status.st_size == 0 || number(in: descriptor) != nil || hasOnlyZeros(descriptor, Int(status.st_size))
        else {
            throw refusal(path, "holds something else than a number")
        }
        return !isForeign
    }

    /// The number that a file holds; nil where it holds anything else.
    private static func number(in descriptor: CInt) -> pid_t? {
        var bytes = [UInt8](repeating: 0, count: numberLimit + 1)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0, count <= numberLimit else { return nil }
        let digits = bytes[..<count].reversed().drop { $0 == 0x0a || $0 == 0x20 }.reversed()
        return pid_t(String(decoding: digits, as: UTF8.self))
    }

    /// Whether a file is one of TPRT 0.9.3, which writes as many zero bytes as the number of its process says.
    private static func hasOnlyZeros(_ descriptor: CInt, _ size: Int) -> Bool {
        guard size <= zerosLimit else { return false }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var place = 0
        while place < size {
            let count = pread(descriptor, &chunk, chunk.count, off_t(place))
            guard count > 0, chunk[..<count].allSatisfy({ $0 == 0 }) else { return false }
            place += count
        }
        return true
    }

    private static func isAt(_ path: String, _ descriptor: CInt) -> Bool {
        var opened = stat()
        var named = stat()
        guard fstat(descriptor, &opened) == 0, lstat(path, &named) == 0 else { return false }
        return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
    }

    private static func refusal(_ path: String, _ what: String) -> ProgramError {
        ProgramError(.cannotCreate, "server.pid_file_path: \(path): \(what): remove it, or name another")
    }

    private static func failure(_ path: String, _ code: CInt) -> ProgramError {
        let name = "server.pid_file_path: \(path)"
        return switch code {
        case ENOENT, ENOTDIR: ProgramError(.cannotCreate, "\(name): directory does not exist: create it")
        case ELOOP: ProgramError(.cannotCreate, "\(name): is a symbolic link: name the file itself")
        case EACCES, EPERM, EROFS:
            ProgramError(
                .noPermission, "\(name): \(String(cString: strerror(code))): name a directory that may be written to")
        default: ProgramError(.cannotCreate, "\(name): \(String(cString: strerror(code)))")
        }
    }
}
