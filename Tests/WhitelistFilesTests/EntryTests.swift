import Greylist
import Testing
import WhitelistFiles

@Suite("Whitelist entries")
struct EntryTests {
    static let types = """
        ipv4_net, ipv6_net, remote_name, remote_regex, helo_name, helo_regex, sender_literal, sender_domain, \
        sender_regex, recipient_literal, recipient_domain, recipient_regex, attribute, client_generic, \
        identity, proof, spf, dns_list, all, any, not
        """

    @Test(
        "every kind of entry, in every form",
        arguments: [
            (#""type": "ipv4_net", "net": "192.0.2.0", "mask": 24"#, "client 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2.0", "mask": "24""#, "client 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2.0", "mask": "255.255.255.0""#, "client 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2.0", "mask": 24.0"#, "client 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2.77", "mask": 24"#, "client 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2.1""#, "client 192.0.2.1/32"),
            (#""type": "ipv4_net", "net": "192.0.2.1", "mask": "255.255.255.255""#, "client 192.0.2.1/32"),
            (#""type": "ipv4_net", "net": "192.0.2.1", "mask": 0, "allow_wide": true"#, "client 0.0.0.0/0"),
            (#""type": "ipv4_net", "net": "192.0.2.1", "mask": "0.0.0.0", "allow_wide": "true""#, "client 0.0.0.0/0"),
            (#""type": "ipv4_net", "net": "192.0.2.7/24""#, "client 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2.7/255.255.255.0""#, "client 192.0.2.0/24"),
            (#""type": "ipv6_net", "net": "2001:db8::/32""#, "client 2001:db8::/32"),
            (#""type": "ipv6_net", "net": "2001:db8::1", "mask": 32"#, "client 2001:db8::/32"),
            (#""type": "ipv6_net", "net": "2001:db8::1", "mask": "32""#, "client 2001:db8::/32"),
            (#""type": "ipv6_net", "net": "2001:db8::1""#, "client 2001:db8::1/128"),
            (#""type": "ipv4_net", "net": "::ffff:192.0.2.1""#, "client 192.0.2.1/32"),
            (#""type": "ipv6_net", "net": "64:ff9b::192.0.2.0/120""#, "client 64:ff9b::c000:200/120"),
            (#""type": "recipient_literal", "recipient": "user@test.example.""#, "recipient user@test.example"),
            (#""type": "recipient_literal", "recipient": "User@test.example""#, "recipient user@test.example"),
            (#""type": "recipient_literal", "recipient": "user""#, "recipient user@"),
            (#""type": "recipient_literal", "recipient": "user@""#, "recipient user@"),
            (#""type": "recipient_literal", "recipient": "@test.example""#, "recipient @test.example"),
            (#""type": "recipient_literal", "recipient": "é@test.example""#, "recipient é@test.example"),
            (#""type": "sender_literal", "sender": "user@test.example""#, "sender user@test.example"),
            (#""type": "sender_literal", "sender": "@test.example""#, "sender @test.example"),
            (#""type": "recipient_literal", "recipient": "user", "net": 5, "x": [{}]"#, "recipient user@"),
        ])
    func kinds(members: String, pattern: String) throws {
        let file = try whitelist("{\"friends\": [{\(members)}]}")
        #expect(file.entries == ["/wl.json:1(friends[0]) \(pattern)"])
        #expect(file.skipped.isEmpty)
    }

    @Test(
        "a malformed entry is skipped with its sentence, and the rest stand",
        arguments: [
            ("{}", #""type" is missing"#),
            (#"{"type": 5}"#, #""type" is 5, not a string"#),
            (#"{"type": null}"#, #""type" is null, not a string"#),
            (
                #"{"type": "ip4_net", "net": "192.0.2.1"}"#,
                #"the type "ip4_net" is not one of \#(types)"#
            ),
            (
                #"{"type": "IPV4_NET", "net": "192.0.2.1"}"#,
                #"the type "IPV4_NET" is not one of \#(types)"#
            ),
            (
                #"{"type": "remote_regex", "regex": "."}"#,
                "regular expressions are off (service.allow_wl_regex turns them on)"
            ),
            (
                #"{"type": "recipient_regex", "regex": "."}"#,
                "regular expressions are off (service.allow_wl_regex turns them on)"
            ),
            (
                #"{"type": "sender_regex", "regex": "x"}"#,
                "regular expressions are off (service.allow_wl_regex turns them on)"
            ),
            (#"{"type": "ipv4_net"}"#, #""net" is missing"#),
            (#"{"type": "ipv4_net", "net": ["192.0.2.1"]}"#, #""net" is an array, not a string"#),
            (#"{"type": "ipv4_net", "net": "192.0.2.300"}"#, #""192.0.2.300" is not an IPv4 address or network"#),
            (#"{"type": "ipv4_net", "net": ""}"#, #""" is not an IPv4 address or network"#),
            (#"{"type": "ipv4_net", "net": "a\nb"}"#, #""a\nb" is not an IPv4 address or network"#),
            (
                #"{"type": "ipv4_net", "net": "192.0.2.0/33"}"#,
                #""192.0.2.0/33" has no prefix length (a prefix length up to 32, or such as 255.255.255.0)"#
            ),
            (
                #"{"type": "ipv4_net", "net": "192.0.2.0/24", "mask": 24}"#,
                #"a prefix length stands both in "net" and in "mask""#
            ),
            (
                #"{"type": "ipv4_net", "net": "2001:db8::1", "mask": 32}"#,
                #""2001:db8::1" is an IPv6 address, for which the type is ipv6_net"#
            ),
            (#"{"type": "ipv6_net", "net": "2001:db8"}"#, #""2001:db8" is not an IPv6 address or network"#),
            (
                #"{"type": "ipv6_net", "net": "192.0.2.1"}"#,
                #""192.0.2.1" is an IPv4 address, for which the type is ipv4_net"#
            ),
            (
                #"{"type": "ipv6_net", "net": "::ffff:192.0.2.1"}"#,
                #""::ffff:192.0.2.1" is an IPv4 address, for which the type is ipv4_net"#
            ),
            (#"{"type": "recipient_literal"}"#, #""recipient" is missing"#),
            (#"{"type": "recipient_literal", "recipient": true}"#, #""recipient" is true, not a string"#),
            (
                #"{"type": "recipient_literal", "recipient": "@"}"#,
                #""@" is not an address (user@domain, user, user@ or @domain)"#
            ),
            (
                #"{"type": "recipient_literal", "recipient": "a b"}"#,
                #""a b" is not an address (user@domain, user, user@ or @domain)"#
            ),
            (#"{"type": "sender_literal", "recipient": "user"}"#, #""sender" is missing"#),
            (#"{"type": "sender_literal", "sender": {}}"#, #""sender" is an object, not a string"#),
            ("5", #"5 is not an entry ({"type": ...})"#),
            ("null", #"null is not an entry ({"type": ...})"#),
            (#""192.0.2.1""#, #""192.0.2.1" is not an entry ({"type": ...})"#),
            ("[]", #"an array is not an entry ({"type": ...})"#),
        ])
    func malformed(entry: String, message: String) throws {
        let good = #"{"type": "recipient_literal", "recipient": "user"}"#
        let file = try whitelist("{\"friends\": [\n\(good),\n\(entry),\n\(good)]}")
        #expect(file.skipped == ["/wl.json:3(friends[1]) was skipped: \(message)"])
        #expect(
            file.entries == [
                "/wl.json:2(friends[0]) recipient user@", "/wl.json:4(friends[2]) recipient user@",
            ])
    }

    @Test(
        "a mask that is none",
        arguments: [
            "33", "-1", "24.5", "null", "true", "[24]", "{}", #""""#, #""33""#, #""-1""#, #""+24""#, #""/24""#,
            #"" 24""#,
            #""24 ""#, #""0x18""#, #""٢٤""#, #""99999999999999999999""#, #""255.0.255.0""#, #""0.0.0.255""#,
            #""255.255.255""#, #""ffff::""#,
        ])
    func masksOfIPv4(mask: String) throws {
        let file = try whitelist(#"{l: [{"type": "ipv4_net", "net": "192.0.2.0", "mask": \#(mask)}]}"#)
        let shown = mask.hasPrefix("[") ? "an array" : mask.hasPrefix("{") ? "an object" : mask
        #expect(file.entries.isEmpty)
        #expect(
            file.skipped == [
                "/wl.json:1(l[0]) was skipped: \(shown) is not a mask (a prefix length up to 32, or such as 255.255.255.0)"
            ])
    }

    @Test("a mask that is none for IPv6", arguments: ["129", "-1", #""129""#, #""ffff::""#, #""255.255.255.0""#])
    func masksOfIPv6(mask: String) throws {
        let file = try whitelist(#"{l: [{"type": "ipv6_net", "net": "2001:db8::", "mask": \#(mask)}]}"#)
        #expect(file.entries.isEmpty)
        #expect(file.skipped == ["/wl.json:1(l[0]) was skipped: \(mask) is not a mask (a prefix length up to 128)"])
    }
}
