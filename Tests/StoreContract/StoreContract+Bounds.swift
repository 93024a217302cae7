import Greylist
import SampleOptions
import Storage

extension StoreContract {
    /// Nobody can make a store grow without end.
    static let bounds: [StoreContract] = [
        StoreContract(description: "a network has no more first attempts waiting than it may") { store in
            let rules = Rules.sample(maxPendingPerNetwork: 3)
            for number in 0..<3 {
                try expect(try await store.ask("a \(number)", network: 7, at: 1_000, under: rules), .new(wait: 300))
            }
            for number in 3..<6 {
                try expect(
                    try await store.ask("a \(number)", network: 7, at: 1_000, under: rules),
                    .pendingLimitReached(wait: 300))
            }
            try expect(try await store.everything(in: .greylist).count, 3)
            // Others have their own places, those who wait keep theirs, and one that passes makes room.
            try expect(try await store.ask("b", network: 8, at: 1_000, under: rules), .new(wait: 300))
            let early = try await store.ask("a 0", network: 7, at: 1_100, under: rules)
            try expect(early, .early(wait: 200, delay: 100))
            try expect(try await store.ask("a 0", network: 7, at: 1_400, under: rules), .retried(delay: 400))
            try expect(try await store.ask("a 3", network: 7, at: 1_400, under: rules), .new(wait: 300))
            try expect(try await store.ask("a 4", network: 7, at: 1_400, under: rules), .pendingLimitReached(wait: 300))
            try expect(try await store.ask("a 0", network: 7, at: 1_500, under: rules), .known)
        },
        StoreContract(description: "beyond the limit the oldest first attempts are dropped, and none that passed") {
            store in
            let rules = Rules.sample(maxPending: 10)
            for number in 0..<5 { _ = try await store.ask("passed \(number)", at: 1_000, under: rules) }
            for number in 0..<5 {
                let verdict = try await store.ask("passed \(number)", at: 1_400, under: rules)
                try expect(verdict, .retried(delay: 400))
            }
            for number in 0..<30 {
                let time = 2_000 + Int64(number) * 20
                try expect(try await store.ask("a \(number)", at: time, under: rules), .new(wait: 300))
            }
            for number in 20..<30 {
                let waited = Int64(30 - number) * 20
                let verdict = try await store.ask("a \(number)", at: 2_600, under: rules)
                try expect(verdict, .early(wait: 300 - waited, delay: waited))
            }
            for number in 0..<5 {
                try expect(try await store.ask("passed \(number)", at: 2_600, under: rules), .known)
            }
            try expect(try await store.ask("a 0", at: 2_600, under: rules), .new(wait: 300))
        },
        StoreContract(description: "who comes when all places are taken at once isn't remembered") { store in
            let rules = Rules.sample(maxPending: 4)
            let answered = try await store.answer((0..<6).map { query("a \($0)", at: 1_000, under: rules) })
            try expect(answered.count { $0.judgement?.verdict == .new(wait: 300) }, 4)
            try expect(answered.count { $0.judgement?.verdict == .pendingLimitReached(wait: 300) }, 2)
        },
        StoreContract(description: "what waits is counted, and what is dropped by its cause") { store in
            let rules = Rules.sample(maxPending: 4, maxPendingPerNetwork: 2)
            func expectDrops(_ limit: Int, _ network: Int, _ oldest: Int) async throws {
                try expect(try await store.figures().pending.dropped, [limit, network, oldest])
            }
            for (text, network) in [("a 0", 7), ("a 1", 7), ("b", 8), ("c", 9)] as [(String, UInt32)] {
                _ = try await store.ask(text, network: network, at: 1_000, under: rules)
            }
            try expect(try await store.figures().pending.count, 4)
            try await expectDrops(0, 0, 0)
            _ = try await store.ask("a 2", network: 7, at: 1_000, under: rules)
            try await expectDrops(0, 1, 0)
            _ = try await store.ask("d", network: 10, at: 1_000, under: rules)
            try await expectDrops(1, 1, 0)
            // The query comes once more.
            var preliminary = query("a 2", network: 7, at: 1_000, under: rules)
            preliminary.isPreliminary = true
            _ = try await store.answer([preliminary])
            try await expectDrops(1, 1, 0)
            // Those of one moment go together.
            try expect(try await store.ask("d", network: 10, at: 1_020, under: rules), .new(wait: 300))
            try expect(try await store.figures().pending.count, 1)
            try await expectDrops(1, 1, 4)
            // Another retry window: what waits is counted once more, and drops are counted on.
            _ = try await store.ask("e", network: 11, at: 1_020, under: Rules.sample(retryWindow: 100_000))
            try await expectDrops(1, 1, 4)
        },
        StoreContract(description: "a place is free again when its entry has long expired") { store in
            let rules = Rules.sample(maxPendingPerNetwork: 2)
            for number in 0..<2 { _ = try await store.ask("a \(number)", network: 7, at: 1_000, under: rules) }
            try expect(try await store.ask("b", network: 7, at: 100_000, under: rules), .pendingLimitReached(wait: 300))
            try expect(try await store.ask("b", network: 7, at: 400_000, under: rules), .new(wait: 300))
        },
    ]

    /// What comes from elsewhere: another store, or another spelling.
    static let moving: [StoreContract] = [
        StoreContract(description: "what was known under a legacy key counts, and goes on under ours") { store in
            _ = try await store.ask("bounce-7@example.org", at: 1_000)
            _ = try await store.ask("bounce-7@example.org", at: 1_400)
            for time: Int64 in [2_000, 2_001] {
                let verdict = try await store.ask("bounce-#@example.org", legacy: ["bounce-7@example.org"], at: time)
                try expect(verdict, .known)
            }
            try expect(try await store.ask("bounce-#@example.org", at: 2_002), .known)
            try expect(
                try await store.ask("news-#@example.org", legacy: ["news-8@example.org"], at: 2_000), .new(wait: 300))
        },
        StoreContract(description: "what is known under a legacy key is written under ours at once, and only once") {
            store in
            for time: Int64 in [1_000, 1_400] { _ = try await store.ask("a7", at: time) }
            let former = try await store.everything(in: .greylist)
            for time: Int64 in [1_500, 1_600] {
                try expect(try await store.ask("a#", legacy: ["a0", "a7"], at: time), .known)
                let own = try await store.everything(in: .greylist).filter { !former.contains($0) }
                try expect(own.map(\.key), [query("a#", at: time).lookups[0].key])
                try expect(own.map(\.sighting.passes), [2])
                try expect(own.map(\.sighting.last), [Timestamp(seconds: 1_500)])
            }
            try expect(try await store.everything(in: .greylist).count, 2)
        },
        StoreContract(description: "a first attempt under a legacy key goes on waiting") { store in
            _ = try await store.ask("a7", at: 1_000)
            try expect(try await store.ask("a#", legacy: ["a7"], at: 1_100), .early(wait: 200, delay: 100))
            try expect(try await store.ask("a#", legacy: ["a7"], at: 1_400), .retried(delay: 400))
            try expect(try await store.ask("a#", at: 1_500), .known)
        },
        StoreContract(description: "of a triplet's keys one that has passed counts, else the earliest first attempt") {
            store in
            func pass(_ text: String) async throws {
                for time: Int64 in [1_000, 1_400] { _ = try await store.ask(text, at: time) }
            }
            try await pass("a2")
            try expect(try await store.ask("a", legacy: ["a1", "a2"], at: 2_000), .known)
            // Whatever the order, as where an entry is imported after its sender has come.
            _ = try await store.ask("b1", at: 1_900)
            try await pass("b2")
            try expect(try await store.ask("b", legacy: ["b1", "b2"], at: 2_000), .known)
            _ = try await store.ask("d", at: 1_450)
            try await pass("d1")
            try expect(try await store.ask("d", legacy: ["d1"], at: 1_500), .known)
            try expect(try await store.ask("d", at: 1_501), .known)
            _ = try await store.ask("f", at: 1_900)
            _ = try await store.ask("f1", at: 1_000)
            try expect(try await store.ask("f", legacy: ["f1"], at: 2_000), .retried(delay: 1_000))
            try expect(try await store.ask("f", at: 2_001), .known)
            _ = try await store.ask("g", at: 1_000)
            _ = try await store.ask("g1", at: 1_050)
            try expect(try await store.ask("g", legacy: ["g1"], at: 1_100), .early(wait: 200, delay: 100))
            // One that has expired gives way, whether it is the triplet's own or a legacy one.
            _ = try await store.ask("c", at: 1_000)
            _ = try await store.ask("c1", at: 1_000)
            try await pass("c2")
            try expect(try await store.ask("c", legacy: ["c1", "c2"], at: 200_000), .known)
            try expect(try await store.ask("c", at: 200_001), .known)
            // None of them, and nothing new under any but ours.
            try expect(try await store.ask("e", legacy: ["e1", "e2"], at: 2_000), .new(wait: 300))
            try expect(try await store.ask("e1", at: 2_001), .new(wait: 300))
        },
        StoreContract(description: "the auto-whitelist counts beside legacy keys, which are only read") { store in
            let rules = Rules.sample(clientCount: 5)
            for time: Int64 in [1_000, 1_400] {
                _ = try await store.ask("f2", client: "net", at: time, under: rules)
            }
            let before = try await store.everything(in: .greylist)
            let batch = [
                query("f", legacy: ["f1", "f2"], client: "net", at: 1_500, under: rules),
                query("g", legacy: ["f1", "f"], client: "net", at: 1_500, under: rules),
                query("h", legacy: ["h1", "h2"], client: "net", at: 1_500, under: rules),
            ]
            let verdicts = try await store.answer(batch).map { $0.judgement?.verdict }
            try expect(verdicts[0], .known)
            try expect(verdicts[2], .new(wait: 300))
            let after = try await store.everything(in: .greylist)
            for entry in before { try expect(after.contains(entry), true) }
            try expect(Set(after.map(\.key)).isSuperset(of: [batch[0].lookups[0].key, batch[2].lookups[0].key]), true)
        },
        StoreContract(description: "what a client had earned under a legacy key counts on under ours, or lets it pass")
        {
            store in
            let rules = Rules.sample(clientCount: 5)
            let time = Timestamp(seconds: 1_000)
            func entry(_ text: String, _ passes: UInt32) -> Entry {
                let key = Key(Array(text.utf8).span, isHashed: true)
                return Entry(key: key, sighting: Sighting(passes: passes, first: time, last: time))
            }
            let entries = [entry("much", 9), entry("some", 3), entry("own", 1)]
            try await store.merge(entries, into: .autoWhitelist, at: time, under: rules)
            func passes(_ text: String) async throws -> UInt32? {
                let key = entry(text, 0).key
                return try await store.everything(in: .autoWhitelist).first { $0.key == key }?.sighting.passes
            }
            try expect(
                try await store.ask("a", client: "new", legacyClient: "much", at: 1_100, under: rules), .autoWhitelisted
            )
            try expect(
                try await store.ask("b", client: "own", legacyClient: "much", at: 1_100, under: rules), .autoWhitelisted
            )
            // It counts on what is known under the legacy key, where nothing is under its own.
            for (client, triplet) in [("other", "c"), ("own", "d")] {
                try expect(
                    try await store.ask(triplet, client: client, legacyClient: "some", at: 9_000, under: rules),
                    .new(wait: 300))
                try expect(
                    try await store.ask(triplet, client: client, legacyClient: "some", at: 9_400, under: rules),
                    .retried(delay: 400))
            }
            try expect(try await passes("other"), 4)
            try expect(try await passes("own"), 2)
            try expect(try await passes("some"), 3)
            try expect(try await passes("much"), 9)
        },
        StoreContract(
            description: "entries of another store are added, those of both are merged, and twice does no harm"
        ) {
            store in
            _ = try await store.ask("both", at: 1_000)
            _ = try await store.ask("both", at: 2_000)
            let (now, rules) = (Timestamp(seconds: 5_000), Rules.sample(clientCount: 2))
            func entry(_ text: String, _ passes: UInt32, _ time: Int64) -> Entry {
                let time = Timestamp(seconds: time)
                let key = Key(Array(text.utf8).span, isHashed: true)
                return Entry(key: key, sighting: Sighting(passes: passes, first: time, last: time))
            }
            let greylist = [entry("both", 3, 1_500), entry("passed", 5, 4_000), entry("pending", 0, 4_900)]
            for _ in 0..<2 {
                try await store.merge(greylist, into: .greylist, at: now, under: rules)
                try await store.merge([entry("net", 2, 4_000)], into: .autoWhitelist, at: now, under: rules)
                let passes = try await store.everything(in: .greylist).map(\.sighting.passes).sorted()
                try expect(passes, [0, 3, 5])
            }
            try expect(try await store.ask("passed", at: 5_000), .known)
            try expect(try await store.ask("pending", at: 5_000), .early(wait: 200, delay: 100))
            try expect(try await store.ask("other", client: "net", at: 5_000, under: rules), .autoWhitelisted)
            // The last pass of both is the later one: at 2,000.
            try expect(try await store.ask("both", at: 2_000 + 3_024_000), .known)
        },
        StoreContract(description: "what need not wait has passed from then on, whatever else is asked for") { store in
            for (number, aliases) in [[], ["alias"]].enumerated() {
                var spared = StoreContract.query("spared \(number)", aliases: aliases, at: 1_000)
                spared.merit = .earned
                var carried = StoreContract.query("carried \(number)", at: 1_000)
                carried.carrying = Carrying(passesNew: true)
                let answered = try await store.answer([spared, carried]).map { $0.judgement?.verdict }
                try expect(answered, [.spared(.earned), .carried])
                try expect(try await store.ask("spared \(number)", at: 1_001), .known)
                try expect(try await store.ask("carried \(number)", at: 1_001), .known)
            }
        },
        StoreContract(description: "what has expired takes nothing from what is merged with it, nor it from that") {
            store in
            let keys = ["passed", "waiting"].map { Key(Array($0.utf8).span, isHashed: true) }
            let (old, now) = (Timestamp(seconds: 1_000), Timestamp(seconds: 4_000_000))
            let (passed, waiting) = (Sighting(passes: 3, first: old, last: old), Sighting(firstAt: now))
            let rules = Rules.sample()
            try await store.merge([Entry(key: keys[0], sighting: passed)], into: .greylist, at: old, under: rules)
            try await store.merge([Entry(key: keys[1], sighting: waiting)], into: .greylist, at: now, under: rules)
            let others = [Entry(key: keys[0], sighting: waiting), Entry(key: keys[1], sighting: passed)]
            for _ in 0..<2 {
                try await store.merge(others, into: .greylist, at: now, under: rules)
                try expect(try await store.find(keys, in: .greylist), [waiting, waiting])
            }
            try expect(try await store.ask("passed", at: 4_000_300), .retried(delay: 300))
        },
    ]
}
