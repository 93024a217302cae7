public import Greylist
import NIOConcurrencyHelpers

/// A store that forgets everything when the process ends: for tests and trials, and to stand in for one that is away.
public final class MemoryStore: CopyTarget {
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

    /// Reads a slice.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        tables.withLockedValue { tables in
            let entries = tables[table]
            let start = min(cursor.map(\.index) ?? 0, entries.keys.count)
            let end = min(start + limit, entries.keys.count)
            let found = entries.keys[start..<end].compactMap { key in
                entries.kept[key].map { Entry(key: key, sighting: $0.sighting) }
            }
            return ScannedSlice(entries: found, next: end < entries.keys.count ? Cursor(index: end) : nil)
        }
    }

    /// Adds entries.
    public func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        tables.withLockedValue { tables in
            for entry in entries { tables.merge(entry, into: table, under: rules) }
        }
    }

    /// Which keys have no entry.
    public func absent(_ keys: [Key], from table: Table) async throws(StoreError) -> [Int] {
        tables.withLockedValue { tables in keys.indices.filter { tables[table].kept[keys[$0]] == nil } }
    }

    /// Takes some entries out of a table.
    public func take(_ limit: Int, from table: Table) -> [Entry] {
        tables.withLockedValue { $0.take(limit, from: table) }
    }

    /// How many entries the table has.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        tables.withLockedValue { $0[table].keys.count }
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
