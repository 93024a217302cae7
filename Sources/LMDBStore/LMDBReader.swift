import CLMDB
import FileCalls
import Glibc
import NIOConcurrencyHelpers
public import Storage
import SystemPackage

/// Reads the LMDB file of a store that another process may have open and write to all the while.
///
/// Each slice is what the file has at one moment, the next slice what it has a moment later. What the journal of the store
/// has at the beginning, and the file hasn't yet, is read with it. It keeps nobody from opening the file, and makes no
/// file.
///
/// No store of the same process may have the file: LMDB takes a process for one user.
public final class LMDBReader: EntrySource {
    private let path: String
    private let spareMap: Int
    private let journal: ReadOnlyJournal
    /// What is known to be damaged.
    public let flaw: String?
    /// Nil when it is closed.
    private let database: NIOLockedValueBox<ReadOnlyDatabase?>

    /// How often to open the file again for one slice.
    private static let tries = 10

    /// Opens the file, after a check of all of it in a process of its own: LMDB trusts its pages, and what is damaged
    /// would end whoever reads it.
    ///
    /// That check is safe only while there is no other thread.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - isSalvaged: whether to read a damaged file, too, as far as it can be read, and one without a journal that an earlier
    ///     version has left; either is refused otherwise
    public convenience init(path: String, isSalvaged: Bool = false) throws(StoreError) {
        var flaw: String?
        do throws(StoreError) {
            try Journal.refuseFormerFormat(beside: path)
            if !IntegrityCheck.passesForReading(path: path) {
                throw LMDBError(code: MDB_CORRUPTED).storeErrorAtOpen(path: path)
            }
        } catch {
            guard isSalvaged else { throw error }
            flaw = error.description
        }
        try self.init(path: path, spareMap: 1 << 30, flaw: flaw)
        if let flaw = self.flaw, !isSalvaged { throw StoreError(.corrupt, flaw) }
    }

    /// - Parameter spareMap: how much the file may grow before it is opened again, in bytes
    init(path: String, spareMap: Int, flaw: String? = nil) throws(StoreError) {
        self.path = path
        self.spareMap = spareMap
        let opened = try Self.open(path, spareMap: spareMap)
        do throws(LMDBError) {
            journal = try opened.readJournal()
        } catch {
            throw error.storeError(path: path)
        }
        self.flaw = flaw ?? journal.flaw.map { "lmdb://\(path): \($0)" }
        database = NIOLockedValueBox(opened)
    }

    /// Reads a slice; blocks while it does.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        try read { (transaction, buffer) throws(LMDBError) in
            try transaction.scan(table, from: cursor, limit: limit, under: buffer)
        }
    }

    /// How many entries the table has.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        try read { (transaction, buffer) throws(LMDBError) in
            var count = try transaction.count(table)
            for slot in buffer.sorted().map(\.slot) where slot.table == table {
                if try transaction.read(slot.key, in: table) == nil { count += 1 }
            }
            return count
        }
    }

    /// Closes the file.
    public func close() async {
        database.withLockedValue { $0 = nil }
    }

    private func read<Answer>(
        _ body: (inout Transaction, WriteBuffer) throws(LMDBError) -> Answer
    ) throws(StoreError) -> Answer {
        try database.withLockedValue { database in
            Result { () throws(StoreError) in
                for _ in 0..<Self.tries {
                    guard let open = database else { throw StoreError(.unavailable, "lmdb://\(path): is closed") }
                    do throws(LMDBError) {
                        let answer = try open.read { (transaction) throws(LMDBError) in
                            try body(&transaction, journal.buffer(on: transaction))
                        }
                        if open.isCurrent { return answer }
                    } catch {
                        guard error.code == LMDBError.mapResized else { throw error.storeError(path: path) }
                    }
                    // LMDB wants the old one closed first. What can't be opened again stays closed.
                    database = nil
                    database = try Self.open(path, spareMap: spareMap)
                }
                throw StoreError(.unavailable, "lmdb://\(path): keeps changing while it is read")
            }
        }.get()
    }

    /// Opens the file; with less address space to spare where there is little of it (ulimit -v, a small container).
    private static func open(_ path: String, spareMap: Int) throws(StoreError) -> ReadOnlyDatabase {
        var spareMap = spareMap
        while true {
            do throws(LMDBError) {
                return try ReadOnlyDatabase(path: path, spareMap: spareMap)
            } catch {
                guard error.code == ENOMEM, spareMap > 1 << 20 else { throw error.storeErrorAtOpen(path: path) }
                spareMap /= 2
            }
        }
    }
}

extension LMDBError {
    fileprivate func storeErrorAtOpen(path: String) -> StoreError {
        switch code {
        case ENOENT, ENOTDIR: StoreError(.cannotCreate, "lmdb://\(path): file does not exist")
        case _ where isCorruption:
            StoreError(.corrupt, "lmdb://\(path): is not a database of TPRT, or is damaged")
        default: storeError(path: path)
        }
    }
}

/// An LMDB environment that is only read, as long as it is open.
final class ReadOnlyDatabase: @unchecked Sendable {  // guarded by: LMDBReader uses it behind its lock alone
    private let path: String
    private let handle: OpaquePointer
    private let tables: TableHandles
    /// Whether it is one of LMDB's readers, whose pages a writer lets be.
    private let isRegistered: Bool

    /// Opens the file, and makes none.
    ///
    /// Where LMDB has no lock file, nobody has the database open, and none is made: it would belong to whoever reads,
    /// and keep out the user whom the database belongs to.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - spareMap: how much the file may grow before it has to be opened again, in bytes
    init(path: String, spareMap: Int) throws(LMDBError) {
        let status: Stat
        do throws(Errno) { status = try Stat(path) } catch { throw LMDBError(code: error.rawValue) }
        // LMDB would wait for the other end of a pipe.
        guard status.type == .regular, status.size > 0 else { throw LMDBError(code: MDB_INVALID) }
        var handle: OpaquePointer?
        try LMDBError.check(mdb_env_create(&handle))
        guard let handle else { preconditionFailure("LMDB made an environment without giving it") }
        let isRegistered = Self.hasLockFile(path)
        do throws(LMDBError) {
            try LMDBError.check(mdb_env_set_maxdbs(handle, UInt32(Table.allCases.count)))
            try LMDBError.check(mdb_env_set_mapsize(handle, Int(status.size) + spareMap))
            let flags = MDB_NOSUBDIR | MDB_RDONLY | MDB_NOTLS | MDB_NORDAHEAD | (isRegistered ? 0 : MDB_NOLOCK)
            try LMDBError.check(mdb_env_open(handle, path, UInt32(flags), 0o600))
            // Of readers that were killed; their pages couldn't be used again.
            if isRegistered { try LMDBError.check(mdb_reader_check(handle, nil)) }
            tables = try Self.openTables(handle)
        } catch {
            mdb_env_close(handle)
            throw error
        }
        self.path = path
        self.handle = handle
        self.isRegistered = isRegistered
    }

    deinit {
        mdb_env_close(handle)
    }

    /// Whether nobody came who writes while we aren't registered: what was read then may be gone already.
    var isCurrent: Bool { isRegistered || !Self.hasLockFile(path) }

    /// Runs `body` on what the database has at this moment.
    func read<Answer>(_ body: (inout Transaction) throws(LMDBError) -> Answer) throws(LMDBError) -> Answer {
        var transaction = try Self.begin(handle, tables)
        return try body(&transaction)
    }

    /// What the journal has that isn't in the tree at this moment.
    func readJournal() throws(LMDBError) -> ReadOnlyJournal {
        let path = path
        for attempt in 1...Self.tries {
            let before = try read { (transaction) throws(LMDBError) in try transaction.generation() }
            guard let before else { break }
            let found: JournalFindings
            do throws(StoreError) {
                found = try Journal.find(beside: path, of: before.database)
            } catch {
                throw LMDBError(code: error.code == .denied ? EACCES : EIO)
            }
            let after = try read { (transaction) throws(LMDBError) in try transaction.generation() }
            guard after?.applied == before.applied else { continue }
            let flaws = found.flaws(after: before.applied).map(\.message)
            // One that is being written over looks damaged for a moment.
            if !flaws.isEmpty, attempt < Self.triesOfDamaged { continue }
            return ReadOnlyJournal(
                found.contents, on: before, flaw: flaws.isEmpty ? nil : flaws.joined(separator: "; "))
        }
        return ReadOnlyJournal()
    }

    private static let triesOfDamaged = 5

    /// How often to read the journal again, when it was written over meanwhile.
    private static let tries = 100

    private static func hasLockFile(_ path: String) -> Bool {
        FileNames.exists(path + "-lock")
    }

    private static func openTables(_ handle: OpaquePointer) throws(LMDBError) -> TableHandles {
        var tables = TableHandles()
        let transaction = try begin(handle, tables)
        for table in Table.allCases {
            var opened: MDB_dbi = 0
            let code = mdb_dbi_open(transaction.handle, table.storedName, 0, &opened)
            // A store makes all of them when it opens its file; one that an earlier version had open last has no identities.
            if code == LMDBError.notFound, table == .identity { continue }
            try LMDBError.check(code == LMDBError.notFound ? MDB_INVALID : code)
            tables[table] = opened
        }
        try transaction.commit()
        return tables
    }

    private static func begin(_ handle: OpaquePointer, _ tables: TableHandles) throws(LMDBError) -> Transaction {
        var transaction: OpaquePointer?
        try LMDBError.check(mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &transaction))
        guard let transaction else { preconditionFailure("LMDB began a transaction without giving it") }
        return Transaction(handle: transaction, tables: tables)
    }
}

/// What the journal had when reading began.
struct ReadOnlyJournal: Sendable {
    private var buffer = WriteBuffer()
    /// The tree that has all of it.
    private var last: Generation?
    /// What of it is damaged: a sentence.
    let flaw: String?

    init() {
        flaw = nil
    }

    init(_ contents: [JournalContents], on tree: Generation, flaw: String?) {
        self.flaw = flaw
        for journal in contents where journal.header.generation > tree.applied {
            buffer.add(journal.all)
            last = Generation(database: tree.database, applied: journal.header.generation)
        }
    }

    /// What of it the tree may not have.
    func buffer(on tree: borrowing Transaction) throws(LMDBError) -> WriteBuffer {
        guard let last, let generation = try tree.generation(), generation.database == last.database,
            generation.applied < last.applied
        else { return WriteBuffer() }
        return buffer
    }
}
