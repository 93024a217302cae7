public import Greylist

/// Several stores as one, each with one table or more.
///
/// Where the auto-whitelist isn't with the greylist, a message is judged in up to three steps, each atomic by itself: is
/// the client on the auto-whitelist, what of the triplet, and, where it passed for the first time, count the client. A crash
/// or a fault before the last one loses a count, nothing else; a fault before that is one of the whole. No query is about
/// identities: their store may be out of reach, and queries are answered all the same.
public struct JoinedStore: Store {
    private let stores: [any Store]
    /// Which of them has the table.
    private let places: PerTable<Int>

    private var greylist: any Store { store(of: .greylist) }
    private var autoWhitelist: any Store { store(of: .autoWhitelist) }

    /// Joins stores.
    ///
    /// - Parameters:
    ///   - stores: each of them once
    ///   - places: at which position of them the store of a table is
    public init(_ stores: [any Store], places: PerTable<Int>) {
        for table in Table.allCases {
            precondition(stores.indices.contains(places[table]), "a table is in none of the joined stores")
        }
        self.stores = stores
        self.places = places
    }

    /// Answers queries; one that has no client goes to the greylist alone.
    public func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        if places[.autoWhitelist] == places[.greylist] { return greylist.update(batch, done: done) }
        ask(autoWhitelist, about: .autoWhitelist, batch, where: \.hasClient, orFail: done) { batch in
            ask(greylist, about: .greylist, batch, where: \.isUndecided, orFail: done) { batch in
                count(batch) { done(.success(batch)) }
            }
        }
    }

    /// Has a store answer some of the queries as far as they are about its table, keeps the judgements, and goes on
    /// with all of them.
    private func ask(
        _ store: any Store, about table: Table, _ batch: [StoreQuery], where isAsked: (StoreQuery) -> Bool,
        orFail fail: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void,
        then next: @escaping @Sendable ([StoreQuery]) -> Void
    ) {
        let positions = batch.indices.filter { isAsked(batch[$0]) }
        guard !positions.isEmpty else { return next(batch) }
        store.update(positions.map { batch[$0].restricted(to: table) }) { result in
            switch result {
            case .failure: fail(result)
            case .success(let answered):
                var batch = batch
                for (position, answer) in zip(positions, answered) {
                    batch[position].judgement = answer.judgement
                    batch[position].error = answer.error
                }
                next(batch)
            }
        }
    }

    /// Counts the clients whose triplets passed for the first time; the verdicts stand whether or not that succeeds.
    private func count(_ batch: [StoreQuery], then next: @escaping @Sendable () -> Void) {
        let passed = batch.filter(\.hasPassedUncounted).map { query in
            var query = query.restricted(to: .autoWhitelist)
            query.settled = query.judgement?.verdict
            return query
        }
        if passed.isEmpty { return next() }
        autoWhitelist.update(passed) { _ in next() }
    }

    /// Removes what is expired from a slice, in the store that has the table.
    public func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        try await store(of: table).expire(table, from: cursor, limit: limit, at: now, under: rules)
    }

    /// Reads a slice, in the store that has the table.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        try await store(of: table).scan(table, from: cursor, limit: limit)
    }

    /// Adds entries to the store that has the table.
    public func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        try await store(of: table).merge(entries, into: table, at: now, under: rules)
    }

    /// Asks the store that has the table.
    public func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        try await store(of: table).find(keys, in: table)
    }

    /// Takes entries away, in the store that has the table.
    public func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        try await store(of: table).remove(keys, from: table)
    }

    /// Has all of them look at their files; a fault of one keeps no other from it.
    public func checkFiles(at now: Timestamp) async throws(StoreError) {
        var first: StoreError?
        for store in stores {
            do throws(StoreError) { try await store.checkFiles(at: now) } catch { first = first ?? error }
        }
        if let first { throw first }
    }

    /// What all of them say, each of its tables.
    public func figures() async throws(StoreError) -> StoreFigures {
        var all: [StoreFigures] = []
        for store in stores { all.append(try await store.figures()) }
        let files = all.compactMap(\.files)
        return StoreFigures(
            files: files.isEmpty
                ? nil
                : StoreFigures.Files(
                    database: files.reduce(0) { $0 + $1.database }, journal: files.reduce(0) { $0 + $1.journal }),
            entries: PerTable { all[places[$0]].entries[$0] }, pending: all[places[.greylist]].pending)
    }

    /// Asks the store that has the table.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        try await store(of: table).count(table)
    }

    /// Closes all of them.
    public func close() async {
        for store in stores { await store.close() }
    }

    private func store(of table: Table) -> any Store { stores[places[table]] }
}

extension StoreQuery {
    fileprivate var hasClient: Bool { has(.client) }

    /// Whether the client isn't on the auto-whitelist, so that the triplet decides.
    fileprivate var isUndecided: Bool { error == nil && judgement?.verdict != .autoWhitelisted }

    /// Whether the triplet passed for the first time and the client is still to be counted for it.
    fileprivate var hasPassedUncounted: Bool {
        guard has(.client), rules.clientCount > 0 else { return false }
        switch judgement?.verdict {
        case .retried: return true
        case .new, .early, .known, .pendingLimitReached, .autoWhitelisted, .carried, .spared, .released, nil:
            return false
        }
    }
}
