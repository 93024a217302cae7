import Greylist
import Storage

/// The store as one event loop of a daemon sees it: all that is answered is compared with what was promised, and whether it does
/// its duty is noted.
final class WatchedStore: Store, @unchecked Sendable {  // guarded by: the thread of its world
    /// From here on a batch counts as late, in microseconds.
    private static let deadline = Conditions.storeDeadline * 1_000

    private let world: World
    private let inner: any Store
    private let ledger: StoreLedger
    private let name: String
    /// When batches were sent that aren't answered, by their numbers, in microseconds.
    private var sent: [Int: Int64] = [:]
    private var lastNumber = 0
    /// When the store last failed to do its duty, in microseconds.
    private var lastTrouble: Int64?
    /// When the first batch was answered that was sent after that; nil where there is none.
    private var wellSince: Int64?
    private var isSevered = false

    init(_ inner: any Store, of name: String, in world: World, _ ledger: StoreLedger) {
        (self.inner, self.name, self.world, self.ledger) = (inner, name, world, ledger)
    }

    private var now: Int64 { world.microseconds }

    /// The daemon is no more: nothing goes to the store from it, and nothing comes back.
    func sever() { isSevered = true }

    /// Whether a request that was to be answered at that moment, in milliseconds, may have had to do without the store.
    func mayHaveFailed(since turn: Int64) -> Bool {
        let turn = turn * 1_000
        if sent.values.contains(where: { $0 + Self.deadline <= now }) { return true }
        guard let lastTrouble else { return false }
        return lastTrouble >= turn || wellSince.map { $0 > turn } ?? true
    }

    private func noteTrouble(at time: Int64) {
        lastTrouble = max(lastTrouble ?? time, time)
        wellSince = nil
    }

    func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        guard !isSevered else { return }
        let batch = batch
        lastNumber += 1
        let (number, start, asked) = (lastNumber, now, ledger.answers)
        sent[number] = start
        for query in batch {
            ledger.note(query)
            world.note(query.tags, "\(name) asks the store: \(query.inWords)")
        }
        inner.update(batch) { [self] result in
            guard !isSevered else { return }
            guard sent.removeValue(forKey: number) != nil else {
                return world.fail("the store answered a batch of \(name) twice")
            }
            note(result, sentAt: start, asked)
            done(result)
        }
    }

    private func note(_ result: Result<[StoreQuery], StoreError>, sentAt start: Int64, _ asked: Int) {
        var isWell = start + Self.deadline > now
        if !isWell { noteTrouble(at: start + Self.deadline) }
        switch result {
        case .failure(let error):
            world.note([.everything], "\(name): \(error)")
            isWell = false
            noteTrouble(at: now)
        case .success(let queries):
            for query in queries {
                guard query.judgement != nil else {
                    world.note(query.tags, "\(name): \(query.error.map { "\($0)" } ?? "no answer")")
                    isWell = false
                    noteTrouble(at: now)
                    continue
                }
                world.note(query.tags, "\(name) is answered: \(query.inWords)")
                ledger.take(query, since: asked)
            }
        }
        // What was sent before doesn't tell that it is back.
        if isWell, wellSince == nil, lastTrouble.map({ $0 < start }) ?? true { wellSince = now }
    }

    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        guard !isSevered else { throw Self.severed }
        if table == .greylist {
            for entry in entries {
                world.note([.key(entry.key.tag)], "\(name) hands over \(entry.key.inWords): \(entry.sighting.inWords)")
            }
        }
        let asked = ledger.answers
        do throws(StoreError) {
            try await inner.merge(entries, into: table, at: now, under: rules)
        } catch {
            world.note([.everything], "\(name): the store did not take \(entries.count) entries: \(error)")
            throw error
        }
        world.note([.everything], "\(name): the store took \(entries.count) entries of \(table)")
        // Those that are expired need not be taken.
        if table == .greylist, !isSevered {
            ledger.take(entries.filter { !$0.sighting.isExpired(at: now, under: rules) }, at: now, since: asked)
        }
    }

    func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        guard !isSevered else { throw Self.severed }
        return try await inner.find(keys, in: table)
    }

    func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        guard !isSevered else { throw Self.severed }
        try await inner.remove(keys, from: table)
    }

    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        guard !isSevered else { throw Self.severed }
        return try await inner.expire(table, from: cursor, limit: limit, at: now, under: rules)
    }

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        guard !isSevered else { throw Self.severed }
        return try await inner.scan(table, from: cursor, limit: limit)
    }

    func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    func close() async {}

    private static let severed = StoreError(.unavailable, "the daemon is no more")
}

// MARK: - What a trace says

extension StoreQuery {
    fileprivate var tags: [Trace.Tag] { lookups.map { .key($0.key.tag) } }

    fileprivate var inWords: String {
        let keys = lookups.map { "\($0.role) \($0.key.inWords)" }.joined(separator: ", ")
        let answer = judgement.map { judgement in
            let written = judgement.remember.triplet.map { ", to be written: \($0.inWords)" } ?? ""
            return " -> \(judgement.verdict)\(written)"
        }
        return
            "\(isPreliminary ? "(preliminary) " : "")\(keys) at \(time.seconds - World.start / 1_000) s\(answer ?? "")"
    }
}

extension Key {
    fileprivate var inWords: String {
        if case .text(let text) = self { return String(decoding: text, as: UTF8.self) }
        return String(tag >> 32, radix: 16)
    }
}

extension Sighting {
    fileprivate var inWords: String {
        let start = World.start / 1_000
        return "\(passes) passes, first \(first.seconds - start) s, last \(last.seconds - start) s"
    }
}
