import CLMDB
import Glibc
import Storage

/// Finds out whether a database file can be used, in a process of its own.
///
/// LMDB trusts its pages, so a damaged file may end whoever reads it. The look is bounded in time; what lies beyond it
/// is met in service, by error or by restart.
enum Inspection {
    /// How long to look, in milliseconds.
    static let limit = 100

    /// Whether the file is an environment of ours, and whole as far as was looked.
    ///
    /// Where no process can be had, the file gets the benefit of the doubt.
    static func passes(path: String, size: Int) -> Bool {
        let child = fork()
        guard child > 0 else {
            if child < 0 { return true }
            becomeExpendable()
            _exit(isSound(path: path, size: size) ? 0 : 1)
        }
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0 {
            if errno != EINTR { return true }
        }
        return status == 0
    }

    /// A crash of this process is a result: no report, no core file.
    private static func becomeExpendable() {
        for number in [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP] { signal(number, SIG_DFL) }
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        let sink = open("/dev/null", O_WRONLY)
        dup2(sink, 2)
        alarm(30)
    }

    private static func isSound(path: String, size: Int) -> Bool {
        let deadline = milliseconds() + limit
        var environment: OpaquePointer?
        guard mdb_env_create(&environment) == MDB_SUCCESS else { return true }
        mdb_env_set_maxdbs(environment, 2)
        mdb_env_set_mapsize(environment, max(size, 1 << 20))
        let flags = MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD
        guard mdb_env_open(environment, path, UInt32(flags), 0o600) == MDB_SUCCESS else { return false }
        var handle: OpaquePointer?
        guard mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &handle) == MDB_SUCCESS, let handle else {
            return false
        }
        var tables = TableHandles()
        var count = 0
        for table in Table.allCases {
            let code = mdb_dbi_open(handle, TableHandles.name(of: table), 0, &tables[table])
            if code == MDB_SUCCESS { count += 1 } else if code != LMDBFault.notFound { return false }
        }
        guard holdsNothingElse(handle, tables: count) else { return false }
        var transaction = Transaction(handle: handle, tables: tables)
        for table in Table.allCases where tables[table] != 0 {
            var isSound = true
            var visited = 0
            do throws(LMDBFault) {
                try transaction.walk(table, from: nil) { _, value in
                    visited += 1
                    isSound = Record(value) != nil
                    let isLate = visited & 1023 == 0 && milliseconds() > deadline
                    return isSound && !isLate ? .keep : .stop
                }
            } catch {
                return false
            }
            if !isSound { return false }
        }
        return true
    }

    /// Whether the environment has our tables and no others: anything else is somebody's own.
    private static func holdsNothingElse(_ transaction: OpaquePointer, tables count: Int) -> Bool {
        var main: MDB_dbi = 0
        guard mdb_dbi_open(transaction, nil, 0, &main) == MDB_SUCCESS else { return false }
        var statistics = MDB_stat()
        guard mdb_stat(transaction, main, &statistics) == MDB_SUCCESS else { return false }
        return statistics.ms_entries == count
    }

    private static func milliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}
