import Greylist
import SampleOptions
import Storage
import Testing

@testable import Import

/// What imported entries become at a site.
struct SiteEntriesTests {
    private static let times = ImportedTimes(
        first: Timestamp(seconds: before(900)), last: Timestamp(seconds: before(500)), hasPassed: true)

    private static func network(_ text: String) -> Network {
        guard let network = ClientText.network(Array(text.utf8).span) else { preconditionFailure("a test has a typo") }
        return network
    }

    private static func triplet(_ client: String, _ sender: String, _ recipient: String) -> ImportedEntry {
        .triplet(
            ImportedTriplet(
                client: network(client), sender: Array(sender.utf8), recipient: Array(recipient.utf8), times: times))
    }

    static let keys: [(client: String, sender: String, recipient: String, key: String?)] = [
        ("192.0.2.0/24", "a@x.org", "u@y.org", "192.0.2.0/24/a@x.org/u@y.org"),
        ("192.0.2.7/32", "A@X.org", "U@y.org.", "192.0.2.0/24/a@x.org/u@y.org"),
        ("192.0.2.64/26", "", "u@y.org", "192.0.2.0/24//u@y.org"),
        ("192.0.0.0/16", "a@x.org", "u@y.org", nil),
        ("2001:db8:1:2::/64", "a@x.org", "u@y.org", "2001:db8:1::/48/a@x.org/u@y.org"),
        ("2001:db8::/32", "a@x.org", "u@y.org", nil),
        // Cleaned as the sender of a request is; cleaned before, it stays.
        ("192.0.2.0/24", "list-42@x.org", "u@y.org", "192.0.2.0/24/list-#@x.org/u@y.org"),
        ("192.0.2.0/24", "list-#@x.org", "u@y.org", "192.0.2.0/24/list-#@x.org/u@y.org"),
        ("192.0.2.0/24", "prvs=123456789a=bob+x@x.org", "u@y.org", "192.0.2.0/24/bob@x.org/u@y.org"),
        ("192.0.2.0/24", "a/b@x.org", "u@y.org", #"192.0.2.0/24/a\/b@x.org/u@y.org"#),
        // Addresses that carry others.
        ("64:ff9b::c000:207/128", "a@x", "u@y", "192.0.2.0/24/a@x/u@y"),
        ("64:ff9b::c000:200/120", "a@x", "u@y", "192.0.2.0/24/a@x/u@y"),
        ("64:ff9b::/64", "a@x", "u@y", nil),
        ("2002:c000:207::/64", "a@x", "u@y", "192.0.2.0/24/a@x/u@y"),
        ("2001:0:1:2::/64", "a@x", "u@y", nil),
        ("::/64", "a@x", "u@y", nil),
        ("::/0", "a@x", "u@y", nil),
        ("0.0.0.0/0", "a@x", "u@y", nil),
    ]

    @Test(arguments: keys)
    func aTripletHasTheKeyOfARequest(_ client: String, _ sender: String, _ recipient: String, _ key: String?) {
        for isHashed in [false, true] {
            var site = SiteEntries(
                masks: PrefixLengths.sample(), foldsRecipient: false, keys: isHashed ? .hashed : .plain)
            let expected: SiteEntries.Placement
            if let key {
                let entry = Entry(key: Key(Array(key.utf8).span, isHashed: isHashed), sighting: Self.times.sighting)
                expected = .entry(entry, .greylist)
            } else {
                expected = .leftOut(.widerNetwork)
            }
            #expect(site.place(Self.triplet(client, sender, recipient)) == expected)
        }
    }

    @Test func recipientsAreFoldedWhereTheSiteDoesIt() {
        var site = SiteEntries(masks: PrefixLengths.sample(), foldsRecipient: true, keys: .plain)
        guard case .entry(let entry, .greylist) = site.place(Self.triplet("192.0.2.0/24", "a@x", "u+tag@y")) else {
            Issue.record("left out")
            return
        }
        #expect(entry.key == .text(Array("192.0.2.0/24/a@x/u@y".utf8)))
    }

    @Test func mergingIsIdempotentAndKeepsWhatPassed() async throws {
        let rules = Rules.sample()
        let moment = now
        let key = Key.text(Array("192.0.2.0/24/a@x/u@y".utf8))
        let known: [Sighting] = [
            Sighting(firstAt: Timestamp(seconds: before(2_000))), Sighting(firstAt: Timestamp(seconds: before(100))),
            Sighting(passes: 3, first: Timestamp(seconds: before(950)), last: Timestamp(seconds: before(10))),
        ]
        for sighting in known {
            let store = MemoryStore()
            try await store.merge([Entry(key: key, sighting: sighting)], into: .greylist, at: moment, under: rules)
            var seen: [Sighting] = []
            for _ in 0..<2 {
                var site = SiteEntries(masks: PrefixLengths.sample(), foldsRecipient: false, keys: .plain)
                guard case .entry(let entry, let table) = site.place(Self.triplet("192.0.2.9/32", "a@x", "u@y")) else {
                    Issue.record("left out")
                    return
                }
                try await store.merge([entry], into: table, at: moment, under: rules)
                seen += try await store.scan(.greylist, from: nil, limit: 9).entries.map(\.sighting)
            }
            #expect(seen.count == 2 && seen[0] == seen[1])
            #expect(seen[0].first.seconds == min(sighting.first.seconds, before(900)))
            #expect(seen[0].passes == max(sighting.passes, 1))
            #expect(
                seen[0].last.seconds == (sighting.isPending ? before(500) : max(before(500), sighting.last.seconds)))
        }
    }

    @Test func oneLineNeverFreesANetwork() {
        var site = SiteEntries(masks: PrefixLengths.sample(), foldsRecipient: false, keys: .plain)
        func client(_ text: String, _ first: Int64, _ last: Int64) -> ImportedEntry {
            .client(
                ImportedClient(
                    client: Self.network(text), count: .one, first: Timestamp(seconds: before(first)),
                    last: Timestamp(seconds: before(last))))
        }
        for (text, first, last) in [("192.0.2.0/24", 90, 80), ("192.0.2.7/32", 70, 5), ("198.51.100.0/24", 9, 8)] {
            #expect(site.place(client(text, Int64(first), Int64(last))) == .counted)
        }
        #expect(site.place(client("10.0.0.0/8", 9, 8)) == .leftOut(.widerNetwork))
        let counted = site.takeCounted().sorted { $0.sighting.passes > $1.sighting.passes }
        #expect(
            counted == [
                Entry(
                    key: .text(Array("192.0.2.0/24".utf8)),
                    sighting: Sighting(
                        passes: 2, first: Timestamp(seconds: before(90)), last: Timestamp(seconds: before(5)))),
                Entry(
                    key: .text(Array("198.51.100.0/24".utf8)),
                    sighting: Sighting(
                        passes: 1, first: Timestamp(seconds: before(9)), last: Timestamp(seconds: before(8)))),
            ])
        #expect(site.takeCounted().isEmpty)
    }

    @Test func countingIsBounded() {
        var site = SiteEntries(masks: PrefixLengths.sample(), foldsRecipient: false, keys: .plain, mostCounted: 2)
        let moment = Timestamp(seconds: before(9))
        for octet in 1...2 {
            #expect(!site.isFull)
            _ = site.place(
                .client(
                    ImportedClient(client: Self.network("10.0.\(octet).0/24"), count: .one, first: moment, last: moment)
                ))
        }
        #expect(site.isFull && site.takeCounted().count == 2 && !site.isFull)
    }

    @Test func totalsStandAsTheyAre() {
        var site = SiteEntries(masks: PrefixLengths.sample(), foldsRecipient: false, keys: .plain)
        let moment = Timestamp(seconds: before(9))
        func client(_ count: UInt32) -> ImportedEntry {
            .client(
                ImportedClient(client: Self.network("192.0.2.7"), count: .total(count), first: moment, last: moment))
        }
        let entry = Entry(
            key: .text(Array("192.0.2.0/24".utf8)), sighting: Sighting(passes: 7, first: moment, last: moment))
        #expect(site.place(client(7)) == .entry(entry, .autoWhitelist))
        #expect(site.place(client(0)) == .leftOut(.noEquivalent))
    }
}
