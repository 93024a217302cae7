import Greylist
import Testing

@testable import Whitelists

struct WhitelistTests {
    static let conditions: [(String, Condition?)] = [
        ("10/8", network("10.0.0.0", 8)),
        ("10.1/16", network("10.1.0.0", 16)),
        ("a host", network("192.0.2.9", 32)),
        ("v6", network("2001:db8::", 32)),
        ("whole", recipient("Full@Example.com")),
        ("extension", recipient("user+ext@example.com")),
        ("user", recipient("postmaster")),
        ("user@", recipient("abuse@")),
        ("@domain", recipient("@open.example")),
        ("after @domain", recipient("late@open.example")),
        ("sender", sender("friend@example.net")),
        ("sender domain", sender("@lists.example")),
        ("through the translator", network("64:ff9b::192.0.2.0", 120)),
        ("more through the translator", network("64:ff9b::198.51.100.0", 120)),
        ("6to4", network("2002:a00::", 24)),
        ("with a dot", recipient("dot@example.com.")),
        ("a domain with a dot", sender("@dot.example.")),
    ]
    static let whitelist = whitelist(conditions)

    static let cases: [(client: String, sender: String, recipient: String, location: String?)] = [
        ("10.1.2.3", "a@b", "u@c", "10/8"),
        ("10.255.255.255", "a@b", "u@c", "10/8"),
        ("11.0.0.0", "a@b", "u@c", nil),
        ("::ffff:10.0.0.1", "a@b", "u@c", "10/8"),
        ("192.0.2.9", "a@b", "u@c", "a host"),
        ("192.0.2.8", "a@b", "u@c", nil),
        // Behind a translator, but not at the end of a tunnel
        ("64:ff9b::192.0.2.9", "a@b", "u@c", "a host"),
        ("64:ff9b:1::192.0.2.9", "a@b", "u@c", "a host"),
        ("::ffff:0:192.0.2.9", "a@b", "u@c", "a host"),
        ("::192.0.2.9", "a@b", "u@c", "a host"),
        ("[::ffff:192.0.2.9]", "a@b", "u@c", "a host"),
        ("[IPv6:2001:db8::1]", "a@b", "u@c", "v6"),
        ("64:ff9b::192.0.2.8", "a@b", "u@c", "through the translator"),
        ("64:ff9b::198.51.100.7", "a@b", "u@c", "more through the translator"),
        ("64:ff9b::192.0.3.7", "a@b", "u@c", nil),
        ("2002:c000:209::1", "a@b", "u@c", nil),
        ("2002:a00:1::1", "a@b", "u@c", "6to4"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdf6", "a@b", "u@c", nil),
        ("2001:db8:ffff::1", "a@b", "u@c", "v6"),
        ("2001:db9::1", "a@b", "u@c", nil),
        ("1.1.1.1", "a@b", "full@EXAMPLE.com", "whole"),
        ("1.1.1.1", "a@b", "full+x@example.com", "whole"),
        ("1.1.1.1", "a@b", "xfull@example.com", nil),
        ("1.1.1.1", "a@b", "full@example.com.evil", nil),
        ("1.1.1.1", "a@b", "user+ext@example.com", "extension"),
        ("1.1.1.1", "a@b", "user@example.com", nil),
        ("1.1.1.1", "a@b", "postmaster@anywhere", "user"),
        ("1.1.1.1", "a@b", "Postmaster+x@anywhere", "user"),
        ("1.1.1.1", "a@b", "postmaster", "user"),
        ("1.1.1.1", "a@b", "Abuse+x", "user@"),
        ("1.1.1.1", "a@b", "", nil),
        ("1.1.1.1", "a@b", "abuse@x", "user@"),
        ("1.1.1.1", "a@b", "any@open.example", "@domain"),
        ("1.1.1.1", "a@b", "late@open.example", "@domain"),
        ("1.1.1.1", "a@b", "any@not.open.example", nil),
        ("1.1.1.1", "a@b", "x@evil@open.example", "@domain"),
        ("1.1.1.1", "a@b", "any@open.example@evil", nil),
        ("1.1.1.1", "Friend+tag@example.net", "u@c", "sender"),
        ("1.1.1.1", "x@lists.example", "u@c", "sender domain"),
        ("1.1.1.1", "", "u@c", nil),
        // A dot at the end of a domain
        ("1.1.1.1", "a@b", "full@example.com.", "whole"),
        ("1.1.1.1", "a@b", "full+x@example.com.", "whole"),
        ("1.1.1.1", "a@b", "any@open.example.", "@domain"),
        ("1.1.1.1", "a@b", "dot@example.com", "with a dot"),
        ("1.1.1.1", "a@dot.example", "u@c", "a domain with a dot"),
        ("1.1.1.1", "a@dot.example..", "u@c", nil),
        ("1.1.1.1", "x@lists.example", "abuse@c", "user@"),
        ("10.0.0.1", "friend@example.net", "abuse@c", "10/8"),
    ]

    @Test(arguments: cases)
    func firstMatchDecides(_ client: String, _ sender: String, _ recipient: String, _ location: String?) throws {
        let envelope = ["client_address": client, "sender": sender, "recipient": recipient]
        #expect(try Self.location(in: Self.whitelist, envelope) == location)
    }

    @Test func aSitesOwnTranslatorIsHeeded() throws {
        let whitelist = Self.whitelist([
            ("host", Self.network("192.0.2.33", 32)), ("net", Self.network("2001:db8::", 32)),
        ])
        for (prefixes, location) in [(["2001:db8:122::/48"], "host"), ([], "net")] as [([String], String)] {
            let sample = try #require(
                SampleRequest(
                    attributes: ["client_address": "2001:db8:122:c000:2:2100::"],
                    nat64Prefixes: try prefixes.map { try NAT64Prefix($0) }))
            let match = sample.match(in: whitelist, at: Timestamp(seconds: 0))
            #expect(match?.location == "s(l:\(location))")
        }
    }

    @Test func holdsManyEntries() throws {
        var conditions: [(String, Condition?)] = []
        for number in 0..<5_000 {
            conditions.append(("n\(number)", Self.network("10.\(number / 256).\(number % 256).0", 24)))
            conditions.append(("r\(number)", Self.recipient("user\(number)@example.com")))
        }
        let whitelist = Self.whitelist(conditions)
        #expect(whitelist.count == 10_000)
        for number in stride(from: 0, to: 5_000, by: 7) {
            let client = "10.\(number / 256).\(number % 256).77"
            #expect(try Self.location(in: whitelist, ["client_address": client]) == "n\(number)")
            #expect(try Self.location(in: whitelist, ["recipient": "user\(number)@example.com"]) == "r\(number)")
        }
    }

    @Test(arguments: ["", "@", "a b@c", "a@b\n", "\u{7f}"])
    func noLiteral(_ text: String) {
        #expect(AddressLiteral(text) == nil)
    }

    static func network(_ text: String, _ length: Int) -> Condition? {
        Address(text).map { .client(Network($0, prefixLength: length)) }
    }

    static func recipient(_ text: String) -> Condition? { AddressLiteral(text).map { .recipient($0) } }

    static func sender(_ text: String) -> Condition? { AddressLiteral(text).map { .sender($0) } }

    static func name(_ text: String) -> Condition? { Domain(text).map { .clientName($0) } }

    /// A whitelist of entries with these names.
    static func whitelist(_ conditions: [(String, Condition?)]) -> Whitelist {
        var builder = WhitelistBuilder(source: "s")
        for case (let name, let condition?) in conditions {
            builder.add(WhitelistEntry(condition, name: name), list: "l")
        }
        return Whitelist([builder.finish()])
    }

    /// The name of the entry that decides about a request.
    static func location(
        in whitelist: Whitelist, _ changes: [String: String], at now: Int64 = 0
    ) throws -> String? {
        var attributes = ["client_address": "203.0.113.1", "sender": "a@b", "recipient": "u@c"]
        attributes.merge(changes) { $1 }
        let sample = try #require(SampleRequest(attributes: attributes))
        let match = sample.match(in: whitelist, at: Timestamp(seconds: now))
        return match.map { String($0.location.dropFirst("s(l:".count).dropLast()) }
    }
}
