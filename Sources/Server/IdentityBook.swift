import Engine
import Greylist
import NIOCore
import Storage

/// All changes of the table of identities, one after the other.
actor IdentityBook {
    /// What a search did.
    struct Search: Sendable, Equatable {
        var visited = 0
        var removed = 0
        /// What is left, by `IdentityFigures.Class`.
        var left = [Int](repeating: 0, count: IdentityFigures.Class.allCases.count)
    }

    /// How many entries a slice of a search has.
    private static let slice = 1_000

    let store: any Store
    private(set) var tally = IdentityUpdate.Tally()
    /// How many organisations there were at the last search, and have come since.
    private var organisations = 0
    /// Whether a change is on its way.
    private var isBusy = false
    /// Changes that come after it.
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(store: any Store) {
        self.store = store
    }

    /// Writes what events make of the table, and returns how many entries that were.
    func write(_ events: [IdentityEvent], at now: Timestamp, by options: IdentityLedger.Options)
        async throws(StoreError) -> Int
    {
        await begin()
        defer { end() }
        let update = IdentityUpdate(events, under: options.lane, keys: options.keys)
        let found = try await store.find(update.keys, in: .identity)
        let changes = update.changes(
            after: found, at: now, hasRoom: organisations < options.maxOrganisations + options.maxOrganisations / 10,
            under: options.bounds, counting: &tally)
        if !changes.outdated.isEmpty { try await store.remove(changes.outdated, from: .identity) }
        if !changes.entries.isEmpty {
            try await store.mergeIdentities(
                changes.entries, at: now, under: options.rules, ages: IdentityAges(options.lane))
        }
        let known = Set(zip(update.keys, found).compactMap { $1 == nil ? nil : $0 })
        for entry in changes.entries where IdentityRecord(entry.key) == .days && !known.contains(entry.key) {
            organisations += 1
        }
        return changes.entries.count
    }

    /// Puts an entry in the place of what is there.
    func replace(_ entries: [Entry], removing keys: [Key], at now: Timestamp, by options: IdentityLedger.Options)
        async throws(StoreError)
    {
        await begin()
        defer { end() }
        try await store.remove(keys + entries.map(\.key), from: .identity)
        try await store.mergeIdentities(entries, at: now, under: options.rules, ages: IdentityAges(options.lane))
    }

    /// Removes entries that are expired, and organisations that are too many.
    ///
    /// Those with a single day go first, the oldest of them before others, then the oldest of the others. What administrators
    /// ordered, and whom our users wrote to, stays.
    func search(at now: Timestamp, by options: IdentityLedger.Options, pause clock: any EventLoop)
        async throws(StoreError) -> Search
    {
        var search = Search()
        var ages: [OrganisationAge: Int] = [:]
        let limits = IdentityAges(options.lane)
        var expired: [Entry] = []
        search.visited = try await walk(pause: clock) { entry in
            guard !limits.areExceeded(by: entry, at: now), let record = IdentityRecord(entry.key) else {
                return expired.append(entry)
            }
            if record == .days { ages[OrganisationAge(entry.sighting), default: 0] += 1 }
            if let kind = IdentityFigures.Class(record) { search.left[kind.rawValue] += 1 }
        }
        search.removed = try await remove(expired, pause: clock)
        organisations = ages.values.reduce(0, +)
        var excess = organisations - options.maxOrganisations
        guard excess > 0 else { return search }
        var leaving: [OrganisationAge: Int] = [:]
        for (age, count) in ages.sorted(by: { $0.key < $1.key }) where excess > 0 {
            leaving[age] = min(count, excess)
            excess -= count
        }
        var surplus: [Entry] = []
        _ = try await walk(pause: clock) { entry in
            guard IdentityRecord(entry.key) == .days, let count = leaving[OrganisationAge(entry.sighting)], count > 0
            else { return }
            leaving[OrganisationAge(entry.sighting)] = count - 1
            surplus.append(entry)
        }
        let removed = try await remove(surplus, pause: clock)
        organisations -= removed
        search.removed += removed
        search.left[IdentityFigures.Class.organisation.rawValue] = organisations
        return search
    }

    /// Goes through the table, and returns how many entries it has.
    private func walk(pause clock: any EventLoop, _ body: (Entry) -> Void) async throws(StoreError) -> Int {
        var (visited, cursor) = (0, nil as Cursor?)
        repeat {
            let start = clock.now
            let slice = try await store.scan(.identity, from: cursor, limit: Self.slice)
            for entry in slice.entries { body(entry) }
            visited += slice.entries.count
            cursor = slice.next
            // So it takes at most half of the store's time.
            if (try? await clock.sleep(for: max(clock.now - start, .milliseconds(1)))) == nil { break }
        } while cursor != nil
        return visited
    }

    /// Removes entries that are as they were found; with an organisation's days its recipients go, too.
    private func remove(_ entries: [Entry], pause clock: any EventLoop) async throws(StoreError) -> Int {
        var removed = 0
        for start in stride(from: 0, to: entries.count, by: Self.slice) {
            let batch = entries[start..<min(start + Self.slice, entries.count)]
            let moment = clock.now
            await begin()
            defer { end() }
            let found = try await store.find(batch.map(\.key), in: .identity)
            let keys = zip(batch, found).filter { $0.sighting == $1 }.map(\.0.key)
            let recipients = keys.compactMap { key in
                IdentityRecord(key) == .days ? key.organisation.map { Key.recipients(of: Array($0)) } : nil
            }
            if !keys.isEmpty { try await store.remove(keys + recipients, from: .identity) }
            removed += keys.count
            if (try? await clock.sleep(for: max(clock.now - moment, .milliseconds(1)))) == nil { break }
        }
        return removed
    }

    // MARK: One after the other

    private func begin() async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func end() {
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }
}

/// How old an organisation's entry is, in whole hours, so that few numbers tell of all of them.
private struct OrganisationAge: Hashable, Comparable {
    let hasMoreDays: Bool
    let hour: Int64

    init(_ days: Sighting) {
        hasMoreDays = days.passes > 1
        hour = days.last.seconds / 3_600
    }

    static func < (left: Self, right: Self) -> Bool {
        left.hasMoreDays != right.hasMoreDays ? !left.hasMoreDays : left.hour < right.hour
    }
}
