public import Greylist
import NIOConcurrencyHelpers

/// A store that forgets everything when the process ends: for tests and trials, and to stand in for one that is away.
public final class MemoryStore: Store {
    private let tables: NIOLockedValueBox<MemoryTables>

    /// An empty store.
    ///
    /// - Parameter capacity: how many entries it keeps at most in a table; whoever comes when it is full isn't remembered
    public init(capacity: Int = .max) {
        tables = NIOLockedValueBox(MemoryTables(capacity: capacity))
    }

    /// Answers at once, before it returns.
    public func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        done(.success(decide(batch)))
    }

    /// Answers at once.
    public func decide(_ batch: consuming [StoreQuery]) -> [StoreQuery] {
        var batch = batch
        tables.withLockedValue { tables in
            for index in batch.indices { tables.answer(&batch[index]) }
            if let last = batch.last { tables.reclaim(batch.count, at: last.time, under: last.rules) }
        }
        return batch
    }

    /// Removes what is expired from a slice; an entry that takes the place of a removed one is looked at, too.
    public func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        tables.withLockedValue { tables in
            let slice = tables.expire(table, from: cursor.map(\.index) ?? 0, limit: limit, at: now, under: rules)
            return ExpiredSlice(
                visited: slice.visited, removed: slice.removed, next: slice.nextIndex.map { Cursor(index: $0) })
        }
    }

    /// Reads a slice, from the last one to the first.
    ///
    /// An entry that takes the place of a removed one comes from behind, where the walk has been: none is missed.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        tables.withLockedValue { tables in
            let entries = tables[table]
            let end = min(cursor.map(\.index) ?? .max, entries.keys.count)
            let start = max(0, end - limit)
            let found = entries.keys[start..<end].compactMap { key in
                entries.kept[key].map { Entry(key: key, sighting: $0.sighting) }
            }
            return ScannedSlice(entries: found, next: start > 0 ? Cursor(index: start) : nil)
        }
    }

    /// Adds entries.
    public func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        add(entries, to: table, at: now, under: rules)
    }

    /// Adds entries at once.
    public func add(_ entries: [Entry], to table: Table, at now: Timestamp, under rules: Rules) {
        tables.withLockedValue { tables in
            for entry in entries { tables.merge(entry, into: table, at: now, under: rules) }
        }
    }

    /// What it has under these keys.
    public func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        sightings(keys, in: table)
    }

    /// Answers at once.
    public func sightings(_ keys: [Key], in table: Table) -> [Sighting?] {
        tables.withLockedValue { tables in keys.map { tables[table].kept[$0]?.sighting } }
    }

    /// Takes entries away.
    public func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        tables.withLockedValue { $0.remove(keys, from: table) }
    }

    /// Takes some entries out of a table.
    public func take(_ limit: Int, from table: Table) -> [Entry] {
        tables.withLockedValue { $0.take(limit, from: table) }
    }

    /// How many entries the table has.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        tables.withLockedValue { $0[table].keys.count }
    }

    /// What it has now.
    public func figures() async throws(StoreError) -> StoreFigures {
        tables.withLockedValue { $0.figures }
    }

    /// Does nothing: there is nothing to keep.
    public func close() async {}
}

extension Cursor {
    fileprivate init(index: Int) {
        self.init(withUnsafeBytes(of: index) { Array($0) })
    }

    fileprivate var index: Int {
        bytes.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
    }
}

/// What a memory store has.
struct MemoryTables {
    /// The entries of a table, with their keys in a list so that a walk can go in slices.
    struct Entries {
        private(set) var kept: [Key: Kept] = [:]
        private(set) var keys: [Key] = []

        /// Whether an entry may be written: there is one already, or room for another.
        func hasRoom(for key: Key, _ capacity: Int) -> Bool { keys.count < capacity || kept[key] != nil }

        mutating func write(_ sighting: Sighting, _ key: Key, network: UInt32) {
            let index = kept[key]?.index ?? keys.count
            kept[key] = Kept(sighting: sighting, network: network, index: index)
            if index == keys.count { keys.append(key) }
        }

        /// Removes the key at that place, and puts the last one there.
        mutating func remove(at index: Int) {
            kept[keys[index]] = nil
            let last = keys.removeLast()
            guard index < keys.count else { return }
            keys[index] = last
            kept[last]?.index = index
        }
    }

    /// What is kept of an entry.
    struct Kept {
        let sighting: Sighting
        let network: UInt32
        /// Where its key is in the list.
        var index: Int
    }

    /// What a walk over some entries did.
    struct Slice {
        var visited = 0
        var removed = 0
        var nextIndex: Int?
    }

    let capacity: Int
    private var entries = PerTable(greylist: Entries(), autoWhitelist: Entries(), identity: Entries())
    private var pending = PendingLimiter()
    /// Where the search for dropped entries goes on.
    private var reclaimed = 0
    /// Whether this round of the search has found any.
    private var hasReclaimed = false

    init(capacity: Int) {
        self.capacity = capacity
    }

    subscript(table: Table) -> Entries {
        get { entries[table] }
        _modify { yield &entries[table] }
    }

    var figures: StoreFigures {
        StoreFigures(entries: PerTable { entries[$0].keys.count }, pending: pending.figures)
    }

    mutating func answer(_ query: inout StoreQuery) {
        followRules(of: query)
        // Half of the room is for those that have passed.
        query.rules.maxPending = min(query.rules.maxPending, max(1, capacity / 2))
        let network = query.network
        query.answer(noting: &pending) { lookup in
            entries[lookup.table].kept[lookup.key].map { ($0.sighting, $0.network) }
        } write: { lookup, sighting in
            guard entries[lookup.table].hasRoom(for: lookup.key, capacity) else { return false }
            entries[lookup.table].write(sighting, lookup.key, network: lookup.role == .triplet ? network : 0)
            return true
        }
        pending.commit()
    }

    /// Removes entries that the limiter dropped, a few for each query, so that they don't pile up.
    mutating func reclaim(_ count: Int, at now: Timestamp, under rules: Rules) {
        guard pending.droppedCount > 0 || entries[.greylist].keys.count >= capacity else { return }
        let slice = expire(
            .greylist, from: min(reclaimed, entries[.greylist].keys.count), limit: 16 * count + 64, at: now,
            under: rules)
        if slice.removed > 0 { hasReclaimed = true }
        reclaimed = slice.nextIndex ?? 0
        guard slice.nextIndex == nil else { return }
        if !hasReclaimed { pending.settleDropped() }
        hasReclaimed = false
    }

    mutating func expire(
        _ table: Table, from start: Int, limit: Int, at now: Timestamp, under rules: Rules
    ) -> Slice {
        var index = start
        var slice = Slice()
        while index < self[table].keys.count, slice.visited < limit {
            slice.visited += 1
            guard let found = self[table].kept[self[table].keys[index]] else {
                preconditionFailure("a key is in the list and not in the table")
            }
            let sighting = found.sighting
            if sighting.isExpired(at: now, under: rules) || table == .greylist && pending.hasDropped(sighting) {
                remove(found, from: table)
                slice.removed += 1
            } else {
                index += 1
            }
        }
        pending.commit()
        slice.nextIndex = index < self[table].keys.count ? index : nil
        return slice
    }

    mutating func merge(_ entry: Entry, into table: Table, at now: Timestamp, under rules: Rules) {
        let stored = self[table].kept[entry.key]
        guard self[table].hasRoom(for: entry.key, capacity) else { return }
        let merged = entry.sighting.merged(with: stored?.sighting, at: now, under: rules)
        if table == .greylist {
            if let stored { pending.remove(stored.sighting, network: stored.network) }
            pending.add(merged, network: stored?.network ?? 0, under: rules)
            pending.commit()
        }
        self[table].write(merged, entry.key, network: stored?.network ?? 0)
    }

    mutating func take(_ limit: Int, from table: Table) -> [Entry] {
        var taken: [Entry] = []
        while taken.count < limit, let key = self[table].keys.last, let found = self[table].kept[key] {
            remove(found, from: table)
            taken.append(Entry(key: key, sighting: found.sighting))
        }
        pending.commit()
        return taken
    }

    mutating func remove(_ keys: [Key], from table: Table) {
        for key in keys {
            if let found = self[table].kept[key] { remove(found, from: table) }
        }
        pending.commit()
    }

    private mutating func remove(_ found: Kept, from table: Table) {
        self[table].remove(at: found.index)
        if table == .greylist { pending.remove(found.sighting, network: found.network) }
    }

    private mutating func followRules(of query: StoreQuery) {
        guard pending.isOutdated(under: query.rules) else { return }
        pending = pending.restarted(under: query.rules)
        for found in entries[.greylist].kept.values {
            pending.count(found.sighting, network: found.network, at: query.time, under: query.rules)
        }
    }
}
