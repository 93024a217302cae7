import Greylist
import TestSupport
import Testing
import WhitelistFiles
import Whitelists

@Suite("Entries that are written")
struct SpellingTests {
    private static let options = SourceOptions(allowsPatterns: true)

    private func entries(_ text: String) throws -> [WhitelistEntry] {
        let reading = try WhitelistDocument(.json, path: "/wl.json").entries(text: text, Self.options)
        #expect(reading.messages.isEmpty)
        return reading.entries
    }

    @Test(
        "every kind and option, in one spelling, which is read as the same entry",
        arguments: [
            (
                #"{"type": "ipv4_net", "net": "192.0.2.77/24"}"#,
                #"{"type": "ipv4_net", "net": "192.0.2.0", "mask": 24}"#
            ),
            (#"{"type": "ipv4_net", "net": "192.0.2.1"}"#, #"{"type": "ipv4_net", "net": "192.0.2.1", "mask": 32}"#),
            (
                #"{"type": "ipv6_net", "net": "2001:DB8:0:0::1", "mask": "32"}"#,
                #"{"type": "ipv6_net", "net": "2001:db8::", "mask": 32}"#
            ),
            (
                #"{"type": "ipv4_net", "net": "0.0.0.0/0", "allow_wide": true}"#,
                #"{"type": "ipv4_net", "net": "0.0.0.0", "mask": 0, "allow_wide": true}"#
            ),
            (
                #"{"type": "ipv6_net", "net": "::/0", "greylist": true}"#,
                #"{"type": "ipv6_net", "net": "::", "mask": 0, "greylist": true}"#
            ),
            (#"{"type": "remote_name", "domain": ".Ex.ORG"}"#, #"{"type": "remote_name", "domain": "ex.org"}"#),
            (#"{"type": "helo_name", "domain": "ex.org."}"#, #"{"type": "helo_name", "domain": "ex.org"}"#),
            (#"{"type": "sender_literal", "sender": "User"}"#, #"{"type": "sender_literal", "sender": "user@"}"#),
            (#"{"type": "sender_literal", "sender": "@a.b"}"#, #"{"type": "sender_literal", "sender": "@a.b"}"#),
            (
                #"{"type": "recipient_literal", "recipient": "\"é\\\"x\"@a.b"}"#,
                #"{"type": "recipient_literal", "recipient": "\"é\\\"x\"@a.b"}"#
            ),
            (#"{"type": "sender_domain", "domain": "a.b"}"#, #"{"type": "sender_domain", "domain": "a.b"}"#),
            (#"{"type": "recipient_domain", "domain": "é.b"}"#, #"{"type": "recipient_domain", "domain": "é.b"}"#),
            (#"{"type": "remote_regex", "regex": "mx\\d"}"#, #"{"type": "remote_regex", "regex": "mx\\d"}"#),
            (
                #"{"type": "helo_regex", "regex": "\"\t\u001b", "anywhere": "true"}"#,
                #"{"type": "helo_regex", "regex": "\"\t\u001b", "anywhere": true}"#
            ),
            (#"{"type": "sender_regex", "regex": "x"}"#, #"{"type": "sender_regex", "regex": "x"}"#),
            (#"{"type": "recipient_regex", "regex": "x"}"#, #"{"type": "recipient_regex", "regex": "x"}"#),
            (
                #"{"type": "recipient_regex", "regex": ".*", "allow_wide": true}"#,
                #"{"type": "recipient_regex", "regex": ".*", "allow_wide": true}"#
            ),
            (
                #"{"type": "attribute", "name": "SASL_Method", "matches": "é\u2028"}"#,
                #"{"type": "attribute", "name": "sasl_method", "matches": "é\u2028"}"#
            ),
            (
                #"{"type": "attribute", "name": "size", "regex": "12.", "anywhere": true}"#,
                #"{"type": "attribute", "name": "size", "regex": "12.", "anywhere": true}"#
            ),
            (#"{"type": "client_generic", "greylist": true}"#, #"{"type": "client_generic", "greylist": true}"#),
            (#"{"type": "identity", "domain": "Ex.ORG."}"#, #"{"type": "identity", "domain": "ex.org"}"#),
            (#"{"type": "proof", "is": "SPF", "delay": 60}"#, #"{"type": "proof", "is": "spf", "delay": "1m"}"#),
            (
                #"{"result": "none", "type": "spf", "allow_wide": true}"#,
                #"{"type": "spf", "result": "none", "allow_wide": true}"#
            ),
            (#"{"type": "dns_list", "zone": "List.Example."}"#, #"{"type": "dns_list", "zone": "list.example"}"#),
            (
                #"{"type": "dns_list", "matches": "*.0.*.3", "zone": "é.example"}"#,
                #"{"type": "dns_list", "zone": "xn--9ca.example", "matches": "127.0.*.3"}"#
            ),
            (
                #"{"type": "dns_list", "matches": "127.*.*.*", "zone": "list.example"}"#,
                #"{"type": "dns_list", "zone": "list.example"}"#
            ),
            (
                #"{of: [{"type": "helo_name", "domain": "a.b"}, {"type": "not", "of": [{"type": "any", "of": "#
                    + #"[{"domain": "c.d", "type": "remote_name"}]}]}], "type": "all"}"#,
                #"{"type": "all", "of": [{"type": "helo_name", "domain": "a.b"}, {"type": "not", "of": {"type": "any", "#
                    + #""of": [{"type": "remote_name", "domain": "c.d"}]}}]}"#
            ),
            (
                #"{"comment": "a\nb", "name": "x\u0000\"", "expires": "2027-01-31", "delay": 90, "type": "helo_name", "domain": "com"}"#,
                #"{"type": "helo_name", "domain": "com", "delay": "90s", "expires": "2027-01-31", "name": "x\u0000\"", "#
                    + #""comment": "a\nb"}"#
            ),
            (
                #"{"type": "helo_name", "domain": "a.b", "delay": "24h", "expires": "2024-02-29"}"#,
                #"{"type": "helo_name", "domain": "a.b", "delay": "1d", "expires": "2024-02-29"}"#
            ),
            (
                #"{"type": "helo_name", "domain": "a.b", "delay": "7200", "expires": "1970-01-01T00:00:00Z"}"#,
                #"{"type": "helo_name", "domain": "a.b", "delay": "2h", "expires": "1970-01-01T00:00:00Z"}"#
            ),
            (
                #"{"type": "helo_name", "domain": "a.b", "delay": "5m", "expires": "9999-12-31"}"#,
                #"{"type": "helo_name", "domain": "a.b", "delay": "5m", "expires": "9999-12-31"}"#
            ),
            (
                #"{"type": "helo_name", "domain": "a.b", "expires": "2026-11-22T18:03:01Z"}"#,
                #"{"type": "helo_name", "domain": "a.b", "expires": "2026-11-22T18:03:01Z"}"#
            ),
        ])
    func roundTrip(entry: String, spelling: String) throws {
        let first = try #require(try entries("{l: [\(entry)]}").first)
        #expect(first.text == spelling)
        #expect(try entries("{\"l\": [\(first.text)]}") == [first])
    }

    @Test("as texts, which is how a Redis keeps them, they are the same, too")
    func asTexts() throws {
        let text = #"""
            {"l": [
              {"type": "ipv4_net", "net": "192.0.2.0", "mask": 24, "name": "n\t\"", "expires": "2027-01-31"},
              {"type": "recipient_regex", "regex": "\\bx", "anywhere": true, "comment": "é\u0001"},
              {"type": "ipv6_net", "net": "::", "mask": 0, "allow_wide": true},
              {"type": "ipv6_net", "net": "::", "mask": 0, "greylist": true},
              {"type": "attribute", "name": "size", "matches": ""  , "delay": "1m"},
              {"type": "any", "of": [{"type": "sender_regex", "regex": "\"x"}, {"type": "helo_name", "domain": "a.b"}]}
            ]}
            """#
        let list = try #require(lists(text).lists.first)
        var kept = try RemoteList("l", in: .none) { digestStandIn($0) }
        try kept.merge(list.entries, replaces: false)
        let source = RemoteSource(name: "redis://h/0") { [list = kept.list] () throws(RemoteSource.ReadError) in
            RemoteSource.Contents(lists: [list], messages: [])
        }
        let reading = try WhitelistDocument(.remote(source), path: source.name).entries(Self.options)
        #expect(reading.messages.isEmpty)
        #expect(reading.entries.map(\.text) == list.entries.map(\.text))
        #expect(reading.entries.map(\.effect) == list.entries.map(\.effect))
        #expect(reading.entries.map(\.name) == ["n\t\"", nil, nil, nil, nil, nil])
    }

    private func lists(_ text: String) throws -> EntryLists {
        try withFile(text) { try WhitelistDocument(.json, path: $0).lists(Self.options).entries }
    }

    @Test("all lists as a file: order, names and empty lists are kept, and the text is always the same")
    func files() throws {
        let text = #"""
            {
              "zoe": [
                {"type": "helo_name", "domain": "b.a", "name": "x\u001b"},
                {"type": "helo_name", "domain": "a.b"}
              ],
              "a\n\"é": [],
              "adam": [
                {"type": "remote_regex", "regex": "^x"}
              ]
            }

            """#
        let read = try lists(text)
        #expect(read.text == text)
        #expect(read.count == 3)
        #expect(EntryLists().text == "{}\n")
    }

    @Test("postgrey's lines become entries of a list that is called as their file")
    func postgrey() throws {
        try withTemporaryDirectory { directory in
            try write("mx.example.org\n/x\\d$/\n192.0.2\n", to: "\(directory)/whitelist_clients")
            let document = WhitelistDocument(.postgreyClients, path: "\(directory)/whitelist_clients")
            var read = try document.lists(Self.options).entries
            read.append(try document.lists(Self.options, unlisted: "other").entries)
            read.append(try document.lists(Self.options).entries)
            let entries = """
                    {"type": "remote_name", "domain": "mx.example.org"},
                    {"type": "remote_regex", "regex": "x\\\\d$", "anywhere": true},
                    {"type": "ipv4_net", "net": "192.0.2.0", "mask": 24}
                """
            #expect(
                read.text
                    == "{\n  \"whitelist_clients\": [\n\(entries),\n\(entries)\n  ],\n  \"other\": [\n\(entries)\n  ]\n}\n"
            )
            #expect(read.joined(as: "all").lists.map(\.entries.count) == [9])
        }
    }
}

extension RemoteSource.Contents {
    /// Nothing at all.
    static let none = RemoteSource.Contents(lists: [], messages: [])
}

/// Forty hexadecimal digits that are others for another text.
func digestStandIn(_ text: String) -> String {
    var (one, other): (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15)
    for byte in text.utf8 {
        one = (one ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        other = (other &+ UInt64(byte)) &* 0xd6e8_feb8_6659_fd93
    }
    let digits = [one, other, one ^ other].map { number in
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
    return String(digits.joined().prefix(40))
}

/// Gives a test the path of a new file of that text.
func withFile<Value>(_ text: String, _ body: (String) throws -> Value) throws -> Value {
    var value: Value?
    try withTemporaryDirectory { directory in
        try write(text, to: "\(directory)/wl.json")
        value = try body("\(directory)/wl.json")
    }
    return try #require(value)
}
