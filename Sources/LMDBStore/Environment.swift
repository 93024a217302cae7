import CLMDB
import Glibc
import Greylist
import Storage

/// An LMDB environment that grows by itself and, where its file is damaged or foreign, begins anew.
///
/// After it was opened only one thread at a time may use it: the one that serves the store.
final class Environment: @unchecked Sendable {  // guarded by: LMDBStore calls it on its single storage thread alone
    let path: String
    private let report: @Sendable (String) -> Void
    private var file: DatabaseFile?
    private var handle: OpaquePointer?
    private var tables = TableHandles()
    private var mapSize: Int

    init(
        path: String, mapSize: Int, at now: Timestamp, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        self.path = path
        self.mapSize = mapSize
        self.report = report
        let file = try DatabaseFile(path: path)
        let isSound = file.size == 0 || Inspection.passes(path: path, size: file.size)
        self.file = consume file
        if !isSound {
            try beginAnew(at: now)
        } else {
            do throws(LMDBFault) {
                try openHandle()
            } catch {
                guard error.isCorruption else { throw error.error(path: path) }
                try beginAnew(at: now)
            }
        }
    }

    deinit {
        closeHandle()
    }

    /// Runs `body` in a transaction and commits what it wrote.
    ///
    /// `body` runs again after the map has grown.
    func write<Result>(_ body: (inout Transaction) throws(LMDBFault) -> Result) throws(LMDBFault) -> Result {
        while true {
            do throws(LMDBFault) {
                var transaction = try begin()
                let result = try body(&transaction)
                if transaction.isDirty { try transaction.commit() }
                return result
            } catch {
                switch error.code {
                case LMDBFault.mapFull: try grow()
                case LMDBFault.mapResized: try LMDBFault.check(mdb_env_set_mapsize(handle, 0))
                default: throw error
                }
            }
        }
    }

    /// Sets the file aside, loudly, and opens a fresh one.
    private func beginAnew(at now: Timestamp) throws(StoreError) {
        closeHandle()
        guard let name = try file?.setAside(at: now) else {
            preconditionFailure("a database was asked for anything after it was closed")
        }
        file = nil
        report("lmdb://\(path): damaged, or not a database of ours: set aside as \(name); starting with an empty one")
        file = try DatabaseFile(path: path)
        do throws(LMDBFault) { try openHandle() } catch { throw error.error(path: path) }
    }

    /// Mends what can be mended after a transaction failed: a damaged file is set aside, and an environment that LMDB
    /// declared dead (a commit failed half-way) is opened again.
    ///
    /// Any other fault is thrown on.
    func recover(from fault: LMDBFault, at now: Timestamp) throws(StoreError) {
        if fault.isCorruption {
            try beginAnew(at: now)
        } else if fault.code == LMDBFault.panic {
            closeHandle()
            do throws(LMDBFault) { try openHandle() } catch { throw error.error(path: path) }
        } else {
            throw fault.error(path: path)
        }
    }

    /// Closes the environment and lets go of its file.
    func close() {
        closeHandle()
        file = nil
    }

    private func closeHandle() {
        if let handle { mdb_env_close(handle) }
        handle = nil
    }

    private func begin() throws(LMDBFault) -> Transaction {
        guard let handle else { throw LMDBFault(code: LMDBFault.panic) }
        var transaction: OpaquePointer?
        try LMDBFault.check(mdb_txn_begin(handle, nil, 0, &transaction))
        guard let transaction else { preconditionFailure("LMDB began a transaction without giving it") }
        return Transaction(handle: transaction, tables: tables)
    }

    private func grow() throws(LMDBFault) {
        mapSize *= 2
        try LMDBFault.check(mdb_env_set_mapsize(handle, mapSize))
    }

    private func openHandle() throws(LMDBFault) {
        while true {
            do throws(LMDBFault) {
                return try openHandleOnce()
            } catch {
                closeHandle()
                // Little address space (ulimit -v, a small container): a smaller map does, it grows when needed.
                guard error.code == ENOMEM, mapSize > 1 << 26 else { throw error }
                mapSize /= 2
            }
        }
    }

    private func openHandleOnce() throws(LMDBFault) {
        try LMDBFault.check(mdb_env_create(&handle))
        try LMDBFault.check(mdb_env_set_maxdbs(handle, UInt32(Table.allCases.count)))
        try LMDBFault.check(mdb_env_set_mapsize(handle, mapSize))
        let flags = UInt32(MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD)
        try LMDBFault.check(mdb_env_open(handle, path, flags, 0o600))
        try LMDBFault.check(mdb_reader_check(handle, nil))
        let transaction = try begin()
        for table in Table.allCases {
            try LMDBFault.check(
                mdb_dbi_open(transaction.handle, TableHandles.name(of: table), UInt32(MDB_CREATE), &tables[table]))
        }
        try transaction.commit()
    }
}
