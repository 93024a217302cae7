import Greylist
import SampleOptions
import Storage

extension StoreContract {
    /// What the table of identities keeps; a GNU dbm file has it alone.
    public static let identities: [StoreContract] = keeping + earning + keyedIdentities

    private static let keeping: [StoreContract] = [
        StoreContract(description: "identities are kept, and expire, by themselves") { store in
            let entries = [
                entry(key("day:example.org"), 2, at: 1_000), entry(key("out:a@b/c@d", isHashed: true), 2, at: 1_000),
                // As long as a digest.
                entry(key("rcp:mail.example.org"), 2, at: 4_000_000),
            ]
            let now = Timestamp(seconds: 4_000_000)
            try await store.merge(entries, into: .identity, at: now, under: Rules.sample(maxAge: 9_000_000))
            let found = try await store.everything(in: .identity)
            try expect(Set(found.map(\.key)), Set(entries.map(\.key)))
            try expect(found.map(\.sighting.passes), [2, 2, 2])
            try expect(try await store.everything(in: .greylist).count, 0)
            try expect(try await store.everything(in: .autoWhitelist).count, 0)
            try expect(try await store.maintain(.identity, at: 5_000_000, limit: 10).removed, 2)
            try expect(try await store.everything(in: .identity).map(\.key), [entries[2].key])
        },
        StoreContract(description: "identities are merged, found, walked through and removed") { store in
            let texts = ["day:example.org", "rcp:mail.example.org", "out:@example.org", "lane:example.org"]
            let keys = texts.map { key($0) } + [key("out:a@b/c@d", isHashed: true), key("out:a@b/@d", isHashed: true)]
            for passes: UInt32 in [1, 3, 2] {
                let entries = keys.map { entry($0, passes, at: 1_000 + Int64(passes)) }
                try await store.merge(
                    entries, into: .identity, at: Timestamp(seconds: 1_010), under: Rules.sample())
            }
            let asked = keys + [key("day:example.net")]
            let found = try await store.find(asked, in: .identity)
            try expect(found.map { $0?.passes }, [3, 3, 3, 3, 3, 3, nil])
            try expect(found[0]?.last, Timestamp(seconds: 1_003))
            try expect(Set(try await store.everything(in: .identity, limit: 2).map(\.key)), Set(keys))
            try await store.remove([keys[1], asked[6], keys[4]], from: .identity)
            let left = try await store.find(asked, in: .identity)
            try expect(left.map { $0?.passes }, [3, nil, 3, 3, nil, 3, nil])
            try expect(try await store.everything(in: .identity, limit: 2).count, 4)
            for table in [Table.greylist, .autoWhitelist] {
                try expect(try await store.find(keys, in: table).compactMap { $0 }, [])
                try await store.remove(keys, from: table)
            }
            try expect(try await store.everything(in: .identity).count, 4)
        },
        StoreContract(description: "a walk whose slices are removed from misses none") { store in
            let keys = (0..<700).map { key("day:org-\($0).example") }
            let entries = keys.enumerated().map { entry($1, UInt32(1 + $0 % 3), at: 1_000) }
            try await store.merge(entries, into: .identity, at: Timestamp(seconds: 1_000), under: Rules.sample())
            var seen: Set<Key> = []
            var cursor: Cursor?
            repeat {
                let slice = try await store.scan(.identity, from: cursor, limit: 50)
                seen.formUnion(slice.entries.map(\.key))
                let old = slice.entries.filter { $0.sighting.passes == 1 }
                try await store.remove(old.map(\.key), from: .identity)
                cursor = slice.next
            } while cursor != nil
            try expect(seen, Set(keys))
            let passes = try await store.everything(in: .identity).map(\.sighting.passes)
            try expect(passes.count { $0 == 1 }, 0)
            try expect(Set(try await store.everything(in: .identity).map(\.key)).count, 466)
        },
    ]

    private static func key(_ text: String, isHashed: Bool = false) -> Key {
        Key(Array(text.utf8).span, isHashed: isHashed)
    }

    private static func entry(_ key: Key, _ passes: UInt32, at time: Int64) -> Entry {
        let time = Timestamp(seconds: time)
        return Entry(key: key, sighting: Sighting(passes: passes, first: time, last: time))
    }
}
