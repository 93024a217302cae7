import Greylist

/// What a memory store has.
struct MemoryTables {
    /// The entries of a table, with their keys in a list so that a walk can go in slices.
    struct Entries {
        var kept: [Key: (sighting: Sighting, network: UInt32)] = [:]
        var keys: [Key] = []

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
    private var greylist = Entries()
    private var autoWhitelist = Entries()
    private var pending = PendingLedger(rules: Rules())
    /// Where the search for dropped entries goes on.
    private var reclaimed = 0
    /// Whether this round of the search has found any.
    private var hasReclaimed = false

    init(capacity: Int) {
        self.capacity = capacity
    }

    subscript(table: Table) -> Entries {
        get { table == .greylist ? greylist : autoWhitelist }
        _modify {
            switch table {
            case .greylist: yield &greylist
            case .autoWhitelist: yield &autoWhitelist
            }
        }
    }

    mutating func answer(_ inquiry: inout Inquiry) {
        followRules(of: inquiry)
        // Half of the room is for those who have passed.
        inquiry.rules.maxPending = min(inquiry.rules.maxPending, max(1, capacity / 2))
        var known = Known()
        var stored: (sighting: Sighting, network: UInt32)?
        var isLegacy = false
        if inquiry.asksForTriplet {
            stored = greylist.kept[inquiry.triplet]
            known.triplet = inquiry.counting(stored?.sighting, heeding: pending)
            for key in inquiry.legacyKeys where known.triplet == nil {
                known.triplet = inquiry.counting(greylist.kept[key]?.sighting, heeding: pending)
                isLegacy = true
            }
        }
        if let client = inquiry.client { known.client = autoWhitelist.kept[client]?.sighting }
        let remember = inquiry.judge(known, isLegacy: isLegacy, heeding: pending)
        if let triplet = remember.triplet {
            guard stored != nil || greylist.keys.count < capacity else { return inquiry.standAside() }
            if let stored { pending.remove(stored.sighting, network: stored.network) }
            pending.replace(nil, with: triplet, network: inquiry.network, under: inquiry.rules)
            pending.commit()
            greylist.write(triplet, inquiry.triplet, network: inquiry.network)
        }
        if let sighting = remember.client, let client = inquiry.client {
            guard autoWhitelist.kept[client] != nil || autoWhitelist.keys.count < capacity else { return }
            autoWhitelist.write(sighting, client, network: 0)
        }
    }

    /// Removes entries that the ledger dropped, a few for each inquiry, so that they don't pile up.
    mutating func reclaim(_ count: Int, at now: Timestamp, under rules: Rules) {
        guard pending.droppedCount > 0 || greylist.keys.count >= capacity else { return }
        let slice = expire(
            .greylist, from: min(reclaimed, greylist.keys.count), limit: 16 * count + 64, at: now, under: rules)
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
        guard stored != nil || self[table].keys.count < capacity else { return }
        let merged = stored.map { $0.sighting.merged(with: entry.sighting) } ?? entry.sighting
        if table == .greylist {
            pending.replace(stored?.sighting, with: merged, network: stored?.network ?? 0, under: rules)
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

    private mutating func followRules(of inquiry: Inquiry) {
        guard pending.isOutdated(under: inquiry.rules) else { return }
        pending = PendingLedger(rules: inquiry.rules)
        for (sighting, network) in greylist.kept.values {
            pending.count(sighting, network: network, at: inquiry.time, under: inquiry.rules)
        }
    }
}

extension Inquiry {
    /// There is no room to remember it.
    fileprivate mutating func standAside() {
        if case .new(let wait) = judgement?.verdict { judgement = Judgement(.crowded(wait: wait)) }
    }
}
