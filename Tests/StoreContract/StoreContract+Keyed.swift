import Engine
import Greylist
import SampleOptions
import Storage

/// Keys under a secret of the site: entries of before are found, and only new keys are written.
extension StoreContract {
    static let keyed: [StoreContract] = [
        StoreContract(
            description: "what waits, or has passed, under a former key passes, and is written under the new one"
        ) {
            store in
            let formers: [(KeyScheme, KeyScheme)] = [
                (.hashed, scheme(1, wasHashed: true)), (.plain, scheme(1, wasHashed: false)),
                (scheme(1, wasHashed: true), scheme(2, other: (1, .former), wasHashed: true)),
                (scheme(1, wasHashed: true), scheme(2, other: (1, .next), wasHashed: true)),
            ]
            for (index, (former, current)) in formers.enumerated() {
                let (waiting, known) = ("192.0.2.0/24/w\(index)@a/b", "192.0.2.0/24/k\(index)@a/b")
                try expect(try await ask(store, known, former, at: 1_000), .new(wait: 300))
                try expect(try await ask(store, known, former, at: 1_301), .retried(delay: 301))
                try expect(try await ask(store, waiting, former, at: 1_302), .new(wait: 300))
                try expect(try await ask(store, waiting, current, at: 1_402), .early(wait: 200, delay: 100))
                try expect(try await ask(store, waiting, current, at: 1_602), .retried(delay: 300))
                try expect(try await ask(store, known, current, at: 1_602), .known)
                // By the new key alone.
                let found = try await store.find([key(waiting, current), key(known, current)], in: .greylist)
                try expect(found.map { $0?.passes == 0 }, [false, false])
                // The entry of before stays as it was.
                let old = try await store.find([key(waiting, former)], in: .greylist)[0]
                try expect(old?.passes, 0)
            }
        },
        StoreContract(description: "of two former keys none is enough where the site has lost both") { store in
            try expect(
                try await ask(store, "192.0.2.0/24/a@a/b", scheme(1, wasHashed: true), at: 1_000), .new(wait: 300))
            let third = scheme(3, other: (2, .former), wasHashed: true)
            try expect(try await ask(store, "192.0.2.0/24/a@a/b", third, at: 1_400), .new(wait: 300))
            try expect(
                try await ask(store, "192.0.2.0/24/a@a/b", scheme(1, wasHashed: true), at: 1_400), .retried(delay: 400))
        },
        StoreContract(description: "a query with as many keys as there may be finds each of them") { store in
            let scheme = scheme(1, other: (2, .former), wasHashed: true)
            let texts = [
                "192.0.2.0/24/s@a/b", "192.0.2.0/24/old@a/b", "192.0.2.0/24/older@a/b", "ptr:x/s@a/b", "org:y/b",
            ]
            let roles: [StoreQuery.Role] = [.triplet, .legacy, .legacy, .alias, .alias]
            for (number, wanted) in texts.flatMap({ keys($0, scheme) }).enumerated() {
                let recipient = "/r\(number)"
                var lookups = StoreQuery.Lookups()
                for (role, text) in zip(roles, texts) {
                    let bytes = Array((text + recipient).utf8)
                    lookups.append(role, bytes.span, by: scheme)
                }
                let own = texts.firstIndex { keys($0, scheme).contains(wanted) } ?? 0
                let place = keys(texts[own], scheme).firstIndex(of: wanted) ?? 0
                let known = keys(texts[own] + recipient, scheme)[place]
                let sighting = Sighting(
                    passes: 1, first: Timestamp(seconds: 1_000), last: Timestamp(seconds: 1_400))
                try await store.merge(
                    [Entry(key: known, sighting: sighting)], into: .greylist, at: Timestamp(seconds: 1_500),
                    under: .sample())
                let query = StoreQuery(lookups, time: Timestamp(seconds: 1_500), rules: .sample())
                let answer = try await store.answer([query])[0]
                try expect(answer.judgement?.verdict, .known)
                try expect(answer.judgement?.matched, [0, 0, 0, 1, 2][own])
                let written = try await store.find(
                    [texts[0], texts[3], texts[4]].map { key($0 + recipient, scheme) }, in: .greylist)
                // Where the triplet's own key is enough, the others aren't looked at.
                try expect(written.allSatisfy { ($0?.passes ?? 0) > 0 }, number > 0)
            }
        },
        StoreContract(description: "the auto-whitelist knows a client under a former key, and counts on") {
            store in
            let rules = Rules.sample(clientCount: 2)
            let (former, current) = (KeyScheme.hashed, scheme(1, wasHashed: true))
            func ask(_ triplet: String, _ scheme: KeyScheme, at time: Int64) async throws -> Verdict? {
                try await StoreContract.ask(store, triplet, scheme, client: "192.0.2.0/24", at: time, under: rules)
            }
            for (index, scheme) in [former, current].enumerated() {
                let start = Int64(10_000 * (index + 1))
                try expect(try await ask("192.0.2.0/24/a\(index)@a/b", scheme, at: start), .new(wait: 300))
                try expect(try await ask("192.0.2.0/24/a\(index)@a/b", scheme, at: start + 400), .retried(delay: 400))
            }
            try expect(try await ask("192.0.2.0/24/c@a/b", current, at: 30_000), .autoWhitelisted)
            let counts = try await store.find(keys("192.0.2.0/24", current), in: .autoWhitelist)
            try expect(counts.map { $0?.passes }, [2, 1])
        },
    ]

    static let keyedIdentities: [StoreContract] = [
        StoreContract(description: "whom users wrote to is known after the key has changed, and counted once") {
            store in
            let rules = FastLaneRules.sample()
            var tally = IdentityUpdate.Tally()
            guard
                let pair = Correspondence(
                    user: Array("u1@site.example".utf8).span, remote: Array("x@a.example".utf8).span)
            else { throw Broken(description: "no correspondence") }
            let schemes = [
                KeyScheme.hashed, scheme(1, wasHashed: true), scheme(2, other: (1, .former), wasHashed: true),
            ]
            for (index, scheme) in schemes.enumerated() {
                let now = Timestamp(seconds: 1_000_000 + Int64(index))
                let event = IdentityEvent.wrote(
                    pair, organisation: Array("a.example".utf8), login: Array("u1".utf8), at: now)
                let update = IdentityUpdate([event], under: rules, keys: scheme)
                let found = try await store.find(update.keys, in: .identity)
                let changes = update.changes(
                    after: found, at: now, under: .init(perUser: 100, perSite: 100), counting: &tally)
                try expect(changes.outdated, [])
                try await store.mergeIdentities(changes.entries, at: now, under: .sample(), ages: IdentityAges(rules))
                let own = try await store.find(
                    [scheme.key(pair.text.span), .users(of: Array("a.example".utf8))], in: .identity)
                try expect(own.map { $0?.passes }, [1, 1])
            }
            try expect(tally.lessons, [1, 1])
        }
    ]

    /// The scheme under the site's key of that number.
    private static func scheme(
        _ number: UInt8, other: (UInt8, SiteKeys.Role)? = nil, wasHashed: Bool
    ) -> KeyScheme {
        func key(_ number: UInt8) -> SiteKey {
            guard let key = SiteKey(Array(repeating: number, count: SiteKey.size)) else {
                preconditionFailure("as many bytes as a key has are a key")
            }
            return key
        }
        let keys = SiteKeys(current: key(number), other: other.map { (key($0), $1) })
        return .keyed(SiteKeyring(keys, wasHashed: wasHashed))
    }

    private static func keys(_ text: String, _ scheme: KeyScheme) -> [Key] { scheme.keys(Array(text.utf8).span) }
    private static func key(_ text: String, _ scheme: KeyScheme) -> Key { scheme.key(Array(text.utf8).span) }

    private static func ask(
        _ store: any Store, _ triplet: String, _ scheme: KeyScheme, client: String? = nil, at time: Int64,
        under rules: Rules = .sample()
    ) async throws -> Verdict? {
        var lookups = StoreQuery.Lookups()
        lookups.append(.triplet, Array(triplet.utf8).span, by: scheme)
        if let client { lookups.append(.client, Array(client.utf8).span, by: scheme) }
        let query = StoreQuery(lookups, time: Timestamp(seconds: time), rules: rules)
        return try await store.answer([query])[0].judgement?.verdict
    }
}
