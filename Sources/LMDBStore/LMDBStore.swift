public import FileStorage
public import Greylist
public import Storage

/// A store in an LMDB file with a journal in front: an answer means that what it rests on is on disk or, with a
/// `syncInterval`, that it outlives the process, and a power cut after that time.
///
/// One thread serves it. Whatever is waiting when the thread is free is appended to the journal in one piece, so that many
/// requests share one sync; the next ones gather meanwhile (group commit). Another thread brings it into the tree.
public final class LMDBStore: Store, FileStore {
    private let environment: Environment
    private let tree: WriteBehind
    private let pending = PendingTracker<[UInt8]>()
    /// The thread that serves it.
    public let thread: StorageThread

    /// Opens the database, makes it if need be, and takes it for this process alone.
    ///
    /// - Parameters:
    ///   - path: the file; its directory must exist. Beside it are `path-lock`, LMDB's own, and, while it is open,
    ///     `path-open`, `path-journal-0` and `path-journal-1`.
    ///   - mapSize: address space to begin with; it doubles when the data needs it
    ///   - syncInterval: after what time an answer is on disk; nil: before it is given
    ///   - boot: which boot this is: a file that a killed process left in the same one isn't checked as a whole; nil where
    ///     that is unknown
    ///   - now: the time for the name of a damaged file that is quarantined
    ///   - report: takes a sentence for the log when a file was quarantined, or is checked because it wasn't closed
    ///     properly; called on any thread
    public convenience init(
        path: String, mapSize: Int = 16 << 30, syncInterval: Duration? = nil, boot: BootID? = nil,
        at now: Timestamp, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        try self.init(
            try Environment(path: path, mapSize: mapSize, boot: boot, at: now, report: report),
            syncInterval: syncInterval, report: report)
    }

    /// Serves an open environment, and has it for itself.
    init(
        _ environment: Environment, syncInterval: Duration? = nil, thread: StorageThread = StorageThread(),
        files: JournalFiles = .system, startWriters: () -> WriterThread = WriterThread.start,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(StoreError) {
        self.environment = environment
        self.thread = thread
        tree = try WriteBehind(
            environment, syncInterval: syncInterval, files: files, startWriters: startWriters, report: report)
        tree.wake = { [weak self] in self?.wake() }
        // Only now: damage may have ended the process while the journal was taken in.
        environment.vouch()
        thread.start()
    }

    /// Removes what is expired from a slice, in a transaction of its own between those of requests.
    public func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        let removal = {
            @Sendable [pending, tree] (transaction: inout Transaction) throws(LMDBError) -> (ExpiredSlice, [Record]) in
            var slice = ExpiredSlice()
            var removed: [Record] = []
            if cursor == nil { try transaction.forgetDeadReaders() }
            try transaction.walk(table, from: cursor?.bytes) { key, value in
                guard slice.visited < limit else {
                    slice.next = Cursor(Array(key))
                    return .stop
                }
                slice.visited += 1
                if tree.isNewer(table, key) { return .keep }
                // A record that isn't one is of no use to anybody.
                let record = Record(value)
                if let sighting = record?.sighting, !sighting.isExpired(at: now, under: rules) {
                    guard table == .greylist, pending.limiter.hasDropped(sighting) else { return .keep }
                }
                if let record { removed.append(record) }
                slice.removed += 1
                return .remove
            }
            return (slice, removed)
        }
        return try await run(flushing: cursor == nil, removal) { [pending] _, removed in
            if table == .greylist { pending.forget(removed) }
        }.0
    }

    /// Reads a slice, in a transaction of its own between those of requests.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        try await run(flushing: cursor == nil) { (transaction) throws(LMDBError) in
            try transaction.scan(table, from: cursor, limit: limit)
        }
    }

    /// Adds entries, all of them in one piece.
    public func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        _ = try await whileOpen { [tree, pending] () throws(LMDBError) in
            var changes: [(Record, Record)] = []
            try tree.keep { (memtable, transaction) throws(LMDBError) in
                for entry in entries where !entry.key.withStoredBytes(Generation.isKey) {
                    let stored = try memtable.read(entry.key, in: table, transaction)
                    let merged = entry.sighting.merged(with: stored?.sighting, at: now, under: rules)
                    guard merged != stored?.sighting else { continue }
                    let record = Record(merged, network: stored?.network ?? 0)
                    memtable.write(record, entry.key, in: table)
                    if let stored { changes.append((stored, record)) }
                }
            }
            if table == .greylist { pending.note(changes) }
        }
    }

    /// What the journal or the database has under these keys.
    public func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        try await whileOpen { [tree] () throws(LMDBError) in
            try tree.keep { (memtable, transaction) throws(LMDBError) in
                var found = [Sighting?](repeating: nil, count: keys.count)
                for index in keys.indices where !keys[index].withStoredBytes(Generation.isKey) {
                    found[index] = try memtable.read(keys[index], in: table, transaction)?.sighting
                }
                return found
            }
        }
    }

    /// Takes entries away, in one transaction of the tree; those that aren't there yet are brought there before.
    ///
    /// So the journal has nothing more of them that a start after a crash would take in.
    public func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        let keys = keys.filter { !$0.withStoredBytes(Generation.isKey) }
        guard !keys.isEmpty else { return }
        let isNewer = { @Sendable [tree] in
            keys.contains { key in key.withStoredBytes { tree.isNewer(table, $0) } }
        }
        // On the other thread: requests go on meanwhile.
        try await whileOpen { [tree] () throws(LMDBError) in if isNewer() { try tree.handOver() } }
        try await whileOpen { [environment, tree, pending] () throws(LMDBError) in
            try tree.checkHandOver()
            // Written again since.
            if isNewer() { try tree.flush() }
            let removed = try environment.write { (transaction) throws(LMDBError) in
                try transaction.remove(keys, from: table)
            }
            if table == .greylist { pending.forget(removed) }
        }
    }

    /// How many entries the table has.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        try await run(flushing: true) { (transaction) throws(LMDBError) in try transaction.count(table) }
    }

    /// What is in the tree by now, how long the files are, and the first attempts that wait; nothing is brought into the
    /// tree for it.
    public func figures() async throws(StoreError) -> StoreFigures {
        try await whileOpen { [environment, tree, pending] () throws(LMDBError) in
            let entries = try environment.read { (transaction) throws(LMDBError) in
                try PerTable<Int?> { (table) throws(LMDBError) in try transaction.count(table) }
            }
            return StoreFigures(
                files: .init(database: environment.fileSize, journal: tree.journalSize), entries: entries,
                pending: pending.limiter.figures)
        }
    }

    /// Looks whether the files are still those that were opened, and opens what has taken their place.
    public func checkFiles(at now: Timestamp) async throws(StoreError) {
        try await onThread { [tree, pending] () throws(StoreError) in
            try tree.ready(at: now)
            if try tree.reopenIfReplaced(at: now) { pending.restart() }
        }
    }

    /// Finishes what is waiting and closes the file.
    public func close() async {
        try? await onThread { [tree] () throws(StoreError) in tree.close() }
        await tree.shutDown()
        await thread.shutDown()
    }

    /// Runs `body` in a transaction of the tree on the storage thread, and there, when that is committed, `then`.
    ///
    /// - Parameter flushing: whether all that was written until now is to be in the tree before. The other thread brings it
    ///   there, and requests go on meanwhile: what runs on the storage thread waits for it, and they don't.
    private func run<Answer: Sendable>(
        flushing: Bool, _ body: @escaping @Sendable (inout Transaction) throws(LMDBError) -> Answer,
        then: @escaping @Sendable (Answer) -> Void = { _ in }
    ) async throws(StoreError) -> Answer {
        if flushing { try await whileOpen { [tree] () throws(LMDBError) in try tree.handOver() } }
        return try await whileOpen { [environment, tree] () throws(LMDBError) in
            if flushing { try tree.checkHandOver() } else { tree.waitForTree() }
            let answer = try environment.write(body)
            then(answer)
            return answer
        }
    }

    /// Runs `body` on the storage thread with an open database, while nobody else writes the tree.
    private func whileOpen<Answer: Sendable>(
        _ body: @escaping @Sendable () throws(LMDBError) -> Answer
    ) async throws(StoreError) -> Answer {
        try await onThread { [environment, tree] () throws(StoreError) in
            // Only requests know the time: what is damaged waits for the next one.
            try tree.ready(at: nil)
            do throws(LMDBError) { return try body() } catch { throw error.storeError(path: environment.path) }
        }
    }

    private func judgeOnce(_ updates: inout [StorageThread.Update]) throws(LMDBError) {
        // What an attempt noted before it failed was not written.
        defer { pending.limiter.rollBack() }
        try tree.keep { (memtable, transaction) throws(LMDBError) in
            for index in updates.indices {
                try pending.follow(updates[index].batch, in: transaction, isWhole: memtable.isEmpty)
                try memtable.answer(&updates[index].batch, by: transaction, noting: &pending.limiter)
            }
        }
        pending.limiter.commit()
    }
}

/// What the storage thread calls.
extension LMDBStore {
    /// Takes note of what was written to the tree; background tasks wait while it is being written.
    public func beginTurn() -> Bool {
        tree.settle()
        return !tree.isWriting
    }

    /// Whether pending entries are still to be counted or removed.
    public var hasBackgroundTask: Bool { pending.hasBackgroundTask && environment.isOpen }

    /// Judges; once more where the database was found in ruins or stuck, and could be repaired.
    public func judge(_ updates: inout [StorageThread.Update]) throws(StoreError) {
        let now = updates.lazy.compactMap { $0.batch.first?.time }.first
        try tree.ready(at: now)
        do throws(LMDBError) {
            return try judgeOnce(&updates)
        } catch {
            try tree.recover(from: error, at: now)
            // What is open now may be a fresh database.
            pending.restart()
        }
        do throws(LMDBError) { try judgeOnce(&updates) } catch { throw error.storeError(path: environment.path) }
    }

    /// Counts or removes a slice of pending entries.
    public func runBackgroundTask() {
        // The updates may have been so many that the tree is being written by now.
        if tree.isWriting { return }
        if pending.position == nil {
            // A fault is found and seen to by the next request.
            do throws(LMDBError) { try tree.flush() } catch { return pending.restart() }
        }
        pending.walk(environment) { tree.isNewer(.greylist, $0) }
    }

    /// Only now does the tree get what it is to have: a task that waits gets its turn between two writes of it.
    public func endTurn() {
        tree.startIfDue()
    }
}

extension Memtable {
    /// Answers the queries in their order: each sees what those before it wrote.
    fileprivate mutating func answer(
        _ batch: inout [StoreQuery], by transaction: borrowing Transaction, noting limiter: inout PendingLimiter
    ) throws(LMDBError) {
        for index in batch.indices {
            let network = batch[index].network
            try batch[index].answer(noting: &limiter) { (lookup) throws(LMDBError) in
                try read(lookup.key, in: lookup.table, transaction).map { ($0.sighting, $0.network) }
            } write: { (lookup, sighting) throws(LMDBError) in
                write(
                    Record(sighting, network: lookup.role == .triplet ? network : 0), lookup.key, in: lookup.table)
                return true
            }
        }
    }
}

/// The position of a walk is a key.
extension PendingTracker<[UInt8]> {
    /// Takes note of the time and the rules of queries, before anything is written for them.
    ///
    /// - Parameters:
    ///   - batch: of one turn of a loop: all have the same rules, and the same time but for a moment
    ///   - isWhole: whether everything is in the tree
    func follow(
        _ batch: [StoreQuery], in transaction: borrowing Transaction, isWhole: Bool
    ) throws(LMDBError) {
        guard let query = batch.first else { return }
        try follow(query) { () throws(LMDBError) in isWhole ? try transaction.count(.greylist) == 0 : false }
    }

    /// Notes entries that were removed.
    func forget(_ removed: [Record]) {
        for record in removed { forget(record.sighting, network: record.network) }
    }

    /// Notes entries that were written over by others; before the first query there is nothing to note them in.
    func note(_ changes: [(Record, Record)]) {
        guard let rules else { return }
        for (old, new) in changes {
            limiter.remove(old.sighting, network: old.network)
            limiter.add(new.sighting, network: old.network, under: rules)
        }
        limiter.commit()
    }

    /// Does a slice of the walk.
    ///
    /// After an error it waits for the next query, which meets the same error and deals with it.
    ///
    /// - Parameter isNewer: whether a key has an entry that isn't in the tree yet, which the one in the tree gives way to
    func walk(_ environment: Environment, isNewer: (UnsafeRawBufferPointer) -> Bool) {
        // A transaction may run twice, as the map may have to grow: what it saw is noted when it is through.
        let result = Result { () throws(LMDBError) in
            try environment.write { (transaction) throws(LMDBError) in try scan(&transaction, isNewer) }
        }
        guard case .success(let slice) = result else { return restart() }
        for record in slice.found { count(record.sighting, network: record.network) }
        forget(slice.removed)
        endSlice(at: slice.next, hasRemoved: !slice.removed.isEmpty)
    }

    private func scan(
        _ transaction: inout Transaction, _ isNewer: (UnsafeRawBufferPointer) -> Bool
    ) throws(LMDBError) -> (found: [Record], removed: [Record], next: [UInt8]?) {
        var (found, removed): ([Record], [Record]) = ([], [])
        var next: [UInt8]?
        var visited = 0
        try transaction.walk(.greylist, from: position) { key, value in
            guard visited < Self.slice else {
                next = Array(key)
                return .stop
            }
            visited += 1
            guard let record = Record(value), record.sighting.isPending else { return .keep }
            if isUncounted(record.sighting) { found.append(record) }
            guard limiter.hasDropped(record.sighting), !isNewer(key) else { return .keep }
            removed.append(record)
            return .remove
        }
        return (found, removed, next)
    }
}
