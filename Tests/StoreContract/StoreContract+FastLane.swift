import Engine
import Greylist
import SampleOptions
import Storage

/// What an organisation earns from day to day, as the engine asks for it and the store keeps it.
extension StoreContract {
    static let earning: [StoreContract] = [
        StoreContract(description: "days 1 to 3 wait, and on day 4 mail that two recipients accepted need not") {
            store in
            var site = Site(store)
            for day in 1...3 {
                try expect(try await site.merit(of: "a.example"), nil)
                // The same recipient twice in a day: neither counts for more.
                for _ in 0..<2 { try await site.accepts("a.example", isByNewRecipient: false) }
                if day < 3 { try await site.accepts("a.example", isByNewRecipient: true) }
                site.wait(86_400)
            }
            try expect(try await site.merit(of: "a.example"), nil)
            try await site.accepts("a.example", isByNewRecipient: false)
            try expect(try await site.merit(of: "a.example"), .earned)
            try expect(try await site.merit(of: "b.example"), nil)
            site.wait(90 * 86_400)
            try expect(try await site.merit(of: "a.example"), .earned)
            site.wait(1)
            try expect(try await site.merit(of: "a.example"), nil)
            // What it had is no start.
            try await site.accepts("a.example", isByNewRecipient: true)
            try expect(try await site.entry(.days(of: Array("a.example".utf8)))?.passes, 1)
            try expect(try await site.merit(of: "a.example"), nil)
        },
        StoreContract(description: "20 hours make a day, and less doesn't") { store in
            var site = Site(store)
            for _ in 0..<4 {
                try await site.accepts("a.example", isByNewRecipient: true)
                site.wait(71_999)
            }
            // Each second mail comes 40 hours less two seconds after the one before that counted.
            try expect(try await site.entry(.days(of: Array("a.example".utf8)))?.passes, 2)
            try expect(try await site.entry(.recipients(of: Array("a.example".utf8)))?.passes, 4)
        },
        StoreContract(description: "three users who wrote to an organisation do instead of days, once each") { store in
            var site = Site(store)
            for user in ["u1", "u1", "u2", "u2"] {
                try await site.wrote(user, "x@a.example")
                try await site.wrote(user, "y@a.example")
            }
            try expect(try await site.entry(.users(of: Array("a.example".utf8)))?.passes, 2)
            try expect(try await site.merit(of: "a.example"), nil)
            try await site.wrote("u3", "x@a.example")
            try expect(try await site.merit(of: "a.example"), .earned)
            site.wait(90 * 86_400 + 1)
            try expect(try await site.merit(of: "a.example"), nil)
        },
        StoreContract(description: "an address and an organisation that a user wrote to are known for 90 days") {
            store in
            var site = Site(store)
            try await site.wrote("u1", "x@a.example")
            let pair = Key(Array("out:u1@site.example/x@a.example".utf8).span, isHashed: true)
            let other = Key(Array("out:u1@site.example/@a.example".utf8).span, isHashed: true)
            for key in [pair, other] { try expect(try await site.entry(key)?.passes, 1) }
            // Written anew once in a 32nd of the time.
            let first = try await site.entry(pair)?.last
            site.wait(86_400)
            try await site.wrote("u1", "x@a.example")
            try expect(try await site.entry(pair)?.last, first)
            site.wait(2 * 86_400)
            try await site.wrote("u1", "x@a.example")
            try expect(try await site.entry(pair)?.last, site.now)
        },
    ]

    /// A site with a clock that stands until it is moved.
    private struct Site {
        let store: any Store
        var now = Timestamp(seconds: 1_800_000_000)
        private let rules = FastLaneRules.sample()
        private var tally = IdentityUpdate.Tally()

        init(_ store: any Store) {
            self.store = store
        }

        mutating func wait(_ seconds: Int64) { now.seconds += seconds }

        mutating func accepts(_ organisation: String, isByNewRecipient: Bool) async throws {
            try await apply(
                .accepted(organisation: Array(organisation.utf8), isByNewRecipient: isByNewRecipient, at: now))
        }

        mutating func wrote(_ user: String, _ remote: String) async throws {
            guard
                let pair = Correspondence(
                    user: Array("\(user)@site.example".utf8).span, remote: Array(remote.utf8).span)
            else { throw Broken(description: "\(user) and \(remote) are no correspondence") }
            try await apply(.wrote(pair, organisation: Array(pair.remoteDomain), login: Array(user.utf8), at: now))
        }

        private mutating func apply(_ event: IdentityEvent) async throws {
            let update = IdentityUpdate([event], under: rules, keys: .hashed)
            let found = try await store.find(update.keys, in: .identity)
            let changes = update.changes(
                after: found, at: now, under: .init(perUser: 100, perSite: 100), counting: &tally)
            try await store.remove(changes.outdated, from: .identity)
            try await store.mergeIdentities(
                changes.entries, at: now, under: .sample(), ages: IdentityAges(rules))
        }

        func entry(_ key: Key) async throws -> Sighting? { try await store.find([key], in: .identity)[0] }

        func merit(of organisation: String) async throws -> Merit? {
            let name = Array(organisation.utf8)
            let keys: [Key] = [.days(of: name), .recipients(of: name), .users(of: name), .lane(of: name)]
            let found = try await store.find(keys, in: .identity)
            var standing = Standing()
            (standing.days, standing.recipients, standing.users, standing.lane) = (
                found[0], found[1], found[2], found[3]
            )
            return standing.merit(at: now, under: rules, isTrusted: true)
        }
    }
}
