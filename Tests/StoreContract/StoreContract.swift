public import Greylist
public import SampleOptions
public import Storage

/// What every store keeps, whatever it is made of.
///
/// A test target runs each case on a store of its own.
public struct StoreContract: Sendable, CustomStringConvertible {
    /// What is promised.
    public let description: String
    /// Tries it on an empty store.
    public let check: @Sendable (any Store) async throws -> Void

    /// A promise that was broken.
    public struct Broken: Error, CustomStringConvertible {
        /// What was seen instead.
        public let description: String
    }

    /// All promises.
    public static let cases: [StoreContract] =
        judging + aliases + keyed + releasing + maintaining + bounds + moving + finding

    private static let judging: [StoreContract] = [
        StoreContract(description: "a triplet is new, then early, then passes with its delay, then is known") { store in
            let expected: [(Int64, Verdict)] = [
                (1_000, .new(wait: 300)), (1_010, .early(wait: 290, delay: 10)), (1_301, .retried(delay: 301)),
                (1_302, .known),
            ]
            for (time, verdict) in expected { try expect(try await store.ask("a", at: time), verdict) }
        },
        StoreContract(description: "a retry at the end of the delay passes, and one within the leeway before it") {
            store in
            for (delay, least) in [(Int64(3), Int64(3)), (60, 58), (300, 290)] {
                let rules = Rules.sample(delay: delay)
                for waited in Set([least - 1, least, delay]) {
                    let triplet = "\(delay) \(waited)"
                    try expect(try await store.ask(triplet, at: 1_000, under: rules), .new(wait: delay))
                    let verdict = try await store.ask(triplet, at: 1_000 + waited, under: rules)
                    try expect(
                        verdict, waited < least ? .early(wait: delay - waited, delay: waited) : .retried(delay: waited))
                }
            }
        },
        StoreContract(description: "triplets don't touch each other") { store in
            try expect(try await store.ask("a", at: 1_000), .new(wait: 300))
            try expect(try await store.ask("b", at: 1_200), .new(wait: 300))
            try expect(try await store.ask("a", at: 1_400), .retried(delay: 400))
            try expect(try await store.ask("b", at: 1_400), .early(wait: 100, delay: 200))
        },
        StoreContract(description: "queries of one batch see what those before them wrote") { store in
            let answered = try await store.answer([
                query("a", at: 1_000), query("b", at: 1_000), query("a", at: 1_001),
            ])
            try expect(
                answered.map { $0.judgement?.verdict }, [.new(wait: 300), .new(wait: 300), .early(wait: 299, delay: 1)])
        },
        StoreContract(description: "an empty batch is answered") { store in
            try expect(try await store.answer([]).count, 0)
        },
        StoreContract(description: "a batch of 5,000 is answered in its order") { store in
            let batch = (0..<5_000).map { query("triplet \($0)", at: 1_000 + Int64($0 % 7)) }
            _ = try await store.answer(batch)
            let answered = try await store.answer(
                batch.map { query in
                    var query = query
                    query.time = Timestamp(seconds: 1_010)
                    return query
                })
            for (number, query) in answered.enumerated() {
                let waited = Int64(10 - number % 7)
                try expect(query.judgement?.verdict, .early(wait: 300 - waited, delay: waited))
            }
        },
        StoreContract(description: "only one of many who ask at once is told that a triplet is new") { store in
            let verdicts = try await withThrowingTaskGroup(of: Verdict?.self) { group in
                for _ in 0..<200 { group.addTask { try await store.ask("contended", at: 1_000) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try expect(verdicts.count { $0 == .new(wait: 300) }, 1)
            try expect(verdicts.count { $0 == .early(wait: 300, delay: 0) }, 199)
        },
        StoreContract(description: "of many who pass at once one is the first, and that pass alone is recorded") {
            store in
            _ = try await store.ask("busy", at: 1_000)
            let verdicts = try await withThrowingTaskGroup(of: Verdict?.self) { group in
                for _ in 0..<100 { group.addTask { try await store.ask("busy", at: 2_000) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try expect(verdicts.count { $0 == .retried(delay: 1_000) }, 1)
            try expect(verdicts.count { $0 == .known }, 99)
            try expect(try await store.everything(in: .greylist).map(\.sighting.passes), [1])
        },
        StoreContract(
            description: "a known triplet is written only where its recorded use is older than a 32nd of its age"
        ) {
            store in
            for time: Int64 in [200_000, 200_400] { _ = try await store.ask("a", at: time) }
            let passed = try await store.everything(in: .greylist)
            try expect(passed.map(\.sighting.last), [Timestamp(seconds: 200_400)])
            // The last two are of a clock that stepped back.
            for time in [200_400, 200_401, 200_400 + 94_500, 200_399, 200_400 - 94_500] as [Int64] {
                try expect(try await store.ask("a", at: time), .known)
                try expect(try await store.everything(in: .greylist), passed)
            }
            try expect(try await store.ask("a", at: 200_400 + 94_501), .known)
            let kept = try await store.everything(in: .greylist).map(\.sighting)
            try expect(kept.map(\.passes), [2])
            try expect(kept.map(\.last), [Timestamp(seconds: 200_400 + 94_501)])
            try expect(try await store.ask("a", at: 200_400 + 94_501 + 3_024_000), .known)
        },
        StoreContract(description: "the auto-whitelist counts first passes, then lets the client through") { store in
            let rules = Rules.sample(clientCount: 2)
            let expected: [(String, Int64, Verdict)] = [
                ("a", 1_000, .new(wait: 300)), ("b", 1_000, .new(wait: 300)), ("a", 1_400, .retried(delay: 400)),
                // Neither a known triplet counts nor a first pass within the hour.
                ("a", 1_500, .known), ("a", 5_100, .known), ("b", 4_999, .retried(delay: 3_999)),
                ("c", 5_000, .new(wait: 300)), ("c", 5_400, .retried(delay: 400)), ("d", 5_400, .autoWhitelisted),
                ("a", 5_500, .autoWhitelisted),
            ]
            for (triplet, time, verdict) in expected {
                try expect(try await store.ask(triplet, client: "net", at: time, under: rules), verdict)
            }
            try expect(try await store.ask("c", client: "other", at: 5_600, under: rules), .known)
            try expect(try await store.everything(in: .autoWhitelist).map(\.sighting.passes), [2])
            try expect(try await store.everything(in: .greylist).count, 3)
        },
        StoreContract(description: "the auto-whitelist counts a client once whose triplets pass at the same moment") {
            store in
            let rules = Rules.sample(clientCount: 9)
            for number in 0..<20 { _ = try await store.ask("a \(number)", client: "net", at: 1_000, under: rules) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { _ = try await store.ask("a \(number)", client: "net", at: 1_400, under: rules) }
                }
                try await group.waitForAll()
            }
            try expect(try await store.everything(in: .autoWhitelist).map(\.sighting.passes), [1])
        },
        StoreContract(description: "the auto-whitelist keeps a client that is in use beyond its age") { store in
            let rules = Rules.sample(maxAge: 320_000, clientCount: 1)
            _ = try await store.ask("a", client: "net", at: 1_000, under: rules)
            _ = try await store.ask("a", client: "net", at: 1_400, under: rules)
            for day in 1...10 {
                let verdict = try await store.ask(
                    "b \(day)", client: "net", at: 1_400 + Int64(day) * 86_400, under: rules)
                try expect(verdict, .autoWhitelisted)
            }
            try expect(try await store.everything(in: .autoWhitelist).map(\.sighting.passes), [1])
        },
        StoreContract(description: "without a client the auto-whitelist stays empty") { store in
            for time: Int64 in [1_000, 1_400, 1_500] { _ = try await store.ask("a", at: time) }
            try expect(try await store.everything(in: .autoWhitelist).count, 0)
        },
        StoreContract(description: "expired entries are as none at look-up") { store in
            _ = try await store.ask("pending", at: 1_000)
            try expect(try await store.ask("pending", at: 1_000 + 172_801), .new(wait: 300))
            _ = try await store.ask("passed", at: 1_000)
            _ = try await store.ask("passed", at: 2_000)
            try expect(try await store.ask("passed", at: 2_000 + 3_024_001), .new(wait: 300))
        },
    ]

    private static let maintaining: [StoreContract] = [
        StoreContract(description: "maintenance removes what is expired, in slices, and nothing else") { store in
            for number in 0..<50 {
                _ = try await store.ask("old \(number)", at: 1_000)
                _ = try await store.ask("young \(number)", at: 200_000)
                _ = try await store.ask("passed \(number)", at: 1_000)
                _ = try await store.ask("passed \(number)", at: 2_000)
            }
            let (removed, slices) = try await store.maintain(.greylist, at: 200_000, limit: 7)
            try expect(removed, 50)
            // A Redis that puts growing its table off has more than seven entries in seven of its places.
            try expect(slices > 5, true)
            let left = try await store.everything(in: .greylist).map(\.sighting)
            try expect(left.count { $0.isPending }, 50)
            try expect(left.count { !$0.isPending }, 50)
            try expect(try await store.maintain(.greylist, at: 200_000, limit: 1_000).removed, 0)
            try expect(try await store.maintain(.greylist, at: 9_000_000, limit: 1_000).removed, 100)
            try expect(try await store.everything(in: .greylist).count, 0)
        },
        StoreContract(description: "maintenance goes on where it was while others write") { store in
            for number in 0..<300 { _ = try await store.ask("old \(number)", at: 1_000) }
            async let writing: Void = {
                for number in 0..<300 { _ = try await store.ask("young \(number)", at: 200_000) }
            }()
            let (first, _) = try await store.maintain(.greylist, at: 200_000, limit: 5)
            try await writing
            // A store that moves its entries about may have missed some.
            let (second, _) = try await store.maintain(.greylist, at: 200_000, limit: 500)
            try expect(first + second, 300)
            try expect(try await store.everything(in: .greylist).count, 300)
        },
        StoreContract(description: "maintenance of the auto-whitelist leaves the greylist alone") { store in
            let rules = Rules.sample(clientCount: 5)
            _ = try await store.ask("a", client: "net", at: 1_000, under: rules)
            _ = try await store.ask("a", client: "net", at: 1_400, under: rules)
            try expect(try await store.maintain(.autoWhitelist, at: 1_400, limit: 10).removed, 0)
            try expect(try await store.maintain(.autoWhitelist, at: 9_000_000, limit: 10).removed, 1)
            try expect(try await store.everything(in: .greylist).count, 1)
        },
        StoreContract(description: "plain keys of any length are kept apart") { store in
            let texts = [
                "", "x", String(repeating: "y", count: 511), String(repeating: "y", count: 512),
                String(repeating: "y", count: 4_000),
            ]
            for text in texts where !text.isEmpty {
                try expect(try await store.ask(text, isHashed: false, at: 1_000), .new(wait: 300))
            }
            for text in texts where !text.isEmpty {
                try expect(try await store.ask(text, isHashed: false, at: 1_100), .early(wait: 200, delay: 100))
            }
        },
        StoreContract(description: "a scan comes to each entry") { store in
            let batch = (0..<500).map { query("192.0.2.0/24/sender \($0)@a/b", isHashed: $0 % 2 == 0, at: 1_000) }
            _ = try await store.answer(batch)
            let keys = try await store.everything(in: .greylist, limit: 33).map(\.key)
            try expect(Set(keys), Set(batch.map { $0.lookups[0].key }))
        },
    ]
}

extension StoreContract {
    static func expect<Value: Equatable>(_ seen: Value, _ expected: Value) throws {
        if seen != expected { throw Broken(description: "expected \(expected), saw \(seen)") }
    }

    /// A query on a triplet of that text.
    public static func query(
        _ triplet: String, aliases: [String] = [], legacy: [String] = [], client: String? = nil,
        legacyClient: String? = nil, network: UInt32 = 0, isHashed: Bool = true, at time: Int64,
        under rules: Rules = Rules.sample()
    ) -> StoreQuery {
        func key(_ text: String) -> Key { Key(Array(text.utf8).span, isHashed: isHashed) }
        var lookups = StoreQuery.Lookups()
        lookups.append(.init(.triplet, key(triplet)))
        for text in aliases { lookups.append(.init(.alias, key(text))) }
        for text in legacy { lookups.append(.init(.legacy, key(text))) }
        if let client { lookups.append(.init(.client, key(client))) }
        if let legacyClient { lookups.append(.init(.legacyClient, key(legacyClient))) }
        return StoreQuery(lookups, network: network, time: Timestamp(seconds: time), rules: rules)
    }
}

extension Store {
    /// Puts one batch and waits for its answer, in which there must be no fault.
    public func answer(_ batch: [StoreQuery]) async throws -> [StoreQuery] {
        let answered = try await withCheckedContinuation { continuation in
            update(batch) { continuation.resume(returning: $0) }
        }.get()
        for query in answered { if let error = query.error { throw error } }
        return answered
    }

    /// Puts one query and waits for its verdict.
    public func ask(
        _ triplet: String, aliases: [String] = [], legacy: [String] = [], client: String? = nil,
        legacyClient: String? = nil, network: UInt32 = 0, isHashed: Bool = true, at time: Int64,
        under rules: Rules = Rules.sample()
    ) async throws -> Verdict? {
        let query = StoreContract.query(
            triplet, aliases: aliases, legacy: legacy, client: client, legacyClient: legacyClient, network: network,
            isHashed: isHashed, at: time, under: rules)
        return try await answer([query])[0].judgement?.verdict
    }

    /// Runs a whole maintenance pass.
    public func maintain(_ table: Table, at time: Int64, limit: Int) async throws -> (removed: Int, slices: Int) {
        var total = (removed: 0, slices: 0)
        var cursor: Cursor?
        repeat {
            let slice = try await expire(
                table, from: cursor, limit: limit, at: Timestamp(seconds: time), under: Rules.sample())
            total.removed += slice.removed
            total.slices += 1
            cursor = slice.next
        } while cursor != nil
        return total
    }
}

extension EntrySource {
    /// Reads a whole table, slice by slice.
    public func everything(
        in table: Table, limit: Int = 100
    ) async throws -> [Entry] {
        var entries: [Entry] = []
        var cursor: Cursor?
        repeat {
            let slice = try await scan(table, from: cursor, limit: limit)
            entries += slice.entries
            cursor = slice.next
        } while cursor != nil
        return entries
    }
}
