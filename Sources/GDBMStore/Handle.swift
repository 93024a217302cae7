import CGDBM
import Glibc
import Greylist
import Storage
import SystemPackage

/// An open GNU dbm database; letting go of it closes it.
///
/// Each change is in the file when the call returns, but not necessarily on the disk: a killed process loses none.
final class Handle {
    private let database: OpaquePointer

    /// Opens the file behind a descriptor, or makes a database of an empty one.
    ///
    /// Without a map of the file: what is damaged is then an error. A truncated file that is mapped ends the process by
    /// SIGBUS.
    ///
    /// - Parameter descriptor: it is duplicated, and who has the lock keeps it
    init(_ descriptor: FileDescriptor, name: String) throws(GDBMError) {
        let copy = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw GDBMError(GDBM_FILE_OPEN_ERROR, system: errno) }
        // No function for fatal errors: with one, GNU dbm would end the process after calling it.
        let flags = GDBM_WRCREAT | GDBM_NOLOCK | GDBM_NOMMAP | GDBM_XVERIFY | GDBM_CLOERROR
        lseek(copy, 0, SEEK_SET)
        guard let database = gdbm_fd_open(copy, name, 0, flags, nil) else {
            throw GDBMError(Int(gdbm_errno_location().pointee), system: errno)
        }
        guard gdbm_needs_recovery(database) == 0 else {
            gdbm_close(database)
            throw GDBMError(GDBM_NEED_RECOVERY)
        }
        self.database = database
    }

    deinit {
        gdbm_close(database)
    }

    /// What is known under a key; nil also where that is no text of a sighting.
    func sighting(_ key: Key) throws(GDBMError) -> Sighting? {
        let value = key.withDatum { gdbm_fetch(database, $0) }
        guard let bytes = value.dptr else {
            let fault = GDBMError(database)
            if Int(fault.code) == GDBM_ITEM_NOT_FOUND { return nil }
            throw fault
        }
        defer { free(bytes) }
        return UnsafeRawBufferPointer(start: bytes, count: Int(value.dsize)).withMemoryRebound(to: UInt8.self) {
            LegacyRecord.sighting($0.span)
        }
    }

    func store(_ sighting: Sighting, _ key: Key) throws(GDBMError) {
        var text: [UInt8] = []
        LegacyRecord.append(sighting, to: &text)
        let code = key.withDatum { key in
            text.withDatum { gdbm_store(database, key, $0, GDBM_REPLACE) }
        }
        if code != 0 { throw GDBMError(database) }
    }

    /// Copies an entry as it is.
    func store(_ entry: StoredEntry) throws(GDBMError) {
        let code = entry.key.withDatum { key in
            entry.value.withDatum { gdbm_store(database, key, $0, GDBM_REPLACE) }
        }
        if code != 0 { throw GDBMError(database) }
    }

    /// Removes the entry under a key; returns whether there was one.
    func remove(_ key: [UInt8]) throws(GDBMError) -> Bool {
        try checkRemoval(key.withDatum { gdbm_delete(database, $0) })
    }

    /// The same, under a key as TPRT 0.9.3 spells it.
    func remove(_ key: Key) throws(GDBMError) -> Bool {
        try checkRemoval(key.withDatum { gdbm_delete(database, $0) })
    }

    private func checkRemoval(_ code: CInt) throws(GDBMError) -> Bool {
        guard code != 0 else { return true }
        let fault = GDBMError(database)
        if Int(fault.code) == GDBM_ITEM_NOT_FOUND { return false }
        throw fault
    }

    /// Waits until everything is on the disk.
    func sync() throws(GDBMError) {
        // Not gdbm_sync: that is fsync(2), which also waits for the times in the inode.
        if fdatasync(gdbm_fdesc(database)) != 0 { throw GDBMError(GDBM_FILE_SYNC_ERROR, system: errno) }
    }
}

extension [UInt8] {
    /// Hands over the bytes as GNU dbm wants them, valid during the call.
    fileprivate func withDatum<Result>(_ body: (datum) -> Result) -> Result {
        withUnsafeBytes { $0.withDatum(body) }
    }
}

extension Key {
    /// Hands over the key as TPRT 0.9.3 spells it, valid during the call.
    fileprivate func withDatum<Result>(_ body: (datum) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: spellingCount, alignment: 1) { buffer in
            var count = 0
            spell { byte in
                buffer[count] = byte
                count += 1
            }
            return UnsafeRawBufferPointer(buffer).withDatum(body)
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func withDatum<Result>(_ body: (datum) -> Result) -> Result {
        // A datum without an address is an error, even an empty one.
        guard let baseAddress, count > 0 else {
            return withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { buffer in
                body(datum(dptr: buffer.baseAddress?.assumingMemoryBound(to: CChar.self), dsize: 0))
            }
        }
        let bytes = UnsafeMutableRawPointer(mutating: baseAddress).assumingMemoryBound(to: CChar.self)
        return body(datum(dptr: bytes, dsize: CInt(clamping: count)))
    }
}

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
        let cause = system == 0 ? "" : ": \(Errno(rawValue: system))"
        return StoreError(code, "\(url): \(String(cString: gdbm_strerror(self.code)))\(cause)")
    }
}

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
    mutating func extend(_ descriptor: FileDescriptor) throws(GDBMError) {
        let size: Int
        do throws(Errno) {
            size = Int(try Stat(descriptor).size)
        } catch {
            throw GDBMError(GDBM_FILE_STAT_ERROR, system: error.rawValue)
        }
        let need = max(Self.least, size / Self.part)
        if size + need <= end { return }
        try Self.checkSizeLimit(size + 2 * need)
        let code = fallocate(descriptor.rawValue, Self.keepSize, off_t(size), off_t(2 * need)) == 0 ? 0 : errno
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
