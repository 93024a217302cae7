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
        StoreContract(description: "what is removed is gone, and nothing else; keys without an entry are no fault") {
            store in
            let texts = ["day:mail.example.org", "192.0.2.0/24/a@example.org/u@example.com"]
            let keys = ["a", "b", "c"].map { key($0) } + texts.map { key($0, isHashed: false) }
            try await store.remove(keys, from: .greylist)
            try await store.merge(keys.map { entry($0, 1, at: 4_000) }, into: .greylist, at: now, under: Rules.sample())
            _ = try await store.ask("asked", at: 1_000)
            try await store.remove([], from: .greylist)
            try await store.remove([key("none"), key("none", isHashed: false)], from: .greylist)
            try expect(try await store.everything(in: .greylist).count, 6)
            let removed = [keys[0], key("none"), keys[3], keys[0], key("asked")]
            try await store.remove(removed, from: .greylist)
            let left = [nil, 1, 1, nil, 1] as [UInt32?]
            try expect(try await store.find(keys, in: .greylist).map { $0?.passes }, left)
            try expect(Set(try await store.everything(in: .greylist).map(\.key)), [keys[1], keys[2], keys[4]])
            // They may come back.
            try expect(try await store.ask("asked", at: 1_400), .new(wait: 300))
            try await store.merge([entry(keys[3], 2, at: 4_000)], into: .greylist, at: now, under: Rules.sample())
            try expect(try await store.find([keys[3], key("asked")], in: .greylist).map { $0?.passes }, [2, 0])
        },
        StoreContract(description: "5,000 entries are removed at once") { store in
            let keys = (0..<5_000).map { key("192.0.2.0/24/s\($0)@a/b", isHashed: $0 % 2 == 0) }
            let kept = (0..<50).map { key("kept \($0)") }
            let entries = (keys + kept).map { entry($0, 1, at: 4_000) }
            try await store.merge(entries, into: .greylist, at: now, under: Rules.sample())
            try await store.remove(keys, from: .greylist)
            try expect(Set(try await store.everything(in: .greylist).map(\.key)), Set(kept))
        },
        StoreContract(description: "a first attempt that is removed has its place no longer") { store in
            let rules = Rules.sample(maxPending: 4)
            _ = try await store.answer((0..<4).map { query("a \($0)", at: 1_000, under: rules) })
            try expect(try await store.ask("b", at: 1_000, under: rules), .pendingLimitReached(wait: 300))
            try await store.remove([key("a 2"), key("none")], from: .greylist)
            try expect(try await store.ask("b", at: 1_000, under: rules), .new(wait: 300))
            try expect(try await store.ask("c", at: 1_000, under: rules), .pendingLimitReached(wait: 300))
        },
        StoreContract(description: "what is removed amid requests is gone, or was written after that") { store in
            for number in 0..<40 { _ = try await store.ask("a \(number)", at: 1_000) }
            async let others: Void = {
                for number in 0..<200 { _ = try await store.ask("b \(number)", at: 1_000) }
            }()
            for number in 0..<40 {
                try await store.remove([key("a \(number)")], from: .greylist)
                try expect(try await store.ask("a \(number)", at: 1_400), .new(wait: 300))
            }
            try await others
            try expect(try await store.everything(in: .greylist).count, 240)
        },
    ]

    /// What a store keeps that knows the networks of its first attempts; Redis doesn't.
    public static let networkPlaces = StoreContract(
        description: "a first attempt that is removed has the place of its network no longer"
    ) { store in
        let rules = Rules.sample(maxPendingPerNetwork: 2)
        guard let address = Address(parsing: Array("192.0.2.0".utf8).span) else {
            throw Broken(description: "no address")
        }
        let network = Network(address, prefixLength: 24).tag
        func ask(_ sender: String) async throws -> Verdict? {
            try await store.ask(
                "192.0.2.0/24/\(sender)/b", network: network, isHashed: false, at: 1_000, under: rules)
        }
        for sender in ["a", "b"] { try expect(try await ask(sender), .new(wait: 300)) }
        try expect(try await ask("c"), .pendingLimitReached(wait: 300))
        try await store.remove([key("192.0.2.0/24/a/b", isHashed: false)], from: .greylist)
        try expect(try await ask("c"), .new(wait: 300))
        try expect(try await ask("d"), .pendingLimitReached(wait: 300))
    }

    private static let now = Timestamp(seconds: 5_000)

    private static func key(_ text: String, isHashed: Bool = true) -> Key {
        Key(Array(text.utf8).span, isHashed: isHashed)
    }

    private static func entry(_ key: Key, _ passes: UInt32, at time: Int64) -> Entry {
        let time = Timestamp(seconds: time)
        return Entry(key: key, sighting: Sighting(passes: passes, first: time, last: time))
    }
}
