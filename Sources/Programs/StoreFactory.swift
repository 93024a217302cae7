public import FileStorage
import GDBMStore
public import Greylist
import LMDBStore
import RedisStore
public import Storage
public import StoreURLs
import SystemPackage
public import TrustedFiles

/// Opens stores by their location: the only place that knows them all.
public struct StoreFactory: Sendable {
    /// What every key in Redis begins with.
    public var keyPrefix: String
    /// Whether the keys of the auto-whitelist have a prefix of their own in Redis, also without a `keyPrefix`.
    public var separatesTables = false
    /// For how many seconds an instance that maintains a Redis keeps all others from it; nil: for none.
    public var maintenanceLease: Int64?
    /// After what time an answer of an LMDB store is on disk; nil: before it is given.
    ///
    /// The other stores ignore it.
    public var syncInterval: Duration?
    /// Which boot this is: after a kill in the same one, an LMDB file isn't checked as a whole; nil where that is unknown.
    private let boot: BootID?
    private var accesses: [RedisLocation: RedisAccess] = [:]
    private let now: @Sendable () -> Timestamp
    private let report: @Sendable (String) -> Void

    /// Opens stores with these options.
    ///
    /// - Parameters:
    ///   - syncInterval: after what time an answer of an LMDB store is on disk; nil: before it is given
    ///   - boot: which boot this is; nil where that is unknown, or no store is written
    ///   - now: the clock, for the names of files that are quarantined
    ///   - report: takes a sentence for the log; called on any thread
    public init(
        keyPrefix: String = "", maintenanceLease: Int64? = nil, syncInterval: Duration? = nil,
        boot: BootID? = nil, now: @escaping @Sendable () -> Timestamp, report: @escaping @Sendable (String) -> Void
    ) {
        self.keyPrefix = keyPrefix
        self.maintenanceLease = maintenanceLease
        self.syncInterval = syncInterval
        self.boot = boot
        self.now = now
        self.report = report
    }

    /// Reads the files that a location names (passwords, certificates), so that the store can be opened where they can't
    /// be reached; starts no thread.
    public mutating func load(_ location: StoreLocation) throws(StoreError) {
        guard case .redis(let location) = location else { return }
        accesses[location] = try RedisAccess(location, report: report)
    }

    /// Opens the stores of the tables; one for those that are in the same database.
    ///
    /// - Parameters:
    ///   - autoWhitelist: nil while the auto-whitelist is off
    ///   - identity: nil while nobody is known by an identity
    public func open(
        greylist: StoreLocation, autoWhitelist: StoreLocation?, identity: StoreLocation?
    ) throws(StoreError) -> any Store {
        var opened: [(location: StoreLocation, table: Table)] = [(greylist, .greylist)]
        var places = PerTable { _ in 0 }
        for (table, location) in [(Table.autoWhitelist, autoWhitelist), (.identity, identity)] {
            guard let location else { continue }
            if let index = opened.firstIndex(where: { $0.location == location }) {
                if case .gdbm(let path) = location { throw GDBMStore.holdsOneTable(path: path) }
                places[table] = index
            } else {
                places[table] = opened.count
                opened.append((location, table))
            }
        }
        // A look at an LMDB file wants to be the first thing that happens.
        var stores = [(any Store)?](repeating: nil, count: opened.count)
        for isLMDB in [true, false] {
            for (index, place) in opened.enumerated() where place.location.isLMDB == isLMDB {
                stores[index] = try open(place.location, holding: place.table)
            }
        }
        let all = stores.compactMap { $0 }
        return all.count == 1 ? all[0] : JoinedStore(all, places: places)
    }

    /// Opens a store; makes its file if need be.
    ///
    /// An LMDB file is looked at in a forked process, which is safe only while there is no other thread: open that
    /// first.
    ///
    /// - Parameter table: what a file holds that can only hold one table
    public func open(_ location: StoreLocation, holding table: Table) throws(StoreError) -> any Store {
        switch location {
        case .memory: return MemoryStore()
        case .lmdb(let path):
            return try LMDBStore(path: path, syncInterval: syncInterval, boot: boot, at: now(), report: report)
        case .gdbm(let path): return try GDBMStore(path: path, holding: table, at: now(), report: report)
        case .redis(let location):
            var options = RedisStore.Options()
            options.keyPrefix = keyPrefix
            options.separatesTables = separatesTables
            options.maintenanceLease = maintenanceLease
            let store: RedisStore
            if let access = accesses[location] {
                store = RedisStore(access, options: options)
            } else {
                store = try RedisStore(location, options: options, report: report)
            }
            store.connect()
            return store
        }
    }

    /// Opens a store to copy to: as `open` does, but a file that is none of ours, or is damaged, is refused, where a
    /// daemon would quarantine it.
    public func openTarget(_ location: StoreLocation, holding table: Table) async throws(StoreError) -> any Store {
        if case .lmdb(let path) = location, Self.hasContents(path) { await (try LMDBReader(path: path)).close() }
        if case .gdbm(let path) = location, Self.hasContents(path) {
            await (try GDBMSnapshot(of: path, holding: table)).close()
        }
        return try open(location, holding: table)
    }

    /// Opens what is only read; another process may have it open, too.
    ///
    /// - Parameters:
    ///   - table: what a store holds that has one table
    ///   - isSalvaged: whether to make do with what can be read of a damaged file, which is refused otherwise
    public func openSource(
        _ location: StoreLocation, holding table: Table, isSalvaged: Bool = false
    ) throws(StoreError) -> any EntrySource {
        switch location {
        case .lmdb(let path): return try LMDBReader(path: path, isSalvaged: isSalvaged)
        case .gdbm(let path):
            let snapshot = try GDBMSnapshot(of: path, holding: table, isSalvaged: isSalvaged)
            if !snapshot.isSteady { report("gdbm://\(path): is being written to: copy once more when it is not") }
            return snapshot
        case .memory, .redis: return try open(location, holding: table)
        }
    }

    private static func hasContents(_ path: String) -> Bool {
        (try? Stat(path)).map { $0.size > 0 } ?? false
    }
}

extension StoreLocation {
    fileprivate var isLMDB: Bool {
        if case .lmdb = self { true } else { false }
    }
}

/// Whose databases are: root opens none that another user could have put something beside.
///
/// The libraries open files by their names, and again later; so root becomes that user, or leaves the database alone.
public enum DatabaseOwner {
    /// What comes after the name of a database in those of the files beside it.
    private static let suffixes = ["-lock", "-open", "-journal-0", "-journal-1"]

    /// The user who has to open a database; nil where it is this process as it is.
    ///
    /// - Throws: where root may not open it, and there is nobody to become
    public static func of(_ location: StoreLocation) throws(FileError) -> FileUser? {
        switch location {
        case .memory, .redis: nil
        case .lmdb(let path), .gdbm(let path): try FileReach(path).owner(ofFilesWith: suffixes)
        }
    }
}
