public import FileStorage
public import Greylist
public import Storage

/// One table in a GNU dbm file: the files of TPRT 0.9.3, which reads ours in turn.
///
/// The records are its own: `count,time` under the key as it spells it. Nothing in a file says whose entries it has, so it
/// holds one table; who has more of them joins stores in a `JoinedStore`, as TPRT 0.9.3 has two files.
///
/// An answer means that what it rests on is on disk. One thread serves the store, and whatever is waiting when it is free
/// shares one sync. GNU dbm has no transactions: a power cut in the middle of a write may damage the file, and a process
/// that is killed may leave it so that it gets damaged later. Such a file is rewritten when it is opened again, from
/// all that can be read of it.
public final class GDBMStore: Store, FileStore {
    private let database: Database
    private let table: Table
    private let pending = PendingTracker<WalkPosition>()
    /// The thread that serves it.
    public let thread = StorageThread()

    /// Opens the database, makes it if need be, and takes it for this process alone.
    ///
    /// - Parameters:
    ///   - path: the file; its directory must exist. Beside it is `path-open` while it is open.
    ///   - table: what it holds
    ///   - now: the time for the name of a damaged file that is quarantined
    ///   - report: takes a sentence for the log when a file was quarantined or rewritten; called on any thread
    public init(
        path: String, holding table: Table, at now: Timestamp, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        database = try Database(path: path, at: now, report: report)
        self.table = table
        thread.start()
    }

    /// Why a file can't have two tables.
    public static func holdsOneTable(path: String) -> StoreError {
        StoreError(.cannotCreate, "gdbm://\(path): a GNU dbm file holds one table; give each a file of its own")
    }

    /// Removes what is expired from a slice, between requests; the other table is empty.
    ///
    /// What is no record of ours is left alone. Every entry that is there during the whole pass is visited once.
    public func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        guard table == self.table else { return ExpiredSlice() }
        return try await run(at: now) { [pending] database throws(GDBMError) in
            let slice = try database.entries(from: cursor?.position, limit: limit)
            var removed = 0
            for entry in slice.entries {
                guard let sighting = entry.sighting else { continue }
                let isDropped = table == .greylist && pending.limiter.hasDropped(sighting)
                guard isDropped || sighting.isExpired(at: now, under: rules), try database.remove(entry) else {
                    continue
                }
                removed += 1
                if table == .greylist { pending.forget(sighting, network: entry.network) }
            }
            return ExpiredSlice(visited: slice.entries.count, removed: removed, next: slice.next.map { Cursor($0) })
        }
    }

    /// Reads a slice, between requests; the other table is empty.
    ///
    /// Every entry that is there during the whole walk is shown once.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        guard table == self.table else { return ScannedSlice(entries: [], next: nil) }
        // Only requests and maintenance know the time: what is damaged waits for them.
        return try await run(at: nil) { database throws(GDBMError) in
            ScannedSlice(try database.entries(from: cursor?.position, limit: limit))
        }
    }

    /// Adds entries, all of them before one sync; the other table takes none.
    public func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        guard table == self.table else { throw database.holdsOneTable }
        try await run(at: now) { database throws(GDBMError) in
            for entry in entries {
                let stored = try database.sighting(entry.key)
                let merged = entry.sighting.merged(with: stored, at: now, under: rules)
                if merged != stored { try database.store(merged, entry.key) }
            }
            try database.sync()
        }
    }

    /// What it has under these keys; another table has nothing.
    public func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        guard table == self.table else { return [Sighting?](repeating: nil, count: keys.count) }
        return try await run(at: nil) { database throws(GDBMError) in
            var found: [Sighting?] = []
            for key in keys { found.append(try database.sighting(key)) }
            return found
        }
    }

    /// Takes entries away, all of them before one sync; another table has none.
    ///
    /// What is no record of ours is left alone.
    public func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        guard table == self.table, !keys.isEmpty else { return }
        try await run(at: nil) { [pending] database throws(GDBMError) in
            for key in keys {
                guard let sighting = try database.remove(key) else { continue }
                if table == .greylist { pending.forget(sighting, network: key.network) }
            }
            try database.sync()
        }
    }

    /// Doesn't know: GNU dbm would have to look into every bucket.
    public func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    /// How long the file is, and the first attempts that wait.
    public func figures() async throws(StoreError) -> StoreFigures {
        try await run(at: nil) { [pending] database in
            StoreFigures(files: .init(database: database.fileSize), pending: pending.limiter.figures)
        }
    }

    /// Looks whether the file is still the one that was opened, and opens the one that has taken its place.
    public func checkFiles(at now: Timestamp) async throws(StoreError) {
        try await onThread { [database, pending] () throws(StoreError) in
            if try database.ready(at: now) { pending.restart() }
            if try database.reopenIfReplaced(at: now) { pending.restart() }
        }
    }

    /// Finishes what is waiting and closes the file.
    public func close() async {
        try? await onThread { [database] () throws(StoreError) in database.close() }
        await thread.shutDown()
    }

    /// Runs `body` on the storage thread.
    ///
    /// - Parameter now: the time for the name of a damaged file that is quarantined; nil to leave a damaged one alone
    private func run<Answer: Sendable>(
        at now: Timestamp?, _ body: @escaping @Sendable (Database) throws(GDBMError) -> Answer
    ) async throws(StoreError) -> Answer {
        try await onThread { [database, pending] () throws(StoreError) in
            if try database.ready(at: now) { pending.restart() }
            do throws(GDBMError) { return try body(database) } catch { throw error.storeError(url: database.url) }
        }
    }
}

/// What the storage thread calls.
extension GDBMStore {
    /// Background tasks may run at any time.
    public func beginTurn() -> Bool { true }

    /// Whether pending entries are still to be counted or removed.
    public var hasBackgroundTask: Bool { pending.hasBackgroundTask && database.isOpen }

    /// Counts or removes a slice of pending entries.
    public func runBackgroundTask() { pending.walk(database) }

    /// Nothing is left to do.
    public func endTurn() {}

    /// Judges all updates before one sync.
    public func judge(_ updates: inout [StorageThread.Update]) throws(StoreError) {
        let now = updates.lazy.compactMap { $0.batch.first?.time }.first
        if try database.ready(at: now) { pending.restart() }
        var mayRepair = true
        for update in updates.indices {
            for index in updates[update].batch.indices {
                try judge(&updates[update].batch[index], at: now, mayRepair: &mayRepair)
            }
        }
        do throws(GDBMError) { try database.sync() } catch { throw error.storeError(url: database.url) }
    }

    /// Judges; once more where the database was found in ruins and could be repaired.
    ///
    /// Those before it stay answered.
    private func judge(_ query: inout StoreQuery, at now: Timestamp?, mayRepair: inout Bool) throws(StoreError) {
        while true {
            do throws(GDBMError) {
                return try database.answer(&query, of: table, noting: pending)
            } catch {
                // What was noted for it wasn't written.
                pending.limiter.rollBack()
                guard mayRepair, error.isCorruption else { throw error.storeError(url: database.url) }
            }
            mayRepair = false
            if try database.ready(at: now) { pending.restart() }
        }
    }
}

extension Database {
    fileprivate var holdsOneTable: StoreError { GDBMStore.holdsOneTable(path: path) }

    /// Answers a query that is about this table alone.
    fileprivate func answer(_ query: inout StoreQuery, of table: Table, noting pending: PendingTracker<WalkPosition>)
        throws(GDBMError)
    {
        guard query.lookups.allSatisfy({ $0.table == table }) else {
            query.error = holdsOneTable
            return
        }
        if table == .greylist { pending.follow(query) { false } }
        let network = query.network
        try query.answer(noting: &pending.limiter) { (lookup) throws(GDBMError) in
            // A record doesn't tell its network: it is taken for that of the client.
            try sighting(lookup.key).map { ($0, network) }
        } write: { (lookup, sighting) throws(GDBMError) in
            try store(sighting, lookup.key)
            return true
        }
        pending.limiter.commit()
    }
}

extension ScannedSlice {
    /// The records among the entries that a walk came to.
    init(_ slice: EntryWalk.Slice) {
        let entries = slice.entries.compactMap { stored in
            stored.sighting.map { Entry(key: stored.key.withUnsafeBytes { Key(spelling: $0) }, sighting: $0) }
        }
        self.init(entries: entries, next: slice.next.map { Cursor($0) })
    }
}
