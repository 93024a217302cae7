import CLMDB
import Glibc
import Storage

/// What the process of an integrity check does: it reads the file as LMDB does, and may die of it.
struct FileScan {
    /// What came of it.
    enum Finding {
        case damage, none
    }

    /// The file.
    let path: String
    /// Its length.
    let size: Int
    /// How long to scan, in milliseconds; nil to scan all of it.
    var limit: Int?
    /// How many seconds a scan without a limit may take for a thousand entries; one that takes longer is stuck.
    var patience: CUnsignedInt = 10
    /// Whether to find each entry by its key, too, and to compare what is there with what LMDB counts.
    var isThorough = false
    /// Whether others may write to the file meanwhile: they are told which pages are being read.
    var isShared = false

    /// How much a file may grow between reading its length and reading its pages.
    private static let spareMap = 1 << 28

    /// Scans the file.
    ///
    /// - Parameter parent: for whom to scan; without it the process ends
    func finds(parent: pid_t) -> Finding {
        do throws(LMDBError) {
            if isThorough, !MetaPages.agree(at: path) { return .damage }
            var walk = ScanWalk(parent: parent, isThorough: isThorough, patience: limit == nil ? patience : nil)
            return try isSound(try open(), &walk) ? .none : .damage
        } catch {
            // Too little memory, no right to read, a disk that fails: nothing of it says that the file is damaged.
            return error.isCorruption ? .damage : .none
        }
    }

    private func open() throws(LMDBError) -> OpaquePointer {
        var environment: OpaquePointer?
        try LMDBError.check(mdb_env_create(&environment))
        guard let environment else { preconditionFailure("LMDB made an environment without giving it") }
        try LMDBError.check(mdb_env_set_maxdbs(environment, UInt32(Table.allCases.count)))
        try LMDBError.check(mdb_env_set_mapsize(environment, max(size, 1 << 20) + (isShared ? Self.spareMap : 0)))
        let flags = MDB_NOSUBDIR | MDB_RDONLY | MDB_NOTLS | MDB_NORDAHEAD | (isShared ? 0 : MDB_NOLOCK)
        try LMDBError.check(mdb_env_open(environment, path, UInt32(flags), 0o600))
        return environment
    }

    private func isSound(_ environment: OpaquePointer, _ walk: inout ScanWalk) throws(LMDBError) -> Bool {
        var handle: OpaquePointer?
        try LMDBError.check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &handle))
        guard let handle else { preconditionFailure("LMDB began a transaction without giving it") }
        // After the beginning, so that there are no fewer than the transaction sees.
        let (pages, isShort) = try pages(of: environment)
        walk.deadline = isShort ? nil : limit.map { ScanWalk.milliseconds() + $0 }
        var tables = TableHandles()
        var present: [MDB_dbi] = []
        for table in Table.allCases {
            var opened: MDB_dbi = 0
            let code = mdb_dbi_open(handle, table.storedName, 0, &opened)
            if code == LMDBError.notFound { continue }
            try LMDBError.check(code)
            tables[table] = opened
            present.append(opened)
        }
        guard try Self.entriesOfMain(handle) == present.count else { return false }
        var transaction = Transaction(handle: handle, tables: tables)
        for table in present { guard try walk.isSound(table, in: &transaction) else { return false } }
        return try walk.areFreePages(Self.freePages, in: &transaction, pages: pages)
    }

    /// How many pages there are, and whether the file is too short for them.
    ///
    /// A short file is no proof of damage: LMDB may leave pages at its end unwritten that it freed at once.
    private func pages(of environment: OpaquePointer) throws(LMDBError) -> (count: UInt, isShort: Bool) {
        var info = MDB_envinfo()
        var statistics = MDB_stat()
        try LMDBError.check(mdb_env_info(environment, &info))
        try LMDBError.check(mdb_env_stat(environment, &statistics))
        let pages = UInt(info.me_last_pgno) &+ 1
        let (length, isTooMuch) = pages.multipliedReportingOverflow(by: UInt(statistics.ms_psize))
        return (pages, isTooMuch || length > UInt(size))
    }

    /// LMDB's own table of the pages that are free.
    private static let freePages: MDB_dbi = 0

    /// How many tables there are: any other than ours is somebody's own.
    private static func entriesOfMain(_ transaction: OpaquePointer) throws(LMDBError) -> Int {
        var main: MDB_dbi = 0
        try LMDBError.check(mdb_dbi_open(transaction, nil, 0, &main))
        var statistics = MDB_stat()
        try LMDBError.check(mdb_stat(transaction, main, &statistics))
        return Int(clamping: statistics.ms_entries)
    }
}

/// The walk of a scan through the entries of a file.
struct ScanWalk {
    let parent: pid_t
    let isThorough: Bool
    /// Until when to scan, in milliseconds; nil to scan all there is.
    var deadline: Int?
    private let patience: CUnsignedInt?
    private var visited = 0

    /// - Parameter patience: how many seconds a thousand entries may take; nil where the scan ends by itself
    init(parent: pid_t, isThorough: Bool, patience: CUnsignedInt?) {
        (self.parent, self.isThorough, self.patience) = (parent, isThorough, patience)
    }

    /// Whether all entries of a table are what they ought to be, as far as there is time.
    mutating func isSound(_ table: MDB_dbi, in transaction: inout Transaction) throws(LMDBError) -> Bool {
        var isSound = true
        var count = 0
        var isCutShort = false
        var last: [UInt8] = []
        let handle = transaction.handle
        try transaction.walk(table, from: nil) { key, value in
            isSound = Record(value) != nil && (count == 0 || last.precede(key))
            if isSound, isThorough { isSound = Self.leads(key, to: value, of: table, in: handle) }
            last.removeAll(keepingCapacity: true)
            last.append(contentsOf: key)
            count += 1
            isCutShort = isOver()
            return isSound && !isCutShort ? .keep : .stop
        }
        guard isThorough, isSound, !isCutShort else { return isSound }
        var statistics = MDB_stat()
        try LMDBError.check(mdb_stat(handle, table, &statistics))
        return Int(clamping: statistics.ms_entries) == count
    }

    /// Whether the lists of free pages are such lists, as far as there is time.
    mutating func areFreePages(
        _ table: MDB_dbi, in transaction: inout Transaction, pages: UInt
    ) throws(LMDBError) -> Bool {
        var isSound = true
        try transaction.walk(table, from: nil) { _, value in
            isSound = FreePages.isOne(value, pages: pages)
            return isSound && !isOver() ? .keep : .stop
        }
        return isSound
    }

    /// Whether the key is found from the root, too, and leads to the same value.
    private static func leads(
        _ key: UnsafeRawBufferPointer, to value: UnsafeRawBufferPointer, of table: MDB_dbi,
        in transaction: OpaquePointer
    ) -> Bool {
        var wanted = MDB_val(mv_size: key.count, mv_data: UnsafeMutableRawPointer(mutating: key.baseAddress))
        var found = MDB_val()
        guard mdb_get(transaction, table, &wanted, &found) == MDB_SUCCESS else { return false }
        return found.mv_data.map { UnsafeRawPointer($0) } == value.baseAddress
    }

    private mutating func isOver() -> Bool {
        visited += 1
        guard visited & 1023 == 0 else { return false }
        if getppid() != parent { _exit(0) }
        if let patience { alarm(patience) }
        return deadline.map { Self.milliseconds() >= $0 } ?? false
    }

    static func milliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}

extension [UInt8] {
    /// Whether LMDB has them before that key.
    fileprivate func precede(_ key: UnsafeRawBufferPointer) -> Bool {
        lexicographicallyPrecedes(key)
    }
}
