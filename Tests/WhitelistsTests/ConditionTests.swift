import Greylist
import Testing

@testable import Whitelists

/// Every condition, where it holds and where it doesn't, however an entry is indexed.
struct ConditionTests {
    static func pattern(_ subject: Condition.Subject, _ text: String, isAnchored: Bool = true) -> Condition? {
        (try? TextPattern(text, isAnchored: isAnchored)).map { .pattern(subject, $0) }
    }

    static let domain = Domain("example.org")

    static let cases: [(condition: Condition?, request: [String: String], holds: Bool)] = [
        (WhitelistTests.name("example.org"), ["client_name": "mx.example.org"], true),
        (WhitelistTests.name("example.org"), ["client_name": "EXAMPLE.ORG."], true),
        (WhitelistTests.name(".Example.org."), ["client_name": "a.b.c.example.org"], true),
        (WhitelistTests.name("example.org"), ["client_name": "badexample.org"], false),
        (WhitelistTests.name("example.org"), ["client_name": "example.org.evil"], false),
        (WhitelistTests.name("example.org"), ["client_name": "unknown", "reverse_client_name": "example.org"], false),
        (WhitelistTests.name("example.org"), ["client_name": "."], false),
        (WhitelistTests.name("example.org"), ["client_name": ""], false),
        (WhitelistTests.name("example.org"), [:], false),
        // Without a name a client is unknown.
        (WhitelistTests.name("unknown"), ["client_name": ""], true),
        (WhitelistTests.name("unknown"), ["client_name": "unknown"], true),
        (WhitelistTests.name("unknown"), [:], true),
        (WhitelistTests.name("unknown"), ["client_name": "mx.example.org"], false),
        (WhitelistTests.name("unknown"), ["client_name": "", "helo_name": "mx.example.org"], true),
        (domain.map(Condition.heloName), ["client_name": "", "helo_name": ""], false),
        (pattern(.clientName, "unknown$"), ["client_name": ""], true),
        (pattern(.attribute("client_name"), "unknown$"), ["client_name": ""], true),
        (.attribute(name: "client_name", value: "unknown"), ["client_name": ""], true),
        (.attribute(name: "client_name", value: ""), ["client_name": ""], false),
        // A dot at the end of a domain
        (domain.map(Condition.senderDomain), ["sender": "a@example.org."], true),
        (domain.map(Condition.recipientDomain), ["recipient": "a@x.example.org."], true),
        (pattern(.sender, ".*@example\\.org$"), ["sender": "a@example.org."], true),
        (pattern(.recipient, ".*@example\\.org$"), ["recipient": "a@example.org."], true),
        (.attribute(name: "sender", value: "a@example.org"), ["sender": "a@Example.org."], true),
        (domain.map(Condition.heloName), ["helo_name": "x.example.org"], true),
        (domain.map(Condition.heloName), ["client_name": "x.example.org"], false),
        (domain.map(Condition.senderDomain), ["sender": "a@x.EXAMPLE.org"], true),
        (domain.map(Condition.senderDomain), ["sender": "a@example.org"], true),
        (domain.map(Condition.senderDomain), ["sender": "example.org"], false),
        (domain.map(Condition.senderDomain), ["sender": ""], false),
        (domain.map(Condition.recipientDomain), ["recipient": "a@b@x.example.org"], true),
        (domain.map(Condition.recipientDomain), ["recipient": "a@example.org@b"], false),
        (pattern(.clientName, "mx[0-9]+\\."), ["client_name": "MX7.example.org"], true),
        (pattern(.clientName, "mx[0-9]+\\."), ["client_name": "a.mx7.example.org"], false),
        (pattern(.clientName, "mx[0-9]+\\.", isAnchored: false), ["client_name": "a.mx7.example.org"], true),
        (pattern(.heloName, "h"), ["helo_name": "hello"], true),
        (pattern(.heloName, "h"), ["helo_name": String(repeating: "h", count: 1_024)], true),
        (pattern(.heloName, "h"), ["helo_name": String(repeating: "h", count: 1_025)], false),
        (pattern(.sender, "bounce"), ["sender": "Bounce-1@x"], true),
        (pattern(.recipient, "bounce"), ["sender": "bounce"], false),
        (pattern(.recipient, ".*\\+test@"), ["recipient": "u+test@c"], true),
        (pattern(.attribute("sasl_method"), "PLAIN|LOGIN"), ["sasl_method": "login"], true),
        (pattern(.attribute("sasl_method"), "PLAIN|LOGIN"), [:], false),
        (.attribute(name: "encryption_protocol", value: "TLSv1.3"), ["encryption_protocol": "tlsV1.3"], true),
        (.attribute(name: "encryption_protocol", value: "TLSv1.3"), ["encryption_protocol": "TLSv1.33"], false),
        (.attribute(name: "encryption_protocol", value: ""), [:], true),
        (.attribute(name: "encryption_protocol", value: ""), ["encryption_protocol": ""], true),
        (.attribute(name: "size", value: "12"), ["x_size": "12", "sizes": "12"], false),
        (.attribute(name: "helo_name", value: "h"), ["helo_name": "H"], true),
    ]

    @Test(arguments: cases)
    func holdsOrNot(_ condition: Condition?, _ request: [String: String], _ holds: Bool) throws {
        let condition = try #require(condition)
        let never = Condition.attribute(name: "queue_id", value: "no")
        let always = Condition.not(never)
        for (form, expected) in [
            (condition, holds), (.not(condition), !holds), (.all([condition]), holds), (.any([condition]), holds),
            (.all([always, condition]), holds), (.all([condition, never]), false), (.any([never, condition]), holds),
            (.any([condition, always]), true), (.not(.not(.all([.any([condition, condition])]))), holds),
            (.all([.not(condition), condition]), false), (.any([.not(condition), condition]), true),
        ] {
            let whitelist = WhitelistTests.whitelist([("it", form)])
            #expect(try WhitelistTests.location(in: whitelist, request) == (expected ? "it" : nil), "\(form)")
        }
    }

    @Test func theFirstOfTheOrderDecidesWhateverItsKind() throws {
        let conditions: [(String, Condition?)] = [
            ("any", WhitelistTests.recipient("first@").map { .any([.attribute(name: "stress", value: "yes"), $0]) }),
            ("net", WhitelistTests.network("198.51.100.0", 24)),
            ("regex", Self.pattern(.sender, "x")),
            ("sender", WhitelistTests.sender("x@y")),
            ("name", WhitelistTests.name("mx.example.org")),
            ("wider name", WhitelistTests.name("example.org")),
            ("helo", Domain("h.example").map(Condition.heloName)),
            ("wider net", WhitelistTests.network("198.51.0.0", 16)),
            ("not", .not(.attribute(name: "protocol_name", value: ""))),
        ]
        // Each request matches all from a certain one on.
        let whole = [
            "recipient": "first@c", "client_address": "198.51.100.1", "sender": "x@y", "client_name": "mx.example.org",
            "helo_name": "h.example", "protocol_name": "ESMTP",
        ]
        for (start, expected) in conditions.indices.map({ ($0, conditions[$0].0) }) {
            let rotated = Array(conditions[start...] + conditions[..<start])
            #expect(try WhitelistTests.location(in: WhitelistTests.whitelist(rotated), whole) == expected)
        }
    }

    @Test func whatHasExpiredGivesWayToTheSameAgain() throws {
        var builder = WhitelistBuilder(source: "s")
        for (name, end) in [("a", 10), ("b", 5), ("c", 20), ("d", nil)] as [(String, Int64?)] {
            let expires = end.map { Timestamp(seconds: $0) }
            for condition in [WhitelistTests.network("192.0.2.0", 24), WhitelistTests.sender("e@f")].compactMap(\.self)
            {
                builder.add(WhitelistEntry(condition, expires: expires, name: name), list: "l")
            }
        }
        let whitelist = Whitelist([builder.finish()])
        for (now, expected) in [(0, "a"), (9, "a"), (10, "c"), (19, "c"), (20, "d"), (1_000, "d")] as [(Int64, String)]
        {
            for request in [["client_address": "192.0.2.5"], ["sender": "e@f"]] {
                #expect(try WhitelistTests.location(in: whitelist, request, at: now) == expected)
            }
        }
    }

    @Test func theSourcesAreAskedInTheirOrder() throws {
        let condition = try #require(WhitelistTests.sender("a@b"))
        let parts = ["one", "two"].map { source in
            var builder = WhitelistBuilder(source: source)
            builder.add(WhitelistEntry(condition, name: "n", line: source == "one" ? 3 : 4), list: "l")
            return builder.finish()
        }
        let whitelist = Whitelist(parts)
        #expect(whitelist.count == 2)
        let sample = try #require(SampleRequest(attributes: ["client_address": "192.0.2.1", "sender": "a@b"]))
        #expect(sample.match(in: whitelist, at: Timestamp(seconds: 0))?.location == "one:3(l:n)")
        let other = Whitelist(parts.reversed())
        #expect(sample.match(in: other, at: Timestamp(seconds: 0))?.location == "two:4(l:n)")
    }

    /// A hundred thousand entries for one recipient, each with a network of its own, are indexed by their networks.
    @Test func manyCombinationsWithTheSamePartAreFoundByAnother() throws {
        var builder = WhitelistBuilder(source: "s")
        let box = try #require(WhitelistTests.recipient("box@example.com"))
        for number in 0..<100_000 {
            let client = try #require(
                WhitelistTests.network("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)", 32))
            builder.add(WhitelistEntry(.all([client, box]), name: "\(number)"), list: "l")
        }
        let whitelist = Whitelist([builder.finish()])
        for number in [0, 5, 17, 70_000, 99_999] {
            let client = "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"
            let request = ["client_address": client, "recipient": "Box@example.com"]
            #expect(try WhitelistTests.location(in: whitelist, request) == "\(number)")
            #expect(try WhitelistTests.location(in: whitelist, ["client_address": client]) == nil)
        }
    }

    /// Many entries with nothing but the same key: the first that counts is found, and others don't suffer.
    @Test func manyEntriesWithTheSameKey() throws {
        var builder = WhitelistBuilder(source: "s")
        let keys = [WhitelistTests.sender("e@f"), WhitelistTests.network("192.0.2.0", 24)].compactMap(\.self)
        for number in 0..<50_000 {
            let expires = Timestamp(seconds: Int64(number / 2))
            builder.add(WhitelistEntry(keys[number % 2], expires: expires, name: "\(number)"), list: "l")
        }
        let whitelist = Whitelist([builder.finish()])
        #expect(try WhitelistTests.location(in: whitelist, ["sender": "e@f"], at: 20_000) == "40002")
        #expect(try WhitelistTests.location(in: whitelist, ["client_address": "192.0.2.1"], at: 20_000) == "40003")
        #expect(try WhitelistTests.location(in: whitelist, ["sender": "e@f"], at: 25_000) == nil)
    }

    @Test func namesOfManyLabelsAreLookedUpNoFurtherThanANameGoes() throws {
        let whitelist = WhitelistTests.whitelist([("it", .heloName(try #require(Domain("example.org"))))])
        let labels = String(repeating: "a.", count: 4_000)
        #expect(try WhitelistTests.location(in: whitelist, ["helo_name": labels + "example.org"]) == "it")
        #expect(try WhitelistTests.location(in: whitelist, ["helo_name": labels]) == nil)
    }

    @Test(arguments: ["", ".", "..", "a..b", "a b", "a/b", "exa mple.org", "a@b", String(repeating: "a", count: 254)])
    func isNoDomain(_ text: String) {
        #expect(Domain(text) == nil)
    }

    @Test func aLocationIsAsExactAsItsSource() throws {
        var builder = WhitelistBuilder(source: "f")
        let condition = try #require(WhitelistTests.sender("a@b"))
        builder.add(WhitelistEntry(condition, index: 0, line: 2), list: "one")
        builder.add(WhitelistEntry(condition, name: "own", index: 1, line: 3), list: "one")
        builder.add(WhitelistEntry(condition, index: 2), list: "one")
        builder.add(WhitelistEntry(condition, index: 0, line: 9), list: "two")
        let part = builder.finish()
        #expect((0..<4).map(part.location) == ["f:2(one[0])", "f:3(one:own)", "f(one[2])", "f:9(two[0])"])
    }
}
