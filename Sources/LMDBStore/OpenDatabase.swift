import CLMDB
import CMapGuard
import FileCalls
import Glibc
import Storage
import SystemPackage

/// An LMDB environment with its tables, as long as it is open; going out of scope closes it.
struct OpenDatabase: ~Copyable {
    /// The address space that it takes.
    private(set) var mapSize: Int
    /// Which database it is, and which journals it had when it was opened.
    let generation: Generation
    private let handle: OpaquePointer
    private let tables: TableHandles
    private let path: String
    /// Of the maps of the file, and of that of LMDB's lock file.
    private var guards: MapGuard
    private let lockGuard: MapGuard

    /// The smallest map to open with, unless the file is larger.
    private static let smallestMap = 1 << 26

    /// Opens the file with a map of that size, or a smaller one where there is little address space (ulimit -v, a small
    /// container): it grows when needed.
    ///
    /// - Parameter adopted: the number of a fresh database, so that it has the journals that are there; nil for a new one
    static func open(
        path: String, mapSize: Int, fileSize: Int, adopting adopted: UInt64?
    ) throws(LMDBError) -> OpenDatabase {
        let smallest = min(mapSize, max(smallestMap, fileSize))
        var size = mapSize
        while true {
            do throws(LMDBError) {
                return try OpenDatabase(path: path, mapSize: size, adopting: adopted)
            } catch {
                guard error.code == ENOMEM, size > smallest else { throw error }
                size = max(size / 2, smallest)
            }
        }
    }

    private init(path: String, mapSize: Int, adopting adopted: UInt64?) throws(LMDBError) {
        var handle: OpaquePointer?
        try LMDBError.check(mdb_env_create(&handle))
        guard let handle else { preconditionFailure("LMDB made an environment without giving it") }
        do throws(LMDBError) {
            (tables, generation) = try Self.open(handle, path: path, mapSize: mapSize, adopting: adopted)
        } catch {
            mdb_env_close(handle)
            throw error
        }
        self.handle = handle
        self.mapSize = mapSize
        self.path = path
        guards = MapGuard(of: path)
        lockGuard = MapGuard(of: path + "-lock")
        // LMDB takes more than it was told where the file needs it.
        var info = MDB_envinfo()
        if mdb_env_info(handle, &info) == MDB_SUCCESS { self.mapSize = Int(clamping: info.me_mapsize) }
    }

    deinit {
        // The guards are removed after it: LMDB uses its maps until their end.
        mdb_env_close(handle)
    }

    /// Whether a map was found to be longer than its file: what was read from it is worth nothing.
    ///
    /// A lock file that is gone is LMDB's own state; it has to be opened again, too.
    func checkMaps() throws(LMDBError) {
        if guards.hasFired { throw LMDBError(code: MDB_CORRUPTED) }
        if lockGuard.hasFired { throw LMDBError(code: LMDBError.panic) }
    }

    /// Begins a transaction that may write.
    func begin() throws(LMDBError) -> Transaction {
        try Self.begin(handle, tables)
    }

    /// Begins a transaction that only reads, while another thread may write.
    func beginReading() throws(LMDBError) -> Transaction {
        try Self.begin(handle, tables, flags: MDB_RDONLY)
    }

    /// Begins transactions on another thread, as long as the environment is open and keeps its map.
    var writer: TreeWriter { TreeWriter(handle: handle, tables: tables) }

    /// Maps the file again, with at least what it needs by now.
    ///
    /// LMDB unmaps first. After a failure nothing but closing is safe.
    mutating func remap(to size: Int) throws(LMDBError) {
        try LMDBError.check(mdb_env_set_mapsize(handle, size))
        mapSize = size
        guards = MapGuard(of: path)
    }

    private static func open(
        _ handle: OpaquePointer, path: String, mapSize: Int, adopting adopted: UInt64?
    ) throws(LMDBError) -> (TableHandles, Generation) {
        try LMDBError.check(mdb_env_set_maxdbs(handle, UInt32(Table.allCases.count)))
        try LMDBError.check(mdb_env_set_mapsize(handle, mapSize))
        let flags = UInt32(MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD)
        try LMDBError.check(mdb_env_open(handle, path, flags, 0o600))
        try LMDBError.check(mdb_reader_check(handle, nil))
        var tables = TableHandles()
        var transaction = try begin(handle, tables)
        for table in Table.allCases {
            var opened: MDB_dbi = 0
            try LMDBError.check(mdb_dbi_open(transaction.handle, table.storedName, UInt32(MDB_CREATE), &opened))
            tables[table] = opened
        }
        transaction.tables = tables
        let known = try transaction.generation()
        let generation = known ?? adopted.map { Generation(database: $0, applied: 0) } ?? Generation()
        if known == nil { try transaction.write(generation) }
        try transaction.commit()
        return (tables, generation)
    }

    fileprivate static func begin(
        _ handle: OpaquePointer, _ tables: TableHandles, flags: CInt = 0
    ) throws(LMDBError) -> Transaction {
        var transaction: OpaquePointer?
        try LMDBError.check(mdb_txn_begin(handle, nil, UInt32(flags), &transaction))
        guard let transaction else { preconditionFailure("LMDB began a transaction without giving it") }
        return Transaction(handle: transaction, tables: tables)
    }
}

/// Writes the tree from another thread than the one that reads it.
struct TreeWriter: @unchecked Sendable {  // guarded by: LMDB; WriteBehind waits for it before it closes
    fileprivate let handle: OpaquePointer
    fileprivate let tables: TableHandles

    /// Entries in a transaction at least; in a large tree nearly each of them has a page of its own.
    ///
    /// LMDB has those pages in memory, and writes them to others, which are free again two transactions later: so this
    /// bounds both, 8 MB of memory and some 16 MB of the file.
    private static let slice = 2_048
    /// In a small tree many entries share a page, and a transaction takes what is in so many.
    private static let pages = 512

    /// Writes what isn't in the tree yet, in transactions that are synced.
    ///
    /// - Parameters:
    ///   - batch: is written as a whole or not at all
    ///   - generation: is written in the last transaction, with the batch
    func write(_ buffer: WriteBuffer, _ batch: WriteBuffer, _ generation: Generation) throws(LMDBError) {
        var rest = buffer.sorted()[...]
        var count = 0
        while true {
            var transaction = try OpenDatabase.begin(handle, tables)
            if count == 0 { count = try Self.entries(of: rest.count, in: transaction) }
            try transaction.write(rest.prefix(count))
            rest = rest.dropFirst(count)
            if rest.isEmpty {
                try transaction.write(batch.sorted()[...])
                try transaction.write(generation)
                return try transaction.commit()
            }
            try transaction.commit()
        }
    }

    /// How many of so many entries go into a transaction.
    private static func entries(of count: Int, in transaction: borrowing Transaction) throws(LMDBError) -> Int {
        // A page of the tree has room for 40 entries at least, and is half full at worst.
        let touched = min(count, try transaction.leafPages() + count / 20)
        return max(slice, count / (touched / pages + 1) + 1)
    }
}

/// Which journals a tree has taken in already.
///
/// It lies in the tree, and changes in the very commit that takes one in.
/// It is an entry among those of the auto-whitelist, 16 bytes like all of them: a table of its own would make versions of
/// TPRT that know of no journal take the file for somebody else's.
struct Generation: BitwiseCopyable {
    /// Tells this database from every other.
    let database: UInt64
    /// The last journal that the tree has; those of later generations are still to be replayed.
    var applied: UInt64

    /// No network begins so, and so no key of a client.
    static let key = Array("\0tprt journal".utf8)

    /// Whether this is the key of the generation, and of no entry.
    static func isKey(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count == key.count && bytes.elementsEqual(key)
    }

    init(database: UInt64, applied: UInt64) {
        (self.database, self.applied) = (database, applied)
    }

    /// That of a fresh database.
    init() {
        database = .random(in: 1 ... .max)
        applied = 0
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Record.size else { return nil }
        database = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        applied = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    func write(to target: UnsafeMutableRawBufferPointer) {
        target.storeBytes(of: database.littleEndian, as: UInt64.self)
        target.storeBytes(of: applied.littleEndian, toByteOffset: 8, as: UInt64.self)
    }
}

/// Has reads of a mapped file go on where somebody truncates it, and knows that it happened.
///
/// LMDB doesn't say where it has mapped its files; the kernel does. Where `/proc` isn't there the file goes unguarded.
struct MapGuard: ~Copyable {
    private let slots: [CInt]

    /// Guards all maps that this process has of the file.
    init(of path: String) {
        slots = Self.ranges(of: path).map {
            tprt_guard_add(UnsafeRawPointer(bitPattern: $0.lowerBound), Int($0.upperBound - $0.lowerBound))
        }
    }

    deinit {
        for slot in slots { tprt_guard_remove(slot) }
    }

    /// Whether anything was read that isn't there: what came of it is worth nothing.
    var hasFired: Bool {
        slots.contains { tprt_guard_has_fired($0) != 0 }
    }

    /// Lines of `/proc/self/maps` are `START-END RIGHTS OFFSET DEVICE INODE   PATH`.
    private static func ranges(of path: String) -> [Range<UInt>] {
        guard let status = try? Stat(path), let maps = try? FileDescriptor.contents(of: "/proc/self/maps") else {
            return []
        }
        // Not the device: some file systems show another one here than to stat(2).
        let (inode, name) = ("\(status.inode.rawValue)", path.split(separator: "/").last ?? "")
        return String(decoding: maps, as: UTF8.self).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count == 6, fields[4] == inode, fields[5].hasSuffix(name) else { return nil }
            let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { return nil }
            return ends[0]..<ends[1]
        }
    }
}
