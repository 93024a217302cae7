import CLMDB
import Glibc
import Storage

/// What LMDB or the system answered instead of success.
struct LMDBError: Error {
    let code: CInt

    static let notFound = MDB_NOTFOUND
    static let mapFull = MDB_MAP_FULL
    static let mapResized = MDB_MAP_RESIZED
    static let panic = MDB_PANIC
    static let corrupted = MDB_CORRUPTED

    /// Whether the file isn't LMDB's, or isn't whole.
    var isCorruption: Bool {
        switch code {
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_INCOMPATIBLE:
            true
        // Deeper than any tree of LMDB's: its pages go round in a circle.
        case MDB_CURSOR_FULL: true
        // A transaction of ours ends with its first fault. This is a second one: LMDB keeps the first to itself where it
        // looks for a table and comes to a damaged page.
        case MDB_BAD_TXN: true
        default: false
        }
    }

    /// The same for whoever asked the store.
    func storeError(path: String) -> StoreError {
        let code: StoreError.Code =
            switch self.code {
            case EACCES, EPERM, EROFS: .denied
            case ENOSPC, EDQUOT, EFBIG: .writeRefused
            case ENOENT, ENOTDIR, EISDIR, ENOTSUP: .cannotCreate
            default: isCorruption ? .corrupt : .unavailable
            }
        let remedy =
            self.code == ENOMEM ? "; the address space (ulimit -v, a container's limit) is too small to map it" : ""
        return StoreError(code, "lmdb://\(path): \(String(cString: mdb_strerror(self.code)))\(remedy)")
    }

    /// Throws unless `code` is success.
    static func check(_ code: CInt) throws(LMDBError) {
        if code != MDB_SUCCESS { throw LMDBError(code: code) }
    }
}
