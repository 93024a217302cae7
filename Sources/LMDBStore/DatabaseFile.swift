import Glibc
import Greylist
import Storage

/// The file of an environment, held by a lock against every other process.
struct DatabaseFile: ~Copyable {
    let path: String
    private let descriptor: CInt

    /// Opens the file, makes it if need be, and locks it.
    ///
    /// The lock is flock(2), which LMDB doesn't use: LMDB itself would let several processes in.
    init(path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw StoreError.system(errno, path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(descriptor)
            throw StoreError(.cannotCreate, "lmdb://\(path): is no regular file")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let fault = StoreError.system(errno, path)
            Glibc.close(descriptor)
            throw isHeld ? StoreError(.inUse, "lmdb://\(path): another process has it open") : fault
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// The file's length in bytes.
    var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
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
}

extension StoreError {
    /// What the system answered when a file was opened or made.
    static func system(_ code: CInt, _ path: String) -> StoreError {
        let consequence: StoreError.Code =
            switch code {
            case EACCES, EPERM, EROFS: .denied
            default: .cannotCreate
            }
        return StoreError(consequence, "lmdb://\(path): \(String(cString: strerror(code)))")
    }
}
