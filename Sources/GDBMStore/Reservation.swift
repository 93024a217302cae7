import CGDBM
import Glibc

/// Room on the disk for what the next writes may need.
///
/// When a disk gets full in the middle of a write, GNU dbm 1.23 goes on with the write: its directory then leads to
/// buckets that aren't there, and their entries are lost. So a write isn't begun that may not have room.
struct Reservation {
    /// The file may grow to here.
    private var end = 0

    /// The least room: buckets, keys, a small directory.
    private static let least = 1 << 20
    /// The directory, which is now and then rewritten with twice its size, is a smaller part of a file than this.
    private static let part = 16
    /// Blocks are reserved behind the file's end, and its length stays: GNU dbm goes by it.
    private static let keepSize: CInt = 1

    /// Sees to it that there is room.
    mutating func extend(_ descriptor: CInt) throws(GDBMError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw GDBMError(GDBM_FILE_STAT_ERROR, system: errno) }
        let size = Int(status.st_size)
        let need = max(Self.least, size / Self.part)
        if size + need <= end { return }
        try Self.checkSizeLimit(size + 2 * need)
        let code = fallocate(descriptor, Self.keepSize, off_t(size), off_t(2 * need)) == 0 ? 0 : errno
        // Not every file system can do it.
        guard [0, EOPNOTSUPP, ENOSYS, EINTR].contains(code) else {
            throw GDBMError(GDBM_FILE_WRITE_ERROR, system: code)
        }
        end = size + 2 * need
    }

    /// Blocks behind the end don't count for the limit on the length of files; the writes do.
    private static func checkSizeLimit(_ size: Int) throws(GDBMError) {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        if limit.rlim_cur < rlim_t(size) { throw GDBMError(GDBM_FILE_WRITE_ERROR, system: EFBIG) }
    }
}
