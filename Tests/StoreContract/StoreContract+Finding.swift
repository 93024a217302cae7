import Greylist
import SampleOptions
import Storage

/// Entries that are asked for, or taken away, by their keys.
extension StoreContract {
    static let finding: [StoreContract] = [
        StoreContract(description: "what was merged is found by its keys, in their order") { store in
            let keys = [
                key("a"), key("192.0.2.0/24/a@example.org/u@example.com", isHashed: false),
                // As long as a digest, and longer than LMDB's keys.
                key("day:mail.example.org", isHashed: false),
                key("192.0.2.0/24/" + String(repeating: "y", count: 600), isHashed: false),
            ]
            let entries = keys.enumerated().map { entry($1, UInt32($0), at: 4_000 + Int64($0)) }
            try await store.merge(entries, into: .greylist, at: now, under: Rules.sample())
            let asked = [keys[3], key("b"), keys[0], keys[2], key("c", isHashed: false), keys[1], keys[0]]
            let found = try await store.find(asked, in: .greylist)
            try expect(found.map { $0?.passes }, [3, nil, 0, 2, nil, 1, 0])
            try expect(found.map { $0?.last.seconds }, [4_003, nil, 4_000, 4_002, nil, 4_001, 4_000])
            try expect(try await store.absent(asked, from: .greylist), [1, 4])
            try expect(try await store.find([], in: .greylist), [])
            try expect(try await store.absent([], from: .greylist), [])
        },
        StoreContract(description: "what a query wrote is found, and what has expired, too") { store in
            for time: Int64 in [1_000, 1_400] { _ = try await store.ask("passed", at: time) }
            _ = try await store.ask("pending", aliases: ["alias"], at: 2_000)
            let keys = ["passed", "pending", "alias", "none"].map { key($0) }
            let found = try await store.find(keys, in: .greylist)
            try expect(found.map { $0?.passes }, [1, 0, 0, nil])
            try expect(found.map { $0?.last.seconds }, [1_400, 2_000, 2_000, nil])
            let late = entry(key("late"), 1, at: 1_000)
            try await store.merge([late], into: .greylist, at: Timestamp(seconds: 2_000), under: Rules.sample())
            try expect(try await store.ask("late", at: 9_000_000), .new(wait: 300))
            _ = try await store.ask("late", at: 9_000_400)
            try expect(try await store.find([late.key], in: .greylist)[0]?.last.seconds, 9_000_400)
            // A year later still: nobody has looked.
            try expect(try await store.find([key("passed")], in: .greylist)[0]?.passes, 1)
        },
        StoreContract(description: "5,000 keys are looked up at once, digests and texts") { store in
            let keys = (0..<5_000).map { key("192.0.2.0/24/s\($0)@a/b", isHashed: $0 % 2 == 0) }
            let kept = stride(from: 0, to: keys.count, by: 3).map { entry(keys[$0], UInt32($0), at: 4_000) }
            try await store.merge(kept, into: .greylist, at: now, under: Rules.sample())
            let found = try await store.find(keys, in: .greylist)
            try expect(found.map { $0?.passes }, keys.indices.map { $0 % 3 == 0 ? UInt32($0) : nil })
        },
    ]

    private static let now = Timestamp(seconds: 5_000)

    private static func key(_ text: String, isHashed: Bool = true) -> Key {
        Key(Array(text.utf8).span, isHashed: isHashed)
    }

    private static func entry(_ key: Key, _ passes: UInt32, at time: Int64) -> Entry {
        let time = Timestamp(seconds: time)
        return Entry(key: key, sighting: Sighting(passes: passes, first: time, last: time))
    }
}
