import Glibc
import Greylist
import Storage

/// The file of an environment, held by a lock against every other process.
struct DatabaseFile: ~Copyable {
    let path: String
    private let descriptor: CInt

    /// How often the file may be replaced by others while it is being locked.
    private static let tries = 10

    /// Opens the file, makes it if need be, and locks it.
    ///
    /// The lock is flock(2), which LMDB doesn't use: LMDB itself would let several processes in.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - beforeLocking: called between opening and locking, where others may set the file aside
    init(path: String, beforeLocking: () -> Void = {}) throws(StoreError) {
        for _ in 0..<Self.tries {
            let descriptor = try Self.open(path)
            beforeLocking()
            do throws(StoreError) {
                try Self.lock(descriptor, path)
            } catch {
                Glibc.close(descriptor)
                throw error
            }
            if Self.isAt(path, descriptor) {
                self.path = path
                self.descriptor = descriptor
                return
            }
            Glibc.close(descriptor)
        }
        throw StoreError(.inUse, "lmdb://\(path): another process keeps replacing it")
    }

    deinit {
        // Closing alone isn't enough: a child that was made meanwhile, for the look at another file, has the lock, too.
        flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
    }

    /// The file's length in bytes.
    var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Leaves the lock to the parent alone, in a child made by fork: should the parent end, the next one can have the
    /// file.
    func leaveToParent() {
        Glibc.close(descriptor)
    }

    /// Renames the file to `NAME.corrupt-TIME`, so that a fresh one can take its place; returns the new name.
    func setAside(at now: Timestamp) throws(StoreError) -> String {
        var name = "\(path).corrupt-\(now.seconds)"
        var number = 1
        while access(name, F_OK) == 0 {
            number += 1
            name = "\(path).corrupt-\(now.seconds)-\(number)"
        }
        guard rename(path, name) == 0 else { throw StoreError.system(errno, path) }
        unlink(path + "-lock")
        return name
    }

    private static func open(_ path: String) throws(StoreError) -> CInt {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw StoreError.system(errno, path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(descriptor)
            throw StoreError(.cannotCreate, "lmdb://\(path): is no regular file")
        }
        return descriptor
    }

    private static func lock(_ descriptor: CInt, _ path: String) throws(StoreError) {
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return }
        throw errno == EWOULDBLOCK
            ? StoreError(.inUse, "lmdb://\(path): another process has it open") : StoreError.system(errno, path)
    }

    /// Whether the path still leads to the open file: it may have been set aside before the lock was ours.
    private static func isAt(_ path: String, _ descriptor: CInt) -> Bool {
        var opened = stat()
        var named = stat()
        guard fstat(descriptor, &opened) == 0, stat(path, &named) == 0 else { return false }
        return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
    }
}

extension StoreError {
    /// What the system answered when a file was opened or made.
    static func system(_ code: CInt, _ path: String) -> StoreError {
        let consequence: StoreError.Code =
            switch code {
            case EACCES, EPERM, EROFS: .denied
            case EMFILE, ENFILE, ENOMEM: .unavailable
            default: .cannotCreate
            }
        return StoreError(consequence, "lmdb://\(path): \(String(cString: strerror(code)))")
    }
}
