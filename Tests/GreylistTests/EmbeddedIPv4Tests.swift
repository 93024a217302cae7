import Greylist
import SampleOptions
import Testing

/// Which IPv6 addresses are an IPv4 one, and for what.
struct EmbeddedIPv4Tests {
    /// The address, what keys take it for, and what whitelists do; nil where it stays what it is.
    static let addresses: [(address: String, keys: String?, whitelists: String?)] = [
        // Mapped
        ("::ffff:192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("::ffff:c000:209", "192.0.2.9", "192.0.2.9"),
        // Compatible
        ("::192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("::2", "0.0.0.2", "0.0.0.2"),
        ("::", nil, nil),
        ("::1", nil, nil),
        ("::1:0:0", nil, nil),
        ("::fffe:192.0.2.9", nil, nil),
        // Translated
        ("::ffff:0:192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("::ffff:1:192.0.2.9", nil, nil),
        ("::1:ffff:0:192.0.2.9", nil, nil),
        // NAT64
        ("64:ff9b::192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("64:ff9b::", "0.0.0.0", "0.0.0.0"),
        ("64:ff9b::1:192.0.2.9", nil, nil),
        ("64:ff9c::192.0.2.9", nil, nil),
        ("64:ff9b:1::192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("64:ff9b:1:2:3:4:192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("64:ff9b:1:ffff:ffff:ffff:192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("64:ff9b:2::192.0.2.9", nil, nil),
        ("64:ff9b:0:1::192.0.2.9", nil, nil),
        // 6to4
        ("2002:c000:209::1", "192.0.2.9", nil),
        ("2002:c000:209:ffff:ffff:ffff:ffff:ffff", "192.0.2.9", nil),
        ("2003:c000:209::1", nil, nil),
        // Teredo: RFC 4380's own example has the client 192.0.2.45
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45", nil),
        ("2001:0:4136:e378:8000:63bf:c000:209", "63.255.253.246", nil),
        ("2001:1:4136:e378:8000:63bf:3fff:fdd2", nil, nil),
        ("2001:db8::192.0.2.9", nil, nil),
        // What looks like one
        ("fe80::5efe:192.0.2.9", nil, nil),
        ("192.0.2.9", "192.0.2.9", "192.0.2.9"),
    ]

    @Test(arguments: addresses)
    func carriesOneOrNot(_ text: String, _ keys: String?, _ whitelists: String?) throws {
        let address = try #require(Address(text))
        #expect(address.unwrapped(for: .keys, through: []) == Address(keys ?? text))
        #expect(address.unwrapped(for: .whitelists, through: []) == Address(whitelists ?? text))
    }

    /// RFC 6052, section 2.4, has the first six; then the octet that must be 0, what follows the address, and others.
    static let translated: [(prefix: String, address: String, ipv4: String?)] = [
        ("2001:db8::/32", "2001:db8:c000:221::", "192.0.2.33"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::", "192.0.2.33"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::", "192.0.2.33"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::", "192.0.2.33"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::", "192.0.2.33"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33", "192.0.2.33"),
        ("2001:db8::/32", "2001:db8:c000:221:100::", nil),
        ("2001:db8:122::/48", "2001:db8:122:c000:102:2100::", nil),
        ("2001:db8:122:344::/64", "2001:db8:122:344:1c0:2:2100::", nil),
        ("2001:db8::/32", "2001:db8:c000:221:ff:ffff:ffff:ffff", "192.0.2.33"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:21ff:ffff", "192.0.2.33"),
        ("2001:db8:122:344::/96", "2001:db8:122:344:0:1:192.0.2.33", nil),
        ("2001:db8::/32", "2001:db9:c000:221::", nil),
        // A site's own prefix comes before the one that it lies in.
        ("64:ff9b:1::/48", "64:ff9b:1:c000:2:2100::", "192.0.2.33"),
    ]

    @Test(arguments: translated)
    func aSitesOwnPrefixIsHeeded(_ prefix: String, _ text: String, _ ipv4: String?) throws {
        let address = try #require(Address(text))
        for purpose in [Address.Purpose.keys, .whitelists] {
            let found = address.unwrapped(for: purpose, through: [try NAT64Prefix(prefix)])
            #expect(found == Address(ipv4 ?? text))
        }
    }

    @Test func theLongestPrefixComesFirst() throws {
        let masks = PrefixLengths.sample(nat64Prefixes: [
            try NAT64Prefix("2001:db8::/32"), try NAT64Prefix("2001:db8:1::/96"),
        ])
        let address = try #require(Address("2001:db8:1::192.0.2.33"))
        #expect(address.unwrapped(for: .keys, through: masks.nat64Prefixes) == Address("192.0.2.33"))
    }

    static let bad = [
        ("", "not an IPv6 network"), ("2001:db8::", "not an IPv6 network"), ("192.0.2.0/24", "not an IPv6 network"),
        ("2001:db8::/x", "not an IPv6 network"), ("2001:db8::/+96", "not an IPv6 network"),
        ("2001:db8::/96/96", "not an IPv6 network"), ("::ffff:0:0/96", "not an IPv6 network"),
        ("2001:db8::/95", "32, 40, 48, 56, 64 or 96"), ("2001:db8::/128", "32, 40, 48, 56, 64 or 96"),
        ("2001:db8::/0", "32, 40, 48, 56, 64 or 96"), ("2001:db8::1/96", "behind its prefix length"),
        ("2001:db8:0:0:100::/96", "bits 64 to 71"),
    ]

    @Test(arguments: bad)
    func aPrefixIsRefused(_ text: String, _ message: String) throws {
        let fault = try #require(throws: NAT64Prefix.ParseError.self) { try NAT64Prefix(text) }
        #expect(fault.description.hasPrefix("\"\(text)\""))
        #expect(fault.description.contains(message))
    }

    /// Two hosts that a translator sends on have nothing to do with each other.
    @Test(arguments: ["64:ff9b::", "::ffff:0:", "::", "64:ff9b:1::", "::ffff:"])
    func strangersDontShareANetwork(_ prefix: String) {
        var envelope = Envelope()
        var networks: Set<String> = []
        for host in ["192.0.2.9", "192.0.2.10", "198.51.100.9"] {
            envelope.fill(prefix + host, "a@b", "u@c")
            networks.insert(envelope.network.description)
        }
        #expect(networks == ["192.0.2.0/24", "198.51.100.0/24"])
    }

    static let clients: [(text: String, address: String?)] = [
        ("192.0.2.9", "192.0.2.9"), ("[192.0.2.9]", "192.0.2.9"), ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"), ("IPv6:2001:db8::1", "2001:db8::1"), ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ("[ipv6:2001:DB8::1]", "2001:db8::1"), ("IPV6:::1", "::1"), ("[IPv6:fe80::1%eth0]", "fe80::1"),
        ("[IPv6:::ffff:192.0.2.9]", "192.0.2.9"), ("[::ffff:192.0.2.9]", "192.0.2.9"),
        ("[192.0.2.9", nil), ("192.0.2.9]", nil), ("[]", nil), ("[", nil), ("IPv6:", nil), ("IPv6:192.0.2.9", nil),
        ("[IPv6:192.0.2.9]", nil), ("[[192.0.2.9]]", nil), ("IPv6:[2001:db8::1]", nil), ("IPv4:192.0.2.9", nil),
        ("IPv6:IPv6:2001:db8::1", nil), ("[unknown]", nil), ("[ 192.0.2.9]", nil), ("", nil),
    ]

    @Test(arguments: clients)
    func aClientIsReadAsServersWriteIt(_ text: String, _ address: String?) {
        #expect(Address(client: Array(text.utf8).span) == address.flatMap { Address($0) })
    }
}
