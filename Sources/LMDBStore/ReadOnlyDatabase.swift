import CLMDB
import Glibc
import Storage

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
        var status = stat()
        guard stat(path, &status) == 0 else { throw LMDBError(code: errno) }
        // LMDB would wait for the other end of a pipe.
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { throw LMDBError(code: MDB_INVALID) }
        var handle: OpaquePointer?
        try LMDBError.check(mdb_env_create(&handle))
        guard let handle else { preconditionFailure("LMDB made an environment without giving it") }
        let isRegistered = Self.hasLockFile(path)
        do throws(LMDBError) {
            try LMDBError.check(mdb_env_set_maxdbs(handle, UInt32(Table.allCases.count)))
            try LMDBError.check(mdb_env_set_mapsize(handle, Int(status.st_size) + spareMap))
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
            let flaws = found.flaws(after: before.applied).map(\.sentence)
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
        access(path + "-lock", F_OK) == 0
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
