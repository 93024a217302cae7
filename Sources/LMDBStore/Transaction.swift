import CLMDB
import Greylist
import Storage

/// The handles of the two tables in an environment.
struct TableHandles {
    var greylist: MDB_dbi = 0
    var autoWhitelist: MDB_dbi = 0

    /// Under these names the tables lie in the file; the number is the version of `Record`.
    static func name(of table: Table) -> String {
        switch table {
        case .greylist: "greylist.1"
        case .autoWhitelist: "autowhitelist.1"
        }
    }

    subscript(table: Table) -> MDB_dbi {
        get { table == .greylist ? greylist : autoWhitelist }
        set { if table == .greylist { greylist = newValue } else { autoWhitelist = newValue } }
    }
}

/// A transaction.
///
/// It is aborted when it goes out of scope without having been committed.
struct Transaction: ~Copyable {
    let handle: OpaquePointer
    private let tables: TableHandles
    /// Whether anything was written; a commit without it costs nothing.
    private(set) var isDirty = false

    init(handle: OpaquePointer, tables: TableHandles) {
        self.handle = handle
        self.tables = tables
    }

    deinit {
        mdb_txn_abort(handle)
    }

    /// Makes everything durable, or nothing; either way the transaction is over.
    consuming func commit() throws(LMDBFault) {
        let handle = handle
        // LMDB frees the transaction whether or not the commit succeeds: it must not be aborted any more.
        discard self
        try LMDBFault.check(mdb_txn_commit(handle))
    }

    /// Forgets readers whose processes were killed, and returns how many: the pages that they saw couldn't be used again.
    @discardableResult
    func forgetDeadReaders() throws(LMDBFault) -> Int {
        var count: CInt = 0
        try LMDBFault.check(mdb_reader_check(mdb_txn_env(handle), &count))
        return Int(count)
    }

    func count(_ table: Table) throws(LMDBFault) -> Int {
        var statistics = MDB_stat()
        try LMDBFault.check(mdb_stat(handle, tables[table], &statistics))
        return statistics.ms_entries
    }

    func read(_ key: Key, in table: Table) throws(LMDBFault) -> Record? {
        var value = MDB_val()
        let code = key.withValue { mdb_get(handle, tables[table], &$0, &value) }
        if code == LMDBFault.notFound { return nil }
        try LMDBFault.check(code)
        return Record(UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
    }

    mutating func write(_ record: Record, _ key: Key, in table: Table) throws(LMDBFault) {
        isDirty = true
        var value = MDB_val(mv_size: Record.size, mv_data: nil)
        let code = key.withValue { mdb_put(handle, tables[table], &$0, &value, UInt32(MDB_RESERVE)) }
        try LMDBFault.check(code)
        record.write(to: UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size))
    }

    /// Visits entries in the order of their keys, from the first one at or after `start`, until `visit` says stop or
    /// the table ends.
    ///
    /// The bytes are valid during the visit.
    mutating func walk(
        _ table: Table, from start: [UInt8]?,
        visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Visit
    ) throws(LMDBFault) {
        try walk(tables[table], from: start, visit: visit)
    }

    /// The same for the table of any handle.
    mutating func walk(
        _ table: MDB_dbi, from start: [UInt8]?,
        visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Visit
    ) throws(LMDBFault) {
        var cursor: OpaquePointer?
        try LMDBFault.check(mdb_cursor_open(handle, table, &cursor))
        defer { mdb_cursor_close(cursor) }
        var key = MDB_val()
        var value = MDB_val()
        var code: CInt
        if let start {
            code = start.withUnsafeBytes { bytes in
                key = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
                return mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
            }
        } else {
            code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
        }
        while code == MDB_SUCCESS {
            let step = visit(
                UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size),
                UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
            switch step {
            case .keep: break
            case .remove:
                isDirty = true
                try LMDBFault.check(mdb_cursor_del(cursor, 0))
            case .stop: return
            }
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
        }
        if code != LMDBFault.notFound { throw LMDBFault(code: code) }
    }

    /// Reads a slice.
    mutating func scan(_ table: Table, from cursor: Cursor?, limit: Int) throws(LMDBFault) -> ScannedSlice {
        var slice = ScannedSlice(entries: [], next: nil)
        try walk(table, from: cursor?.bytes) { key, value in
            guard slice.entries.count < limit else {
                slice.next = Cursor(Array(key))
                return .stop
            }
            if let record = Record(value) {
                slice.entries.append(Entry(key: Key(bytes: key), sighting: record.sighting))
            }
            return .keep
        }
        return slice
    }

    /// What becomes of a visited entry, and of the walk.
    enum Visit {
        case keep, remove, stop
    }
}

extension Key {
    /// LMDB's longest key; a longer text is kept under its digest.
    private static let longest = 511

    /// Hands over the key as LMDB wants it, valid during the call.
    fileprivate func withValue(_ body: (inout MDB_val) -> CInt) -> CInt {
        func call(_ bytes: UnsafeRawBufferPointer) -> CInt {
            var value = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            return body(&value)
        }
        switch self {
        case .digest(let digest): return digest.withBytes(call)
        case .text(let text) where text.count <= Self.longest: return text.withUnsafeBytes(call)
        case .text(let text): return Digest(of: text.span).withBytes(call)
        }
    }
}
