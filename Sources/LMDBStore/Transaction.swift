import CLMDB
import Glibc
import Greylist
import Storage

/// The handles of the tables in an environment; nil for one that its file doesn't have.
typealias TableHandles = PerTable<MDB_dbi?>

extension TableHandles {
    /// Handles of no tables.
    init() { self.init(greylist: nil, autoWhitelist: nil, identity: nil) }
}

extension Table {
    /// The table's name in the file; the number is the version of `Record`.
    var storedName: String {
        switch self {
        case .greylist: "greylist.1"
        case .autoWhitelist: "autowhitelist.1"
        case .identity: "identity.1"
        }
    }
}

/// A transaction.
///
/// It is aborted when it goes out of scope without having been committed.
struct Transaction: ~Copyable {
    let handle: OpaquePointer
    var tables: TableHandles
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
    consuming func commit() throws(LMDBError) {
        let handle = handle
        // LMDB frees the transaction whether or not the commit succeeds: it must not be aborted any more.
        discard self
        try LMDBError.check(mdb_txn_commit(handle))
    }

    /// Forgets readers whose processes were killed, and returns how many: the pages that they saw couldn't be used again.
    @discardableResult
    func forgetDeadReaders() throws(LMDBError) -> Int {
        var count: CInt = 0
        try LMDBError.check(mdb_reader_check(mdb_txn_env(handle), &count))
        return Int(count)
    }

    func count(_ table: Table) throws(LMDBError) -> Int {
        let entries = try statistics(of: table).ms_entries
        guard table == .autoWhitelist else { return entries }
        return entries - (try generation() == nil ? 0 : 1)
    }

    /// How many pages have the entries of all tables.
    func leafPages() throws(LMDBError) -> Int {
        var sum = 0
        for table in Table.allCases { sum += try statistics(of: table).ms_leaf_pages }
        return sum
    }

    /// Those of an empty table where the file doesn't have it.
    private func statistics(of table: Table) throws(LMDBError) -> MDB_stat {
        var statistics = MDB_stat()
        if let table = tables[table] { try LMDBError.check(mdb_stat(handle, table, &statistics)) }
        return statistics
    }

    /// The table's handle, to write to.
    private func writable(_ table: Table) -> MDB_dbi {
        guard let table = tables[table] else { preconditionFailure("a database that is written has all tables") }
        return table
    }

    func read(_ key: Key, in table: Table) throws(LMDBError) -> Record? {
        try value(of: key, in: tables[table]).flatMap { Record($0) }
    }

    /// Writes entries in the order of the tree: each is then looked for near the one before.
    mutating func write(_ entries: ArraySlice<WriteBuffer.Entry>) throws(LMDBError) {
        guard !entries.isEmpty else { return }
        isDirty = true
        for table in Table.allCases {
            var cursor: OpaquePointer?
            try LMDBError.check(mdb_cursor_open(handle, writable(table), &cursor))
            defer { mdb_cursor_close(cursor) }
            for entry in entries where entry.slot.table == table {
                var room = MDB_val(mv_size: Record.size, mv_data: nil)
                let code = entry.slot.key.withValue { mdb_cursor_put(cursor, &$0, &room, UInt32(MDB_RESERVE)) }
                try LMDBError.check(code)
                entry.record.write(to: UnsafeMutableRawBufferPointer(start: room.mv_data, count: room.mv_size))
            }
        }
    }

    /// Removes entries, and returns them.
    mutating func remove(_ keys: [Key], from table: Table) throws(LMDBError) -> [Record] {
        var removed: [Record] = []
        for key in keys {
            guard let record = try read(key, in: table) else { continue }
            isDirty = true
            let handle = handle
            let table = writable(table)
            try LMDBError.check(key.withValue { mdb_del(handle, table, &$0, nil) })
            removed.append(record)
        }
        return removed
    }

    /// Which journals the tree has; nil in one that never had any.
    func generation() throws(LMDBError) -> Generation? {
        try value(of: .text(Generation.key), in: tables[.autoWhitelist]).flatMap { Generation($0) }
    }

    mutating func write(_ generation: Generation) throws(LMDBError) {
        generation.write(to: try reserve(.text(Generation.key), in: writable(.autoWhitelist)))
    }

    private func value(of key: Key, in table: MDB_dbi?) throws(LMDBError) -> UnsafeRawBufferPointer? {
        guard let table else { return nil }
        var value = MDB_val()
        let code = key.withValue { mdb_get(handle, table, &$0, &value) }
        if code == LMDBError.notFound { return nil }
        try LMDBError.check(code)
        return UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
    }

    /// Makes room for the value of a key, to be filled before anything else is done.
    private mutating func reserve(_ key: Key, in table: MDB_dbi) throws(LMDBError) -> UnsafeMutableRawBufferPointer {
        isDirty = true
        var value = MDB_val(mv_size: Record.size, mv_data: nil)
        try LMDBError.check(key.withValue { mdb_put(handle, table, &$0, &value, UInt32(MDB_RESERVE)) })
        return UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size)
    }

    /// Visits entries in the order of their keys, from the first one at or after `start`, until `visit` says stop or
    /// the table ends.
    ///
    /// The bytes are valid during the visit.
    mutating func walk(
        _ table: Table, from start: [UInt8]?,
        visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Visit
    ) throws(LMDBError) {
        guard let handle = tables[table] else { return }
        try walk(handle, from: start) { key, value in
            table == .autoWhitelist && Generation.isKey(key) ? .keep : visit(key, value)
        }
    }

    /// The same for the table of any handle.
    mutating func walk(
        _ table: MDB_dbi, from start: [UInt8]?,
        visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Visit
    ) throws(LMDBError) {
        var cursor: OpaquePointer?
        try LMDBError.check(mdb_cursor_open(handle, table, &cursor))
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
                try LMDBError.check(mdb_cursor_del(cursor, 0))
            case .stop: return
            }
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
        }
        if code != LMDBError.notFound { throw LMDBError(code: code) }
    }

    /// Reads a slice of the tree, and of what isn't in it yet.
    ///
    /// - Parameter buffer: takes precedence over what the tree has
    mutating func scan(
        _ table: Table, from cursor: Cursor?, limit: Int, under buffer: WriteBuffer = WriteBuffer()
    ) throws(LMDBError) -> ScannedSlice {
        var slice = ScannedSlice(entries: [], next: nil)
        var newer = buffer.sorted().filter { entry in
            entry.slot.table == table && cursor.map { !entry.slot.key.precedes(.text($0.bytes)) } ?? true
        }[...]
        func add(_ key: Key, _ record: Record?) -> Bool {
            guard slice.entries.count < limit else {
                slice.next = Cursor(key.bytes)
                return false
            }
            if let record { slice.entries.append(Entry(key: key, sighting: record.sighting)) }
            return true
        }
        try walk(table, from: cursor?.bytes) { bytes, value in
            let key = Key(bytes: bytes)
            while let first = newer.first, first.slot.key.precedes(key) {
                guard add(first.slot.key, first.record) else { return .stop }
                newer.removeFirst()
            }
            let isOld = newer.first?.slot.key == key
            guard add(key, isOld ? newer.first?.record : Record(value)) else { return .stop }
            if isOld { newer.removeFirst() }
            return .keep
        }
        while slice.next == nil, let first = newer.popFirst() {
            if !add(first.slot.key, first.record) { break }
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

    /// The key as it is read from the tree again.
    var stored: Key {
        switch self {
        case .text(let text) where text.count > Self.longest: .digest(Digest(of: text.span))
        case .text(let text) where text.count == Digest.size: text.withUnsafeBytes { Key(bytes: $0) }
        default: self
        }
    }

    /// Hands over the bytes that stand for the key in the tree.
    func withStoredBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .digest(let digest): digest.withBytes(body)
        case .text(let text) where text.count <= Self.longest: text.withUnsafeBytes(body)
        case .text(let text): Digest(of: text.span).withBytes(body)
        }
    }

    /// Hands over the key as LMDB wants it, valid during the call.
    fileprivate func withValue(_ body: (inout MDB_val) -> CInt) -> CInt {
        withStoredBytes { bytes in
            var value = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            return body(&value)
        }
    }
}

/// A sighting as it lies in the database: 16 bytes, little-endian: passes (4), first (8, Unix seconds), and 4 that depend:
/// while it is pending, the tag of the client's network (0: unknown), else last (signed seconds after first).
struct Record: BitwiseCopyable {
    private let passes: UInt32
    private let first: Int64
    private let rest: UInt32

    static let size = 16

    init(_ sighting: Sighting, network: UInt32) {
        passes = sighting.passes
        first = sighting.first.seconds
        let age = Int32(clamping: sighting.last.seconds.subtractingReportingOverflow(first).partialValue)
        rest = sighting.isPending ? network : UInt32(bitPattern: age)
    }

    /// The record in these bytes; nil where they can't be one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.size else { return nil }
        passes = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        first = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int64.self))
        rest = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    }

    /// The tag of the network of a pending entry; 0 where it isn't known.
    var network: UInt32 { passes == 0 ? rest : 0 }

    var sighting: Sighting {
        let age = passes == 0 ? 0 : Int64(Int32(bitPattern: rest))
        let last = first.addingReportingOverflow(age).partialValue
        return Sighting(passes: passes, first: Timestamp(seconds: first), last: Timestamp(seconds: last))
    }

    func write(to target: UnsafeMutableRawBufferPointer) {
        target.storeBytes(of: passes.littleEndian, as: UInt32.self)
        target.storeBytes(of: first.littleEndian, toByteOffset: 4, as: Int64.self)
        target.storeBytes(of: rest.littleEndian, toByteOffset: 12, as: UInt32.self)
    }
}

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
