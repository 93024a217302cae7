import CLMDB
import Glibc
import NIOConcurrencyHelpers
public import Storage

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
        case ENOENT, ENOTDIR: StoreError(.cannotCreate, "lmdb://\(path): there is no such file")
        case _ where isCorruption:
            StoreError(.corrupt, "lmdb://\(path): is not a database of TPRT, or is damaged")
        default: storeError(path: path)
        }
    }
}
