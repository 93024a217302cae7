import CLMDB
import Glibc
import Storage

/// What the process of an inspection does: it reads the file as LMDB does, and may die of it.
struct Look {
    /// What came of it.
    enum Finding {
        case damage, none
    }

    /// Until when to look, in milliseconds; nil to look at all there is.
    private let deadline: Int?
    private let parent: pid_t
    private var visited = 0

    /// Looks at the file.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - size: its length
    ///   - limit: how long to look, in milliseconds; nil to look through all of it
    ///   - parent: for whom to look; without it the process ends
    static func finds(path: String, size: Int, limit: Int?, parent: pid_t) -> Finding {
        do throws(LMDBFault) {
            let (environment, pages, isShort) = try open(path: path, size: size)
            var look = Look(limit: isShort ? nil : limit, parent: parent)
            return try look.isSound(environment, pages: pages) ? .none : .damage
        } catch {
            // Too little memory, no right to read, a disk that fails: nothing of it says that the file is damaged.
            return error.isCorruption ? .damage : .none
        }
    }

    private init(limit: Int?, parent: pid_t) {
        deadline = limit.map { Self.milliseconds() + $0 }
        self.parent = parent
        if limit == nil { alarm(Inspection.longest) }
    }

    /// Opens the file to read; gives its number of pages and whether it is too short for them.
    ///
    /// A short file is no proof of damage: LMDB may leave pages at its end unwritten that it freed at once.
    private static func open(path: String, size: Int) throws(LMDBFault) -> (OpaquePointer, pages: UInt, isShort: Bool) {
        var environment: OpaquePointer?
        try LMDBFault.check(mdb_env_create(&environment))
        guard let environment else { preconditionFailure("LMDB made an environment without giving it") }
        try LMDBFault.check(mdb_env_set_maxdbs(environment, UInt32(Table.allCases.count)))
        try LMDBFault.check(mdb_env_set_mapsize(environment, max(size, 1 << 20)))
        let flags = MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD
        try LMDBFault.check(mdb_env_open(environment, path, UInt32(flags), 0o600))
        var info = MDB_envinfo()
        var statistics = MDB_stat()
        try LMDBFault.check(mdb_env_info(environment, &info))
        try LMDBFault.check(mdb_env_stat(environment, &statistics))
        let pages = UInt(info.me_last_pgno) &+ 1
        let (length, isTooMuch) = pages.multipliedReportingOverflow(by: UInt(statistics.ms_psize))
        return (environment, pages, isTooMuch || length > UInt(size))
    }

    private mutating func isSound(_ environment: OpaquePointer, pages: UInt) throws(LMDBFault) -> Bool {
        var handle: OpaquePointer?
        try LMDBFault.check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &handle))
        guard let handle else { preconditionFailure("LMDB began a transaction without giving it") }
        var tables = TableHandles()
        var present: [MDB_dbi] = []
        for table in Table.allCases {
            let code = mdb_dbi_open(handle, TableHandles.name(of: table), 0, &tables[table])
            if code == LMDBFault.notFound { continue }
            try LMDBFault.check(code)
            present.append(tables[table])
        }
        guard try Self.entriesOfMain(handle) == present.count else { return false }
        var transaction = Transaction(handle: handle, tables: tables)
        for table in present {
            guard try isSound(table, in: &transaction, { Record($0) != nil }) else { return false }
        }
        return try isSound(Self.freePages, in: &transaction) { FreePages.isOne($0, pages: pages) }
    }

    /// LMDB's own table of the pages that are free.
    private static let freePages: MDB_dbi = 0

    /// Whether all values of the table are what they ought to be, as far as there is time to look.
    private mutating func isSound(
        _ table: MDB_dbi, in transaction: inout Transaction, _ isOne: (UnsafeRawBufferPointer) -> Bool
    ) throws(LMDBFault) -> Bool {
        var isSound = true
        try transaction.walk(table, from: nil) { _, value in
            isSound = isOne(value)
            return isSound && !isOver() ? .keep : .stop
        }
        return isSound
    }

    private mutating func isOver() -> Bool {
        visited += 1
        guard visited & 1023 == 0 else { return false }
        if getppid() != parent { _exit(0) }
        return deadline.map { Self.milliseconds() >= $0 } ?? false
    }

    /// How many tables there are: any other than ours is somebody's own.
    private static func entriesOfMain(_ transaction: OpaquePointer) throws(LMDBFault) -> Int {
        var main: MDB_dbi = 0
        try LMDBFault.check(mdb_dbi_open(transaction, nil, 0, &main))
        var statistics = MDB_stat()
        try LMDBFault.check(mdb_stat(transaction, main, &statistics))
        return Int(clamping: statistics.ms_entries)
    }

    private static func milliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}
