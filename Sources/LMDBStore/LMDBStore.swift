public import Greylist
import NIOConcurrencyHelpers
import NIOPosix
public import Storage

/// A store in an LMDB file with a journal in front: an answer means that what it rests on is on disk or, with a
/// `syncInterval`, that it outlives the process, and a power cut after that time.
///
/// One thread serves it. Whatever is waiting when the thread is free is appended to the journal in one piece, so that many
/// requests share one sync; the next ones gather meanwhile (group commit). Another thread brings it into the tree.
public final class LMDBStore: CopyTarget {
    private struct Update: Sendable {
        var batch: [StoreQuery]
        let done: @Sendable (Result<[StoreQuery], StoreError>) -> Void
    }

    private struct Waiting: Sendable {
        var updates: [Update] = []
        var tasks: [@Sendable () -> Void] = []
        var isServed = false
        /// Whether the thread that writes the tree has something to tell.
        var isWoken = false
    }

    private let environment: Environment
    private let tree: WriteBehind
    private let pending = PendingTracker<[UInt8]>()
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let waiting = NIOLockedValueBox(Waiting())

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
        _ environment: Environment, syncInterval: Duration? = nil,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(StoreError) {
        self.environment = environment
        tree = try WriteBehind(environment, syncInterval: syncInterval, report: report)
        tree.wake = { [weak self] in self?.enqueue { $0.isWoken = true } }
        // Only now: damage may have ended the process while the journal was taken in.
        environment.vouch()
        thread.start()
    }

    /// Hands queries to the storage thread; `done` is called there.
    public func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        let update = Update(batch: batch, done: done)
        enqueue { $0.updates.append(update) }
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
        _ = try await onThread { [tree, pending] () throws(LMDBError) in
            var changes: [(Record, Record)] = []
            try tree.keep { (memtable, transaction) throws(LMDBError) in
                for entry in entries where !entry.key.withStoredBytes(Generation.isKey) {
                    let stored = try memtable.read(entry.key, in: table, transaction)
                    let merged = stored?.sighting.merged(with: entry.sighting) ?? entry.sighting
                    guard merged != stored?.sighting else { continue }
                    let record = Record(merged, network: stored?.network ?? 0)
                    memtable.write(record, entry.key, in: table)
                    if let stored { changes.append((stored, record)) }
                }
            }
            if table == .greylist { pending.note(changes) }
        }
    }

    /// Which keys have no entry, in the journal or in the database.
    public func absent(_ keys: [Key], from table: Table) async throws(StoreError) -> [Int] {
        try await onThread { [tree] () throws(LMDBError) in
            try tree.keep { (memtable, transaction) throws(LMDBError) in
                var absent: [Int] = []
                for index in keys.indices where !keys[index].withStoredBytes(Generation.isKey) {
                    if try memtable.read(keys[index], in: table, transaction) == nil { absent.append(index) }
                }
                return absent
            }
        }
    }

    /// How many entries the table has.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        try await run(flushing: true) { (transaction) throws(LMDBError) in try transaction.count(table) }
    }

    /// Looks whether the files are still those that were opened, and opens what has taken their place.
    public func checkFiles(at now: Timestamp) async throws(StoreError) {
        let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
            let task: @Sendable () -> Void = { [tree, pending] in
                continuation.resume(
                    returning: Result { () throws(StoreError) in
                        try tree.ready(at: now)
                        if try tree.reopenIfReplaced(at: now) { pending.restart() }
                    })
            }
            enqueue { $0.tasks.append(task) }
        }
        try result.get()
    }

    /// Finishes what is waiting and closes the file.
    public func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let task: @Sendable () -> Void = { [tree] in
                tree.close()
                continuation.resume()
            }
            enqueue { $0.tasks.append(task) }
        }
        await tree.shutDown()
        try? await thread.shutdownGracefully()
    }

    /// Runs `body` in a transaction of the tree on the storage thread, and there, when that is committed, `then`.
    ///
    /// - Parameter flushing: whether all that was written until now is to be in the tree before. The other thread brings it
    ///   there, and requests go on meanwhile: what runs on the storage thread waits for it, and they don't.
    private func run<Answer: Sendable>(
        flushing: Bool, _ body: @escaping @Sendable (inout Transaction) throws(LMDBError) -> Answer,
        then: @escaping @Sendable (Answer) -> Void = { _ in }
    ) async throws(StoreError) -> Answer {
        if flushing { try await onThread { [tree] () throws(LMDBError) in try tree.handOver() } }
        return try await onThread { [environment, tree] () throws(LMDBError) in
            if flushing { try tree.checkHandOver() } else { tree.waitForTree() }
            let answer = try environment.write(body)
            then(answer)
            return answer
        }
    }

    /// Runs `body` on the storage thread, between requests and while nobody else writes the tree.
    private func onThread<Answer: Sendable>(
        _ body: @escaping @Sendable () throws(LMDBError) -> Answer
    ) async throws(StoreError) -> Answer {
        let result: Result<Answer, StoreError> = await withCheckedContinuation { continuation in
            let task: @Sendable () -> Void = { [environment, tree] in
                do throws(StoreError) {
                    // Only requests know the time: what is damaged waits for the next one.
                    try tree.ready(at: nil)
                    do throws(LMDBError) {
                        continuation.resume(returning: .success(try body()))
                    } catch {
                        throw error.storeError(path: environment.path)
                    }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            enqueue { $0.tasks.append(task) }
        }
        return try result.get()
    }

    private func enqueue(_ add: (inout Waiting) -> Void) {
        let isServed = waiting.withLockedValue { waiting in
            add(&waiting)
            let isServed = waiting.isServed
            waiting.isServed = true
            return isServed
        }
        if !isServed { thread.submit { _ in self.serve() } }
    }

    /// Serves until nothing is waiting: all updates in one frame, then one background task, a caller's or the
    /// tracker's, so that requests never wait for more than one slice.
    ///
    /// Background tasks wait while the tree is being written.
    private func serve() {
        while true {
            tree.settle()
            let isFree = !tree.isWriting
            let hasBackgroundTask = isFree && pending.hasBackgroundTask && environment.isOpen
            let (updates, task, isWoken) = waiting.withLockedValue { waiting in
                let updates = waiting.updates
                waiting.updates = []
                let task = !isFree || waiting.tasks.isEmpty ? nil : waiting.tasks.removeFirst()
                let isWoken = waiting.isWoken
                waiting.isWoken = false
                waiting.isServed = !updates.isEmpty || task != nil || hasBackgroundTask || isWoken
                return (updates, task, isWoken)
            }
            if updates.isEmpty, task == nil, !hasBackgroundTask, !isWoken { return }
            if !updates.isEmpty { commit(updates) }
            // The updates may have been so many that the tree is being written by now.
            if let task { task() } else if hasBackgroundTask, !tree.isWriting { walk() }
            // Only now: a task that waits gets its turn between two writes of the tree.
            tree.startIfDue()
        }
    }

    private func walk() {
        if pending.position == nil {
            // A fault is found and seen to by the next request.
            do throws(LMDBError) { try tree.flush() } catch { return pending.restart() }
        }
        pending.walk(environment) { tree.isNewer(.greylist, $0) }
    }

    /// Answers updates in one piece; all of them get their judgement when it is kept, or all the same fault.
    private func commit(_ updates: consuming [Update]) {
        var updates = updates
        do throws(StoreError) {
            try judge(&updates)
            for update in updates { update.done(.success(update.batch)) }
        } catch {
            for update in updates { update.done(.failure(error)) }
        }
    }

    /// Judges; once more where the database was found in ruins or stuck, and could be repaired.
    private func judge(_ updates: inout [Update]) throws(StoreError) {
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

    private func judgeOnce(_ updates: inout [Update]) throws(LMDBError) {
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
                write(Record(sighting, network: network), lookup.key, in: lookup.table)
                return true
            }
        }
    }
}
