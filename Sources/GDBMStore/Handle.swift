import CGDBM
import Glibc
import Greylist
import Storage

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
    init(_ descriptor: CInt, name: String) throws(GDBMError) {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
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
        guard key.withDatum({ gdbm_delete(database, $0) }) != 0 else { return true }
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
