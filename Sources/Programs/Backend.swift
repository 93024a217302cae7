public import Greylist
import LMDBStore
import RedisStore
public import Storage

/// Opens stores by their location: the only place that knows them all.
public struct Backend: Sendable {
    /// What every key in Redis begins with.
    public var keyPrefix: String
    /// For how many seconds an instance that maintains a Redis keeps all others from it; nil: for none.
    public var maintenanceLease: Int64?
    private let now: @Sendable () -> Timestamp
    private let report: @Sendable (String) -> Void

    /// Opens stores with these terms.
    ///
    /// - Parameters:
    ///   - now: the clock, for the names of files that are set aside
    ///   - report: takes a sentence for the log; called on any thread
    public init(
        keyPrefix: String = "", maintenanceLease: Int64? = nil, now: @escaping @Sendable () -> Timestamp,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.keyPrefix = keyPrefix
        self.maintenanceLease = maintenanceLease
        self.now = now
        self.report = report
    }

    /// Opens a store; makes its file if need be.
    ///
    /// An LMDB file is looked at in a forked process, which is safe only while there is no other thread: open that
    /// first.
    public func open(_ location: StoreLocation) throws(StoreError) -> any Store {
        switch location {
        case .memory: return MemoryStore()
        case .lmdb(let path): return try LMDBStore(path: path, at: now(), report: report)
        case .gdbm: throw StoreError(.cannotCreate, "this version has no GNU dbm store")
        case .redis(let location):
            var terms = RedisStore.Terms()
            terms.keyPrefix = keyPrefix
            terms.maintenanceLease = maintenanceLease
            let store = try RedisStore(location, terms: terms, report: report)
            store.connect()
            return store
        }
    }
}
