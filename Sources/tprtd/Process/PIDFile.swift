import Glibc
import Programs

/// The file that holds the number of the process: text, a line; locked (flock(2)) for as long as the process runs.
///
/// The lock tells whether a file is stale: one that nobody has locked is, whatever number it holds. It is held by a
/// descriptor for reading: a process that has dropped its privileges and goes astray can't put another's number into
/// root's file, for root to send signals to.
struct PIDFile: Sendable {
    let path: String
    private let descriptor: CInt

    /// The most bytes that a PID file has.
    private static let sizeLimit = 32

    /// Takes the file, a stale one, too, and writes the number of this process into it.
    init(_ path: String) throws(Failure) {
        self.path = path
        while true {
            let descriptor = try Self.open(path)
            do throws(Failure) {
                try Self.lock(descriptor, path)
                // Its former holder may have removed it meanwhile.
                if Self.isAt(path, descriptor) {
                    try Self.fill(path, lockedBy: descriptor)
                    self.descriptor = descriptor
                    return
                }
            } catch {
                close(descriptor)
                throw error
            }
            close(descriptor)
        }
    }

    /// Removes the file while it is still ours, where that is allowed; the file is stale then, there or not.
    ///
    /// - Parameter unlink: removes a file that can't be reached from a chroot
    func remove(or unlink: (String) -> Void) {
        var status = stat()
        if lstat(path, &status) != 0 {
            unlink(path)
        } else if Self.isAt(path, descriptor) {
            Glibc.unlink(path)
        }
        close(descriptor)
    }

    private static let flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY

    private static func open(_ path: String) throws(Failure) -> CInt {
        let descriptor = Glibc.open(path, O_RDONLY | O_CREAT | flags, 0o644)
        guard descriptor >= 0 else { throw failure(path, errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Failure(.cannotCreate, "server.pid_file_path: \(path): is no regular file: name another")
        }
        return descriptor
    }

    private static func lock(_ descriptor: CInt, _ path: String) throws(Failure) {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
        guard errno == EWOULDBLOCK else { throw failure(path, errno) }
        let holder = number(in: descriptor).map { "process \($0)" } ?? "another process"
        throw Failure(.unavailable, "server.pid_file_path: \(path): \(holder) runs already: stop it first")
    }

    private static func fill(_ path: String, lockedBy lock: CInt) throws(Failure) {
        let descriptor = Glibc.open(path, O_RDWR | flags)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, isAt(path, descriptor), isAt(path, lock),
            status.st_size == 0 || number(in: descriptor) != nil
        else {
            throw Failure(
                .cannotCreate, "server.pid_file_path: \(path): holds something else than a number: name another")
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count,
            fchmod(descriptor, 0o644) == 0
        else { throw failure(path, errno) }
    }

    /// The number that a file holds; nil where it holds anything else.
    private static func number(in descriptor: CInt) -> pid_t? {
        var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0, count <= sizeLimit else { return nil }
        let digits = bytes[..<count].reversed().drop { $0 == 0x0a || $0 == 0x20 }.reversed()
        return pid_t(String(decoding: digits, as: UTF8.self))
    }

    private static func isAt(_ path: String, _ descriptor: CInt) -> Bool {
        var opened = stat()
        var named = stat()
        guard fstat(descriptor, &opened) == 0, lstat(path, &named) == 0 else { return false }
        return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
    }

    private static func failure(_ path: String, _ code: CInt) -> Failure {
        let name = "server.pid_file_path: \(path)"
        return switch code {
        case ENOENT, ENOTDIR: Failure(.cannotCreate, "\(name): there is no such folder: make it")
        case ELOOP: Failure(.cannotCreate, "\(name): is a symbolic link: name the file itself")
        case EACCES, EPERM, EROFS:
            Failure(.noPermission, "\(name): \(String(cString: strerror(code))): name a folder that may be written to")
        default: Failure(.cannotCreate, "\(name): \(String(cString: strerror(code)))")
        }
    }
}
