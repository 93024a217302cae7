import Greylist
import Testing

struct WhitelistTests {
    static let whitelist = Whitelist(
        [
            entry("10/8", .client("10.0.0.0", 8)),
            entry("10.1/16", .client("10.1.0.0", 16)),
            entry("a host", .client("192.0.2.9", 32)),
            entry("v6", .client("2001:db8::", 32)),
            entry("whole", .recipient("Full@Example.com")),
            entry("extension", .recipient("user+ext@example.com")),
            entry("user", .recipient("postmaster")),
            entry("user@", .recipient("abuse@")),
            entry("@domain", .recipient("@open.example")),
            entry("after @domain", .recipient("late@open.example")),
            entry("sender", .sender("friend@example.net")),
            entry("sender domain", .sender("@lists.example")),
        ].compactMap(\.self))

    static let cases: [(client: String, sender: String, recipient: String, place: String?)] = [
        ("10.1.2.3", "a@b", "u@c", "10/8"),
        ("10.255.255.255", "a@b", "u@c", "10/8"),
        ("11.0.0.0", "a@b", "u@c", nil),
        ("::ffff:10.0.0.1", "a@b", "u@c", "10/8"),
        ("192.0.2.9", "a@b", "u@c", "a host"),
        ("192.0.2.8", "a@b", "u@c", nil),
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
        ("1.1.1.1", "x@lists.example", "abuse@c", "user@"),
        ("10.0.0.1", "friend@example.net", "abuse@c", "10/8"),
    ]

    @Test(arguments: cases)
    func firstMatchDecides(_ client: String, _ sender: String, _ recipient: String, _ place: String?) {
        var envelope = Envelope()
        envelope.fill(client, sender, recipient)
        #expect(Self.whitelist.match(envelope)?.place == place)
    }

    @Test func holdsManyEntries() throws {
        var entries: [Whitelist.Entry] = []
        for number in 0..<5_000 {
            entries.append(try #require(Self.entry("n\(number)", .client("10.\(number / 256).\(number % 256).0", 24))))
            entries.append(try #require(Self.entry("r\(number)", .recipient("user\(number)@example.com"))))
        }
        let whitelist = Whitelist(entries)
        #expect(whitelist.count == 10_000)
        for number in 0..<5_000 {
            var envelope = Envelope()
            envelope.fill("10.\(number / 256).\(number % 256).77", "a@b", "u@c")
            #expect(whitelist.match(envelope)?.place == "n\(number)")
            envelope.fill("192.0.2.1", "a@b", "user\(number)@example.com")
            #expect(whitelist.match(envelope)?.place == "r\(number)")
        }
    }

    @Test(arguments: ["", "@", "a b@c", "a@b\n", "\u{7f}"])
    func noLiteral(_ text: String) {
        #expect(AddressLiteral(text) == nil)
    }

    enum Source {
        case client(String, Int)
        case recipient(String)
        case sender(String)
    }

    static func entry(_ place: String, _ source: Source) -> Whitelist.Entry? {
        let pattern: Whitelist.Pattern? =
            switch source {
            case .client(let text, let length):
                Address(text).map { .client(Network($0, prefixLength: length)) }
            case .recipient(let text): AddressLiteral(text).map { .recipient($0) }
            case .sender(let text): AddressLiteral(text).map { .sender($0) }
            }
        return pattern.map { Whitelist.Entry($0, place: place) }
    }
}
