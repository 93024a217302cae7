import Greylist
import Testing
import Whitelists

@Suite("What a whitelist lets pass anyway")
struct WhitelistScreenTests {
    private static let now = Timestamp(seconds: 1_796_000_000)

    private static func network(_ text: String) throws -> Network {
        let parts = text.split(separator: "/")
        let address = try #require(Address(String(parts[0])))
        return Network(address, prefixLength: try #require(Int(parts[1])))
    }

    private static func screen(_ entries: [WhitelistEntry]) -> WhitelistScreen {
        WhitelistScreen(Whitelist(entries, source: "x"), nat64Prefixes: [], at: now)
    }

    private static func entry(_ condition: Condition, _ effect: WhitelistEntry.Effect = .pass) -> WhitelistEntry {
        WhitelistEntry(condition, effect: effect)
    }

    @Test(
        "a triplet is covered where all of its network is, its sender or its recipient",
        arguments: [
            ("192.0.2.0/24", "a@x.org", "u@y.org", true), ("192.0.2.7/32", "a@x.org", "u@y.org", true),
            ("192.0.0.0/16", "a@x.org", "u@y.org", false), ("192.0.2.0/23", "a@x.org", "u@y.org", false),
            ("198.51.100.0/24", "a@x.org", "u@y.org", false),
            ("198.51.100.0/24", "b@z.org", "u@y.org", true), ("198.51.100.0/24", "", "vip@y.org", true),
            ("2001:db8::/48", "a@x.org", "u@y.org", true), ("2001:db9::/48", "a@x.org", "u@y.org", false),
            // An earlier entry greylists, and one waits.
            ("192.0.2.0/24", "a@x.org", "strict@y.org", false), ("203.0.113.0/24", "a@x.org", "u@y.org", false),
        ])
    func triplets(_ client: String, _ sender: String, _ recipient: String, _ isCovered: Bool) throws {
        let strict = try #require(AddressLiteral("strict@y.org"))
        let vip = try #require(AddressLiteral("vip@y.org"))
        var screen = Self.screen([
            Self.entry(.recipient(strict), .greylist), Self.entry(.client(try Self.network("192.0.2.0/24"))),
            Self.entry(.client(try Self.network("2001:db8::/32"))),
            Self.entry(.senderDomain(try #require(Domain("z.org")))), Self.entry(.recipient(vip)),
            Self.entry(.client(try Self.network("203.0.113.0/24")), .delay(60)),
        ])
        for _ in 1...2 {
            let (sender, recipient) = (Array(sender.utf8), Array(recipient.utf8))
            let covers = screen.covers(client: try Self.network(client), sender: sender, recipient: recipient)
            #expect(covers == isCovered)
        }
    }

    @Test("a client is covered by what knows its address, not by what knows a sender or a name")
    func clients() throws {
        var screen = Self.screen([
            Self.entry(.client(try Self.network("192.0.2.0/24"))),
            Self.entry(.senderDomain(try #require(Domain("z.org")))),
            Self.entry(.clientName(try #require(Domain("z.org")))),
        ])
        let covered = screen.covers(client: try Self.network("192.0.2.0/24"))
        let other = screen.covers(client: try Self.network("198.51.100.0/24"))
        #expect(covered && !other)
    }

    @Test("bytes that aren't text, a line break in a sender and an expired entry are no trouble")
    func odd() throws {
        let network = try Self.network("192.0.2.0/24")
        var screen = Self.screen([
            WhitelistEntry(.client(network), expires: Timestamp(seconds: 1)),
            Self.entry(.recipient(try #require(AddressLiteral("vip@y.org")))),
        ])
        let broken = screen.covers(client: network, sender: [0x61, 0x0a, 0x0a], recipient: Array("u@y.org".utf8))
        let odd = screen.covers(client: network, sender: [0xff, 0x40, 0xfe], recipient: Array("vip@y.org".utf8))
        #expect(!broken && odd)
        var empty = Self.screen([])
        let none = empty.covers(client: network)
        #expect(!none)
    }

    @Test("nobody is covered by what would have to be found out of a client")
    func facts() throws {
        let isSPF = Condition.fact(.spf(.pass))
        for (entries, isCovered) in [
            ([Self.entry(.not(isSPF))], false), ([Self.entry(isSPF)], false),
            ([Self.entry(isSPF), Self.entry(.not(.fact(.genericName)))], true),
        ] {
            var screen = Self.screen(entries)
            let covers = screen.covers(client: try Self.network("192.0.2.0/24"))
            #expect(covers == isCovered)
        }
    }
}
