import Greylist
import SampleOptions
import Testing

/// What the table of identities says of a sender, by tables.
struct FastLaneTests {
    private static let day: Int64 = 86_400
    private static let now = Timestamp(seconds: 1_000 * day)

    private static func entry(_ count: UInt32, daysAgo: Int64 = 0, seconds: Int64 = 0) -> Sighting {
        let moment = Timestamp(seconds: now.seconds - daysAgo * day - seconds)
        return Sighting(passes: count, first: moment, last: moment)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let expected: Merit?
        var isTrusted = true
        var lane = FastLane.all
        let change: @Sendable (inout Standing) -> Void

        init(
            _ text: String, _ expected: Merit?, isTrusted: Bool = true, lane: FastLane = .all,
            _ change: @escaping @Sendable (inout Standing) -> Void
        ) {
            (testDescription, self.expected, self.isTrusted, self.lane) = (text, expected, isTrusted, lane)
            self.change = change
        }
    }

    static let cases: [Case] = [
        Case("nothing is known", nil) { _ in },
        Case("four days and two recipients", .earned) { ($0.days, $0.recipients) = (entry(4), entry(2)) },
        Case("three days", nil) { ($0.days, $0.recipients) = (entry(3), entry(9)) },
        Case("one recipient", nil) { ($0.days, $0.recipients) = (entry(9), entry(1)) },
        Case("90 days ago", .earned) { ($0.days, $0.recipients) = (entry(4, daysAgo: 90), entry(2, daysAgo: 90)) },
        Case("90 days and a second ago", nil) {
            ($0.days, $0.recipients) = (entry(4, daysAgo: 90, seconds: 1), entry(2))
        },
        Case("recipients 90 days and a second ago", nil) {
            ($0.days, $0.recipients) = (entry(4), entry(2, daysAgo: 90, seconds: 1))
        },
        Case("no proof to trust, or shared", nil, isTrusted: false) {
            ($0.days, $0.recipients, $0.users) = (entry(9), entry(9), entry(9))
        },
        Case("three users wrote to it", .earned) { $0.users = entry(3) },
        Case("two users wrote to it", nil) { $0.users = entry(2) },
        Case("users long ago", nil) { $0.users = entry(3, daysAgo: 90, seconds: 1) },
        Case("a correspondent", .correspondent) { $0.address = entry(1) },
        Case("a correspondent's organisation", .correspondent) { $0.correspondent = entry(1) },
        Case("a correspondent whose proof is weak", .correspondent, isTrusted: false) { $0.address = entry(1) },
        Case("a correspondent 90 days and a second ago", nil) { $0.address = entry(1, daysAgo: 90, seconds: 1) },
        Case("correspondents alone", .correspondent, lane: .correspondents) { $0.address = entry(1) },
        Case("correspondents alone, and earned", nil, lane: .correspondents) {
            ($0.days, $0.recipients, $0.users) = (entry(9), entry(9), entry(9))
        },
        Case("off", nil, lane: .off) { ($0.address, $0.days, $0.recipients) = (entry(1), entry(9), entry(9)) },
        Case("denied", nil) { ($0.days, $0.recipients, $0.lane) = (entry(9), entry(9), entry(4, daysAgo: 1)) },
        Case("denied, and a correspondent", .correspondent) { ($0.address, $0.lane) = (entry(1), entry(4)) },
        Case("allowed for ever", .earned) { $0.lane = entry(2, daysAgo: 900) },
        Case("allowed, without a proof to trust", nil, isTrusted: false) { $0.lane = entry(2) },
        Case("forgotten since a correspondent", nil) {
            ($0.address, $0.lane) = (entry(1, daysAgo: 2), entry(1, daysAgo: 1))
        },
        Case("forgotten before a correspondent", .correspondent) {
            ($0.address, $0.lane) = (entry(1, daysAgo: 1), entry(1, daysAgo: 2))
        },
        Case("denied since it was forgotten", nil) {
            ($0.address, $0.users, $0.lane) = (entry(1, daysAgo: 2), entry(9), entry(5, daysAgo: 1))
        },
        Case("allowed since it was forgotten", .earned) {
            ($0.address, $0.lane) = (entry(1, daysAgo: 2), entry(3, daysAgo: 1))
        },
        Case("an order of a later version", nil) { $0.lane = entry(77) },
    ]

    @Test(arguments: cases)
    func merit(_ test: Case) {
        var standing = Standing()
        test.change(&standing)
        let merit = standing.merit(at: Self.now, under: .sample(lane: test.lane), isTrusted: test.isTrusted)
        #expect(merit == test.expected)
    }

    @Test func ordersKeepTheMomentOfForgetting() {
        let forgotten = Sighting(forgettingAt: Timestamp(seconds: 5))
        for order in [LaneMark.Order.allowed, .denied] {
            let entry = Sighting(order, after: forgotten, at: Self.now)
            #expect(
                entry.last.seconds == 5 && LaneMark(entry)?.forgetsBefore == true && LaneMark(entry)?.order == order)
            let other = Sighting(order == .allowed ? .denied : .allowed, after: entry, at: Self.now)
            #expect(other.last.seconds == 5 && LaneMark(other)?.order != order)
            let fresh = Sighting(order, after: nil, at: Self.now)
            #expect(fresh.last == Self.now && LaneMark(fresh)?.forgetsBefore == false)
        }
    }

    @Test func aDayCountsOnceIn20Hours() {
        let rules = FastLaneRules.sample()
        let first = Sighting.countingDay(nil, at: Self.now, under: rules)
        #expect(first?.passes == 1)
        for (seconds, passes) in [(0, nil), (71_999, nil), (72_000, 2), (90 * 86_400, 2), (90 * 86_400 + 1, 1)]
            as [(Int64, UInt32?)]
        {
            let moment = Timestamp(seconds: Self.now.seconds + seconds)
            #expect(Sighting.countingDay(first, at: moment, under: rules)?.passes == passes, "\(seconds)")
        }
        // A clock that was set back by days says that a day has passed; by a minute it doesn't.
        #expect(Sighting.countingDay(first, at: Timestamp(seconds: Self.now.seconds - 60), under: rules) == nil)
    }

    @Test func aPostIsWrittenOnceInAWhile() {
        let rules = FastLaneRules.sample()
        let first = Sighting.learning(nil, at: Self.now, under: rules)
        #expect(first?.isNew == true && first?.entry.passes == 1)
        let month = 90 * Self.day / 32
        #expect(Sighting.learning(first?.entry, at: Timestamp(seconds: Self.now.seconds + month), under: rules) == nil)
        let later = Timestamp(seconds: Self.now.seconds + month + 1)
        let second = Sighting.learning(first?.entry, at: later, under: rules)
        #expect(second?.isNew == false && second?.entry.last == later)
        // What a log tells of the past changes nothing.
        #expect(Sighting.learning(first?.entry, at: Timestamp(seconds: 5), under: rules) == nil)
    }

    static let addresses: [(String, String?)] = [
        ("User+tag@Example.ORG.", "user@example.org"), ("a@x", "a@x"), ("prvs=0123456789=bob@x.org", "bob@x.org"),
        ("SRS0=aa=bb=other.example=joe@fwd.example", "srs0=aa=bb=other.example=joe@fwd.example"),
        ("+x@y.org", "+x@y.org"), ("\"a+b\"@y.org", "\"a+b\"@y.org"), ("", nil), ("@x.org", nil), ("a@", nil),
        ("nobody", nil), (String(repeating: "a", count: 320) + "@x.org", nil), ("a@b@c.org", "a@b@c.org"),
    ]

    @Test(arguments: addresses)
    func anAddressLosesWhatChanges(_ address: String, _ expected: String?) {
        let plain = Correspondence.plain(Array(address.utf8).span)
        #expect(plain.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test func keysAreEscaped() throws {
        let found = Correspondence(user: Array("a/b@x.org".utf8).span, remote: Array("c\\d@y.org".utf8).span)
        let pair = try #require(found)
        #expect(String(decoding: pair.text, as: UTF8.self) == "out:a\\/b@x.org/c\\\\d@y.org")
        #expect(String(decoding: pair.remoteDomain, as: UTF8.self) == "y.org")
        let text = Correspondence.text(user: pair.user, organisation: Array("y.org".utf8))
        #expect(String(decoding: text, as: UTF8.self) == "out:a\\/b@x.org/@y.org")
    }

    @Test func whoHasMeritPassesAndIsRemembered() {
        let rules = Rules.sample()
        let now = Timestamp(seconds: 1_000)
        let new = judge(StoredState(), at: now, under: rules, merit: .earned)
        #expect(new.verdict == .spared(.earned) && new.remember.triplet?.isPending == false)
        let full = judge(StoredState(isPendingLimitReached: true), at: now, under: rules, merit: .correspondent)
        #expect(full.verdict == .spared(.correspondent))
        let pending = StoredState(triplet: Sighting(firstAt: Timestamp(seconds: 900)))
        let early = judge(pending, at: now, under: rules, merit: .earned)
        #expect(early.verdict == .spared(.earned) && early.remember.triplet?.first.seconds == 900)
        let passed = StoredState(triplet: Sighting(firstAt: Timestamp(seconds: 900)).passing(at: now))
        #expect(judge(passed, at: now, under: rules, merit: .earned).verdict == .known)
    }
}
