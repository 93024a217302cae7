import Testing
import WhitelistFiles

@Suite("Combined, limited and milder entries")
struct CombinationTests {
    @Test(
        "every other kind, and what an entry may have beside",
        arguments: [
            (#""type": "remote_name", "domain": ".Example.ORG""#, "name example.org"),
            (#""type": "helo_name", "domain": "example.org.""#, "helo example.org"),
            (#""type": "sender_domain", "domain": "example.org""#, "sender in example.org"),
            (#""type": "recipient_domain", "domain": "example.org""#, "recipient in example.org"),
            (#""type": "remote_regex", "regex": "mx\\d""#, #"the client's name begins with /mx\d/"#),
            (#""type": "helo_regex", "regex": "mx\\d""#, #"the HELO name begins with /mx\d/"#),
            (#""type": "sender_regex", "regex": "mx\\d""#, #"the sender begins with /mx\d/"#),
            (#""type": "recipient_regex", "regex": "mx\\d", "anywhere": true"#, #"the recipient has /mx\d/"#),
            (#""type": "attribute", "name": "SASL_Method", "matches": "PLAIN""#, "sasl_method is PLAIN"),
            (#""type": "attribute", "name": "size", "regex": "12.""#, "size begins with /12./"),
            (
                #""type": "all", "of": [{"type": "ipv4_net", "net": "192.0.2.0/24"}, {"type": "not", "of": "#
                    + #"{"type": "any", "of": [{"type": "helo_name", "domain": "a.b"}, {"type": "sender_literal", "#
                    + #""sender": "@test.example"}]}}]"#,
                "(client 192.0.2.0/24 and not (helo a.b or sender @test.example))"
            ),
            (
                #""type": "not", "of": [{"type": "helo_name", "domain": "a.b"}], "allow_wide": true"#, "not helo a.b"
            ),
            (#""type": "helo_name", "domain": "a.b", "comment": "why""#, "helo a.b, why"),
            (#""type": "helo_name", "domain": "a.b", "greylist": true"#, "helo a.b, greylist"),
            (#""type": "helo_name", "domain": "a.b", "greylist": "false""#, "helo a.b"),
            (#""type": "helo_name", "domain": "a.b", "delay": 90"#, "helo a.b, delay 90"),
            (#""type": "helo_name", "domain": "a.b", "delay": "90""#, "helo a.b, delay 90"),
            (#""type": "helo_name", "domain": "a.b", "delay": "5m""#, "helo a.b, delay 300"),
            (#""type": "helo_name", "domain": "a.b", "delay": "24h""#, "helo a.b, delay 86400"),
            (#""type": "helo_name", "domain": "com", "delay": "1s""#, "helo com, delay 1"),
            (#""type": "ipv6_net", "net": "::/0", "greylist": true"#, "client ::/0, greylist"),
            (#""type": "helo_name", "domain": "a.b", "expires": "1970-01-01""#, "helo a.b, until 86400"),
            (#""type": "helo_name", "domain": "a.b", "expires": "2024-02-29""#, "helo a.b, until 1709251200"),
            (#""type": "helo_name", "domain": "a.b", "expires": "2000-12-31""#, "helo a.b, until 978307200"),
            (
                #""type": "helo_name", "domain": "a.b", "expires": "2026-11-22T18:30:01Z""#,
                "helo a.b, until 1795372201"
            ),
        ])
    func kinds(members: String, expected: String) throws {
        let read = try whitelist("{l: [{\(members)}]}", .json, SourceOptions(allowsPatterns: true))
        #expect(read.entries == ["/wl.json:1(l[0]) \(expected)"])
        #expect(read.skipped.isEmpty)
    }

    @Test(
        "what can't be read is skipped with its reason",
        arguments: [
            (#""type": "remote_name""#, #""domain" is missing"#),
            (#""type": "remote_name", "domain": "a..b""#, #""a..b" is not a domain name"#),
            (#""type": "remote_name", "domain": ".""#, #""." is not a domain name"#),
            (#""type": "attribute", "name": "a b", "matches": "x""#, #""a b" is not the name of an attribute"#),
            (#""type": "attribute", "name": "size""#, #""matches" is missing"#),
            (#""type": "all""#, #""of" is missing"#),
            (#""type": "all", "of": []"#, #""of" is an array, not an array of conditions"#),
            (#""type": "any", "of": {}"#, #""of" is an object, not an array of conditions"#),
            (#""type": "any", "of": [5]"#, #"5 is not a condition ({"type": ...})"#),
            (#""type": "not", "of": 5"#, #""of" is 5, not one condition"#),
            (#""type": "not", "of": [{}, {}]"#, #""of" is an array, not one condition"#),
            (#""type": "all", "of": [{"type": "x"}]"#, #"the type "x" is not one of \#(EntryTests.types)"#),
            (
                #""type": "any", "of": [{"type": "helo_name", "domain": "a.b", "expires": "2027-01-01"}]"#,
                #""expires" belongs to the whole entry, not to a condition in it"#
            ),
            (
                #""type": "not", "of": {"type": "helo_name", "domain": "a.b", "greylist": true}"#,
                #""greylist" belongs to the whole entry, not to a condition in it"#
            ),
            (
                #""type": "attribute", "name": "size", "matches": "1", "regex": "1""#,
                #""matches" and "regex" can't both be there"#
            ),
            (#""type": "helo_name", "domain": "a.b", "delay": 0"#, #""delay" is 0, not a time from "1s" to "1d""#),
            (
                #""type": "helo_name", "domain": "a.b", "delay": "25h""#,
                #""delay" is "25h", not a time from "1s" to "1d""#
            ),
            (#""type": "helo_name", "domain": "a.b", "delay": "m""#, #""delay" is "m", not a time from "1s" to "1d""#),
            (
                #""type": "helo_name", "domain": "a.b", "delay": []"#,
                #""delay" is an array, not a time from "1s" to "1d""#
            ),
            (#""type": "helo_name", "domain": "a.b", "greylist": 1"#, #""greylist" is 1, not true or false"#),
            (#""type": "helo_name", "domain": "a.b", "comment": 1"#, #""comment" is 1, not a string"#),
            (
                #""type": "helo_name", "domain": "a.b", "expires": "2023-02-29""#,
                #""expires" is "2023-02-29", not a date (2027-01-31, or 2027-01-31T12:00:00Z)"#
            ),
            (
                #""type": "helo_name", "domain": "a.b", "expires": "31.1.2027""#,
                #""expires" is "31.1.2027", not a date (2027-01-31, or 2027-01-31T12:00:00Z)"#
            ),
            (
                #""type": "helo_name", "domain": "a.b", "expires": "2027-01-31T24:00:00Z""#,
                #""expires" is "2027-01-31T24:00:00Z", not a date (2027-01-31, or 2027-01-31T12:00:00Z)"#
            ),
            (
                #""type": "sender_regex", "regex": "(a)\\1""#,
                #""(a)\\1": back-references are not supported (RE2): invalid escape sequence: \1"#
            ),
            (#""type": "sender_regex", "regex": 5"#, #""regex" is 5, not a string"#),
        ])
    func malformed(members: String, message: String) throws {
        let read = try whitelist("{l: [{\(members)}]}", .json, SourceOptions(allowsPatterns: true))
        #expect(read.skipped == ["/wl.json:1(l[0]) was skipped: \(message)"])
        #expect(read.entries.isEmpty)
    }

    @Test(
        "what lets nearly everybody through must say that it is meant",
        arguments: [
            (#""type": "ipv4_net", "net": "0.0.0.0/0""#, "0.0.0.0/0 is wider than /8"),
            (#""type": "ipv4_net", "net": "10.0.0.0/7""#, "10.0.0.0/7 is wider than /8"),
            (#""type": "ipv6_net", "net": "::/0""#, "::/0 is wider than /19"),
            (#""type": "ipv6_net", "net": "2000::/18""#, "2000::/18 is wider than /19"),
            (#""type": "remote_name", "domain": "com""#, "com is a top-level domain"),
            (#""type": "recipient_domain", "domain": "example.""#, "example is a top-level domain"),
            (#""type": "recipient_regex", "regex": ".*""#, "the regular expression matches the empty text"),
            (#""type": "recipient_regex", "regex": "x?""#, "the regular expression matches the empty text"),
            (#""type": "recipient_regex", "regex": ".+@""#, "the regular expression matches everything"),
            (#""type": "remote_regex", "regex": ".""#, "the regular expression matches everything"),
            (#""type": "attribute", "name": "stress", "matches": """#, "stress may be missing from any request"),
            (
                #""type": "attribute", "name": "Protocol_State", "matches": "RCPT""#,
                "every request that is judged has that"
            ),
            (#""type": "not", "of": {"type": "helo_name", "domain": "a.b"}"#, "it matches all but a few"),
            (
                #""type": "any", "of": [{"type": "helo_name", "domain": "a.b"}, {"type": "ipv4_net", "net": "::"}]"#,
                #""::" is an IPv6 address, for which the type is ipv6_net"#
            ),
            (
                #""type": "any", "of": [{"type": "helo_name", "domain": "a.b"}, {"type": "ipv6_net", "net": "::/1"}]"#,
                "::/1 is wider than /19"
            ),
            (
                #""type": "all", "of": [{"type": "helo_name", "domain": "b"}, {"type": "ipv6_net", "net": "::/1"}]"#,
                "b is a top-level domain"
            ),
        ])
    func wide(members: String, message: String) throws {
        let options = SourceOptions(allowsPatterns: true)
        let refused = try whitelist("{l: [{\(members)}]}", .json, options)
        #expect(refused.entries.isEmpty)
        #expect(refused.skipped.count == 1)
        #expect(refused.skipped.first?.hasPrefix("/wl.json:1(l[0]) was skipped: \(message)") == true)
        guard !message.contains("for which") else { return }
        #expect(refused.skipped.first?.hasSuffix(#"; "allow_wide": true if that is meant"#) == true)
        #expect(try whitelist("{l: [{\(members), \"allow_wide\": true}]}", .json, options).entries.count == 1)
        #expect(
            try whitelist("{l: [{\(members)}]}", .json, SourceOptions(allowsPatterns: true, allowsWide: true))
                .entries.count == 1)
    }

    @Test("nesting and combining have an end")
    func limits() throws {
        func nested(_ depth: Int) -> String {
            var condition = #"{"type": "helo_name", "domain": "a.b"}"#
            for _ in 0..<depth { condition = #"{"type": "all", "of": [\#(condition)]}"# }
            return "{l: [\(condition)]}"
        }
        #expect(try whitelist(nested(16)).entries.count == 1)
        #expect(
            try whitelist(nested(17)).skipped == [
                "/wl.json:1(l[0]) was skipped: nested deeper than 16 conditions"
            ])
        func broad(_ count: Int) -> String {
            let parts = (0..<count).map { #"{"type": "helo_name", "domain": "a\#($0).b"}"# }
            return "{l: [{\"type\": \"any\", \"of\": [\(parts.joined(separator: ","))]}]}"
        }
        #expect(try whitelist(broad(999)).entries.count == 1)
        #expect(
            try whitelist(broad(1_000)).skipped == [
                "/wl.json:1(l[0]) was skipped: it combines more than 1000 conditions"
            ])
    }
}
