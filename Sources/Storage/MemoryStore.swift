public import Greylist
import NIOConcurrencyHelpers

/// A store that forgets everything when the process ends: for tests and for trying things out.
public final class MemoryStore: Store {
    /// Entries, with their keys in a list so that expiry can walk in slices.
    private struct Entries {
        var sightings: [Key: Sighting] = [:]
        var keys: [Key] = []

        mutating func write(_ sighting: Sighting, _ key: Key) {
            if sightings.updateValue(sighting, forKey: key) == nil { keys.append(key) }
        }
    }

    private struct Tables {
        var greylist = Entries()
        var autoWhitelist = Entries()

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
            var known = Known()
            if inquiry.asksForTriplet { known.triplet = greylist.sightings[inquiry.triplet] }
            if let client = inquiry.client { known.client = autoWhitelist.sightings[client] }
            let remember = inquiry.judge(known)
            if let triplet = remember.triplet { greylist.write(triplet, inquiry.triplet) }
            if let sighting = remember.client, let client = inquiry.client { autoWhitelist.write(sighting, client) }
        }
    }

    private let tables = NIOLockedValueBox(Tables())

    /// An empty store.
    public init() {}

    /// Answers at once, before it returns.
    public func update(_ batch: consuming [Inquiry], done: @escaping @Sendable (Result<[Inquiry], StoreError>) -> Void)
    {
        var batch = batch
        tables.withLockedValue { tables in
            for index in batch.indices { tables.answer(&batch[index]) }
        }
        done(.success(batch))
    }

    /// Removes what is expired from a slice; an entry that takes the place of a removed one is looked at, too.
    public func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        tables.withLockedValue { tables in
            var index = cursor.map(\.index) ?? 0
            var slice = ExpiredSlice(visited: 0, removed: 0, next: nil)
            while index < tables[table].keys.count, slice.visited < limit {
                slice.visited += 1
                let key = tables[table].keys[index]
                if tables[table].sightings[key]?.isExpired(at: now, under: rules) == true {
                    tables[table].sightings[key] = nil
                    tables[table].keys.swapAt(index, tables[table].keys.count - 1)
                    tables[table].keys.removeLast()
                    slice.removed += 1
                } else {
                    index += 1
                }
            }
            slice.next = index < tables[table].keys.count ? Cursor(index: index) : nil
            return slice
        }
    }

    /// Reads a slice.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        tables.withLockedValue { tables in
            let entries = tables[table]
            let start = min(cursor.map(\.index) ?? 0, entries.keys.count)
            let end = min(start + limit, entries.keys.count)
            let found = entries.keys[start..<end].compactMap { key in
                entries.sightings[key].map { (key: key.bytes, sighting: $0) }
            }
            return ScannedSlice(entries: found, next: end < entries.keys.count ? Cursor(index: end) : nil)
        }
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

extension Key {
    /// The bytes of the digest or of the text.
    public var bytes: [UInt8] {
        switch self {
        case .digest(let digest): digest.withBytes { Array($0) }
        case .text(let text): text
        }
    }
}
