public import Greylist
import NIOConcurrencyHelpers
import NIOPosix
public import Storage

/// A store in an LMDB file, always with full sync: an answer means that what it rests on is on disk.
///
/// One thread serves it. Whatever is waiting when the thread is free is committed in one transaction, so that many
/// requests share one sync; the next ones gather meanwhile (group commit).
public final class LMDBStore: Store {
    private struct Update: Sendable {
        var batch: [Inquiry]
        let done: @Sendable (Result<[Inquiry], StoreError>) -> Void
    }

    private struct Waiting: Sendable {
        var updates: [Update] = []
        var errands: [@Sendable () -> Void] = []
        var isServed = false
    }

    private let environment: Environment
    private let pending = PendingWatch()
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let waiting = NIOLockedValueBox(Waiting())

    /// Opens the database, makes it if need be, and takes it for this process alone.
    ///
    /// - Parameters:
    ///   - path: the file; its folder must exist. Beside it are `path-lock`, LMDB's own, and, while it is open,
    ///     `path-open`.
    ///   - mapSize: address space to begin with; it doubles when the data needs it
    ///   - now: the time for the name of a damaged file that is set aside
    ///   - report: takes a sentence for the log when a file was set aside, or is looked through because it wasn't closed
    ///     properly; called on any thread
    public convenience init(
        path: String, mapSize: Int = 16 << 30, at now: Timestamp, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        self.init(try Environment(path: path, mapSize: mapSize, at: now, report: report))
    }

    /// Serves an open environment, and has it for itself.
    init(_ environment: Environment) {
        self.environment = environment
        thread.start()
    }

    /// Hands inquiries to the storage thread; `done` is called there.
    public func update(_ batch: consuming [Inquiry], done: @escaping @Sendable (Result<[Inquiry], StoreError>) -> Void)
    {
        let update = Update(batch: batch, done: done)
        enqueue { $0.updates.append(update) }
    }

    /// Removes what is expired from a slice, in a transaction of its own between those of requests.
    public func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        let removal = {
            @Sendable [pending] (transaction: inout Transaction) throws(LMDBFault) -> (ExpiredSlice, [Record]) in
            var slice = ExpiredSlice()
            var removed: [Record] = []
            if cursor == nil { try transaction.forgetDeadReaders() }
            try transaction.walk(table, from: cursor?.bytes) { key, value in
                guard slice.visited < limit else {
                    slice.next = Cursor(Array(key))
                    return .stop
                }
                slice.visited += 1
                // A record that isn't one is of no use to anybody.
                let record = Record(value)
                if let sighting = record?.sighting, !sighting.isExpired(at: now, under: rules) {
                    guard table == .greylist, pending.ledger.hasDropped(sighting) else { return .keep }
                }
                if let record { removed.append(record) }
                slice.removed += 1
                return .remove
            }
            return (slice, removed)
        }
        return try await run(removal) { [pending] _, removed in
            if table == .greylist { pending.forget(removed) }
        }.0
    }

    /// Reads a slice, in a transaction of its own between those of requests.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        try await run { (transaction) throws(LMDBFault) in
            try transaction.scan(table, from: cursor, limit: limit)
        }
    }

    /// Adds entries, all of them in one transaction.
    public func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        let merging = { @Sendable (transaction: inout Transaction) throws(LMDBFault) -> [(Record, Record)] in
            var changes: [(Record, Record)] = []
            for entry in entries {
                let stored = try transaction.read(entry.key, in: table)
                let merged = stored?.sighting.merged(with: entry.sighting) ?? entry.sighting
                guard merged != stored?.sighting else { continue }
                let record = Record(merged, network: stored?.network ?? 0)
                try transaction.write(record, entry.key, in: table)
                if let stored { changes.append((stored, record)) }
            }
            return changes
        }
        _ = try await run(merging) { [pending] changes in
            if table == .greylist { pending.note(changes) }
        }
    }

    /// How many entries the table has.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        try await run { (transaction) throws(LMDBFault) in try transaction.count(table) }
    }

    /// Finishes what is waiting and closes the file.
    public func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let errand: @Sendable () -> Void = { [environment] in
                environment.close()
                continuation.resume()
            }
            enqueue { $0.errands.append(errand) }
        }
        try? await thread.shutdownGracefully()
    }

    /// Runs `body` in a transaction on the storage thread, and there, when that is committed, `then`.
    private func run<Answer: Sendable>(
        _ body: @escaping @Sendable (inout Transaction) throws(LMDBFault) -> Answer,
        then: @escaping @Sendable (Answer) -> Void = { _ in }
    ) async throws(StoreError) -> Answer {
        let result: Result<Answer, StoreError> = await withCheckedContinuation { continuation in
            let errand: @Sendable () -> Void = { [environment] in
                do throws(StoreError) {
                    // Only requests know the time: what is damaged waits for the next one.
                    try environment.ready(at: nil)
                    do throws(LMDBFault) {
                        let answer = try environment.write(body)
                        then(answer)
                        continuation.resume(returning: .success(answer))
                    } catch {
                        throw error.error(path: environment.path)
                    }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            enqueue { $0.errands.append(errand) }
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

    /// Serves until nothing is waiting: all updates in one commit, then one errand or chore, so that requests never wait
    /// for more than one slice.
    private func serve() {
        while true {
            let hasChores = pending.hasChores && environment.isOpen
            let (updates, errand) = waiting.withLockedValue { waiting in
                let updates = waiting.updates
                waiting.updates = []
                let errand = waiting.errands.isEmpty ? nil : waiting.errands.removeFirst()
                waiting.isServed = !updates.isEmpty || errand != nil || hasChores
                return (updates, errand)
            }
            if updates.isEmpty, errand == nil, !hasChores { return }
            if !updates.isEmpty { commit(updates) }
            if let errand { errand() } else if hasChores { pending.walk(environment) }
        }
    }

    /// Answers updates in one transaction; all of them get their judgement after the commit, or all the same fault.
    private func commit(_ updates: consuming [Update]) {
        var updates = updates
        do throws(StoreError) {
            try judge(&updates)
            for update in updates { update.done(.success(update.batch)) }
        } catch {
            for update in updates { update.done(.failure(error)) }
        }
    }

    /// Judges; once more where the database was found in ruins or stuck, and could be mended.
    private func judge(_ updates: inout [Update]) throws(StoreError) {
        let now = updates.lazy.compactMap { $0.batch.first?.time }.first
        try environment.ready(at: now)
        do throws(LMDBFault) {
            return try judgeOnce(&updates)
        } catch {
            try environment.recover(from: error, at: now)
            // What is open now may be a fresh database.
            pending.beginAnew()
        }
        do throws(LMDBFault) { try judgeOnce(&updates) } catch { throw error.error(path: environment.path) }
    }

    private func judgeOnce(_ updates: inout [Update]) throws(LMDBFault) {
        // What an attempt noted before it failed was not written.
        defer { pending.ledger.rollBack() }
        try environment.write { (transaction) throws(LMDBFault) in
            pending.ledger.rollBack()
            for update in updates.indices {
                for index in updates[update].batch.indices {
                    try pending.follow(updates[update].batch[index], in: transaction)
                    try transaction.answer(&updates[update].batch[index], noting: &pending.ledger)
                }
            }
        }
        pending.ledger.commit()
    }
}

extension Transaction {
    /// Reads what is known under the inquiry's keys, judges, and writes what is to be remembered.
    fileprivate mutating func answer(_ inquiry: inout Inquiry, noting pending: inout PendingLedger) throws(LMDBFault) {
        var known = Known()
        var stored: Record?
        if inquiry.asksForTriplet {
            stored = try read(inquiry.triplet, in: .greylist)
            known.triplet = stored?.sighting
            if stored == nil, let former = inquiry.former { known.triplet = try read(former, in: .greylist)?.sighting }
        }
        if let client = inquiry.client { known.client = try read(client, in: .autoWhitelist)?.sighting }
        let remember = inquiry.judge(known, heeding: pending)
        if let triplet = remember.triplet {
            try write(Record(triplet, network: inquiry.network), inquiry.triplet, in: .greylist)
            pending.replace(stored?.sighting, with: triplet, network: inquiry.network, under: inquiry.rules)
        }
        if let sighting = remember.client, let client = inquiry.client {
            try write(Record(sighting, network: 0), client, in: .autoWhitelist)
        }
    }
}
