import CGDBM
import Glibc
import Storage

/// What GNU dbm or the system answered instead of success.
struct GDBMError: Error {
    let code: gdbm_error
    /// The system's error number, where the code has one; else 0.
    let system: CInt

    /// A fault of that code.
    init(_ code: Int, system: CInt = 0) {
        self.code = gdbm_error(code)
        self.system = gdbm_check_syserr(self.code) != 0 ? system : 0
    }

    /// The fault of the last call on that database.
    init(_ database: OpaquePointer) {
        self.init(Int(gdbm_last_errno(database)), system: gdbm_last_syserr(database))
    }

    /// Whether the file isn't one of GNU dbm's, or isn't whole.
    var isCorruption: Bool {
        switch Int(code) {
        case GDBM_BLOCK_SIZE_ERROR, GDBM_BAD_MAGIC_NUMBER, GDBM_BYTE_SWAPPED, GDBM_BAD_FILE_OFFSET, GDBM_FILE_EOF,
            GDBM_NEED_RECOVERY, GDBM_DIR_OVERFLOW, GDBM_BAD_BUCKET, GDBM_BAD_HEADER, GDBM_BAD_AVAIL,
            GDBM_BAD_HASH_TABLE, GDBM_BAD_DIR_ENTRY, GDBM_BUCKET_CACHE_CORRUPTED, GDBM_BAD_HASH_ENTRY:
            true
        // A place in the file that can't be one.
        case GDBM_FILE_SEEK_ERROR: system == EINVAL
        default: false
        }
    }

    /// The same for whoever asked the store.
    func storeError(url: String) -> StoreError {
        let code: StoreError.Code =
            switch system {
            case ENOSPC, EDQUOT, EFBIG: .writeRefused
            case EACCES, EPERM, EROFS: .denied
            default: isCorruption ? .corrupt : .unavailable
            }
        let cause = system == 0 ? "" : ": \(String(cString: strerror(system)))"
        return StoreError(code, "\(url): \(String(cString: gdbm_strerror(self.code)))\(cause)")
    }
}
