import Greylist

/// What a memory store has.
struct MemoryTables {
    /// The entries of a table, with their keys in a list so that a walk can go in slices.
    struct Entries {
        var kept: [Key: (sighting: Sighting, network: UInt32)] = [:]
        var keys: [Key] = []

        /// Whether an entry may be written: there is one already, or room for another.
        func hasRoom(for key: Key, _ capacity: Int) -> Bool { keys.count < capacity || kept[key] != nil }

        mutating func write(_ sighting: Sighting, _ key: Key, network: UInt32) {
            if kept.updateValue((sighting, network), forKey: key) == nil { keys.append(key) }
        }

        /// Removes the key at that place, and puts the last one there.
        mutating func remove(at index: Int) {
            kept[keys[index]] = nil
            keys.swapAt(index, keys.count - 1)
            keys.removeLast()
        }
    }

    /// What a walk over some entries did.
    struct Slice {
        var visited = 0
        var removed = 0
        var nextIndex: Int?
    }

    let capacity: Int
    private var entries = PerTable(greylist: Entries(), autoWhitelist: Entries(), identity: Entries())
    private var pending = PendingLimiter(rules: Rules())
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

    mutating func answer(_ query: inout StoreQuery) {
        followRules(of: query)
        // Half of the room is for those that have passed.
        query.rules.maxPending = min(query.rules.maxPending, max(1, capacity / 2))
        let network = query.network
        query.answer(noting: &pending) { lookup in
            entries[lookup.table].kept[lookup.key]
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
            guard let (sighting, network) = self[table].kept[self[table].keys[index]] else {
                preconditionFailure("a key is in the list and not in the table")
            }
            if sighting.isExpired(at: now, under: rules) || table == .greylist && pending.hasDropped(sighting) {
                self[table].remove(at: index)
                if table == .greylist { pending.remove(sighting, network: network) }
                slice.removed += 1
            } else {
                index += 1
            }
        }
        pending.commit()
        slice.nextIndex = index < self[table].keys.count ? index : nil
        return slice
    }

    mutating func merge(_ entry: Entry, into table: Table, under rules: Rules) {
        let stored = self[table].kept[entry.key]
        guard self[table].hasRoom(for: entry.key, capacity) else { return }
        let merged = stored.map { $0.sighting.merged(with: entry.sighting) } ?? entry.sighting
        if table == .greylist {
            if let stored { pending.remove(stored.sighting, network: stored.network) }
            pending.add(merged, network: stored?.network ?? 0, under: rules)
            pending.commit()
        }
        self[table].write(merged, entry.key, network: stored?.network ?? 0)
    }

    mutating func take(_ limit: Int, from table: Table) -> [Entry] {
        var taken: [Entry] = []
        while taken.count < limit, let key = self[table].keys.last, let (sighting, network) = self[table].kept[key] {
            self[table].remove(at: self[table].keys.count - 1)
            if table == .greylist { pending.remove(sighting, network: network) }
            taken.append(Entry(key: key, sighting: sighting))
        }
        pending.commit()
        return taken
    }

    private mutating func followRules(of query: StoreQuery) {
        guard pending.isOutdated(under: query.rules) else { return }
        pending = PendingLimiter(rules: query.rules)
        for (sighting, network) in entries[.greylist].kept.values {
            pending.count(sighting, network: network, at: query.time, under: query.rules)
        }
    }
}
