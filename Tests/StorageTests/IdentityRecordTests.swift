import Greylist
import SampleOptions
import Storage
import StoreContract
import Testing

struct IdentityRecordTests {
    private func key(_ text: String, isHashed: Bool = false) -> Key { Key(Array(text.utf8).span, isHashed: isHashed) }

    private func entry(_ text: String, at time: Int64, isHashed: Bool = false) -> Entry {
        let time = Timestamp(seconds: time)
        return Entry(key: key(text, isHashed: isHashed), sighting: Sighting(passes: 1, first: time, last: time))
    }

    @Test(
        arguments: [
            ("day:example.org", .days, "example.org"), ("rcp:mail.example.org", .recipients, "mail.example.org"),
            ("out:@example.org", .users, "example.org"), ("lane:example.org", .lane, "example.org"),
            ("out:a@b/c@d", .correspondence, nil), ("out:a@b/@d", .correspondence, nil),
            ("out:a/b@c/d@e", .correspondence, nil),
        ] as [(String, IdentityRecord, String?)])
    func aKeySaysWhatItIsAbout(_ text: String, _ record: IdentityRecord, _ organisation: String?) {
        #expect(IdentityRecord(key(text)) == record)
        #expect(key(text).organisation.map { String(decoding: $0, as: UTF8.self) } == organisation)
    }

    @Test(
        arguments: [
            "", "day:", "rcp:", "lane:", "out:", "out:@", "out:a@b", "days:example.org", "ptr:example.org/a/b",
            "org:example.org/b", "192.0.2.0/24/a/b",
        ])
    func othersAreOfNoKind(_ text: String) {
        #expect(IdentityRecord(key(text)) == nil)
        #expect(key(text).organisation == nil)
    }

    @Test func aDigestIsThatOfCorrespondence() {
        #expect(IdentityRecord(key("out:a@b/c@d", isHashed: true)) == .correspondence)
        #expect(key("out:a@b/c@d", isHashed: true).organisation == nil)
    }

    @Test func eachKindHasItsAge() {
        let ages = IdentityAges(earned: 100, learned: 200)
        let kinds: [(IdentityRecord, Int64?)] = [
            (.days, 100), (.recipients, 100), (.users, 200), (.correspondence, 200), (.lane, nil),
        ]
        for (record, seconds) in kinds { #expect(ages.seconds(of: record) == seconds) }
        let cases: [(String, Int64)] = [("day:a", 100), ("rcp:a", 100), ("out:@a", 200), ("out:a/b", 200)]
        for (text, age) in cases {
            #expect(!ages.areExceeded(by: entry(text, at: 1_000), at: Timestamp(seconds: 1_000 + age)))
            #expect(ages.areExceeded(by: entry(text, at: 1_000), at: Timestamp(seconds: 1_001 + age)))
        }
        let far = Timestamp(seconds: 1 << 40)
        #expect(!ages.areExceeded(by: entry("lane:a", at: 0), at: far))
        #expect(ages.areExceeded(by: entry("none", at: 0), at: Timestamp(seconds: 0)))
    }

    @Test func identitiesAreMergedWhateverTheirAgeButNotWhatIsNone() async throws {
        let store = MemoryStore()
        let texts = ["day:a", "rcp:a", "out:@a", "lane:a", "out:a/b"]
        let entries = (texts + ["none"]).map { entry($0, at: 1_000) }
        for _ in 0..<2 {
            try await store.mergeIdentities(
                entries, at: Timestamp(seconds: 2_000), under: .sample(), ages: IdentityAges(earned: 9, learned: 99))
        }
        let found = try await store.find(entries.map(\.key), in: .identity)
        #expect(found.map { $0?.passes } == [1, 1, 1, 1, 1, nil])
    }

    /// The rooms of the tables don't depend on each other, and identities aren't first attempts.
    @Test func identitiesHaveTheirOwnRoom() async throws {
        let store = MemoryStore(capacity: 4)
        let rules = Rules.sample(maxPending: 1)
        let first = Timestamp(seconds: 1_000)
        let entries = (0..<6).map { Entry(key: key("day:\($0)"), sighting: Sighting(firstAt: first)) }
        try await store.merge(entries, into: .identity, at: first, under: rules)
        #expect(try await store.count(.identity) == 4)
        #expect(try await store.ask("a", at: 1_000, under: rules) == .new(wait: 300))
        try await store.remove(entries.map(\.key), from: .identity)
        #expect(try await store.ask("b", at: 1_000, under: rules) == .pendingLimitReached(wait: 300))
        #expect(try await store.count(.identity) == 0)
    }
}
