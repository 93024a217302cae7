import Testing
import WhitelistFiles
import Whitelists

@Suite("Entries about who a client is")
struct FactTests {
    @Test(
        "every kind, and what is beside it",
        arguments: [
            (#""type": "client_generic", "greylist": true"#, "the client's name is generic, greylist"),
            (#""type": "client_generic", "delay": "10m""#, "the client's name is generic, delay 600"),
            (#""type": "identity", "domain": "Example.ORG.""#, "the client is proven to send for example.org"),
            (
                #""type": "proof", "is": "spf", "greylist": true"#,
                "SPF proves the sender's organisation, greylist"
            ),
            (
                #""type": "proof", "is": "Name", "allow_wide": true"#,
                "the client's name proves the sender's organisation"
            ),
            (#""type": "spf", "result": "SoftFail", "delay": 1"#, "the result of SPF is softfail, delay 1"),
            (#""type": "dns_list", "zone": "list.example""#, "the client is listed in list.example"),
            (
                #""type": "dns_list", "zone": "list.example", "matches": "127.0.*.3", "expires": "1970-01-01""#,
                "the client is listed in list.example as 127.0.*.3, until 86400"
            ),
            (
                #""type": "dns_list", "zone": "list.example", "matches": "*.*.2.*""#,
                "the client is listed in list.example as 127.*.2.*"
            ),
            (
                #""type": "all", "of": [{"type": "spf", "result": "pass"}, {"type": "not", "of": "#
                    + #"{"type": "client_generic"}}, {"type": "sender_domain", "domain": "example.org"}]"#,
                "(the result of SPF is pass and not the client's name is generic and sender in example.org)"
            ),
        ])
    func kinds(members: String, expected: String) throws {
        let read = try whitelist("{l: [{\(members)}]}")
        #expect(read.skipped + read.notes == [])
        #expect(read.entries == ["/wl.json:1(l[0]) \(expected)"])
    }

    @Test("any result of SPF is taken", arguments: Condition.SPFResult.allCases)
    func results(result: Condition.SPFResult) throws {
        let read = try whitelist("{l: [{type: \"spf\", result: \"\(result.rawValue)\", greylist: true}]}")
        #expect(read.entries == ["/wl.json:1(l[0]) the result of SPF is \(result.rawValue), greylist"])
    }

    static let longZone = Array(repeating: String(repeating: "a", count: 62), count: 3).joined(separator: ".")

    @Test(
        "what can't be read, or could never match, is skipped with its reason",
        arguments: [
            (#""type": "identity""#, #""domain" is missing"#),
            (#""type": "identity", "domain": "a..b""#, #""a..b" is not a domain name"#),
            (#""type": "identity", "domain": "mx*.example.org""#, "a * stands for nothing here: write the name"),
            (#""type": "identity", "domain": "u@example.org""#, "is a mail address"),
            (#""type": "identity", "domain": "192.0.2.1""#, "for which the type is ipv4_net or ipv6_net"),
            (#""type": "identity", "domain": "com""#, "com is a top-level domain"),
            (#""type": "proof""#, #""is" is missing"#),
            (#""type": "proof", "is": "host""#, #""is" is "host", not one of spf, name"#),
            (#""type": "proof", "is": true"#, #""is" is true, not a string"#),
            (#""type": "spf""#, #""result" is missing"#),
            (
                #""type": "spf", "result": "hardfail""#,
                #""result" is "hardfail", not one of none, neutral, pass, fail, softfail, temperror, permerror"#
            ),
            (#""type": "dns_list""#, #""zone" is missing"#),
            (#""type": "dns_list", "zone": "a b""#, #""a b" is not a domain name"#),
            (#""type": "dns_list", "zone": "list""#, #""list" is not the zone of a list (two labels or more"#),
            (#""type": "dns_list", "zone": "\#(longZone).e""#, "(two labels or more, up to 189 bytes)"),
            (#""type": "dns_list", "zone": "192.0.2.1""#, "is a client's address or network"),
            (
                #""type": "dns_list", "zone": "a.b", "matches": "127.0.2""#,
                #""127.0.2" is not a pattern of answers (four numbers or *: 127.0.*.3)"#
            ),
            (#""type": "dns_list", "zone": "a.b", "matches": "127.0.0.256""#, "is not a pattern of answers"),
            (#""type": "dns_list", "zone": "a.b", "matches": "127.0.0.02""#, "is not a pattern of answers"),
            (#""type": "dns_list", "zone": "a.b", "matches": "127.0.0.*3""#, "is not a pattern of answers"),
            (#""type": "dns_list", "zone": "a.b", "matches": "127.0..3""#, "is not a pattern of answers"),
            (#""type": "dns_list", "zone": "a.b", "matches": 127"#, #""matches" is 127, not a string"#),
            (#""type": "dns_list", "zone": "a.b", "matches": "10.0.0.*""#, #""10.0.0.*": no list answers so"#),
            (#""type": "dns_list", "zone": "a.b", "matches": "127.255.255.*""#, "no list answers so"),
            (#""type": "dns_list", "zone": "a.b", "matches": "127.0.0.255""#, "no list answers so"),
            (#""type": "client_generic""#, "most of the clients that greylisting is for have such a name"),
            (#""type": "proof", "is": "spf""#, "anyone can publish a record for SPF"),
            (#""type": "proof", "is": "name""#, "anyone can give a host such a name"),
            (#""type": "spf", "result": "pass""#, "anyone can publish a record for SPF"),
        ])
    func malformed(members: String, message: String) throws {
        let read = try whitelist("{l: [{\(members)}]}")
        #expect(read.entries == [])
        #expect(read.skipped.count == 1)
        #expect(read.skipped.first?.contains(message) == true, "\(read.skipped)")
    }

    @Test("a zone that leaves just room for an IPv6 address")
    func longestZone() throws {
        #expect(Self.longZone.utf8.count == 188)
        #expect(try whitelist("{l: [{type: \"dns_list\", zone: \"\(Self.longZone)\"}]}").entries.count == 1)
    }

    @Test(
        "what is taken, with a note",
        arguments: [
            (#""type": "identity", "domain": "*.example.org""#, "\"*.example.org\" was taken as example.org"),
            (#""type": "dns_list", "zone": "https://list.example/""#, "was taken as list.example"),
        ])
    func taken(members: String, note: String) throws {
        let read = try whitelist("{l: [{\(members)}]}")
        #expect(read.entries.count == 1)
        #expect(read.notes.count == 1)
        #expect(read.notes.first?.hasSuffix(note) == true, "\(read.notes)")
    }

    @Test("lists in the DNS: 16 in all")
    func zones() throws {
        let lists = (0..<18).map { "{type: \"dns_list\", zone: \"l\($0).example\"}" }
        let again = "{type: \"dns_list\", zone: \"l3.example\", matches: \"127.0.0.2\"}"
        let read = try whitelist("{l: [\((lists + [again]).joined(separator: ","))]}")
        #expect(read.entries.count == WhitelistLimits.zones + 1)
        #expect(read.skipped.count == 2)
        #expect(
            read.skipped.first?.hasPrefix("/wl.json:1(l[16]) was skipped: there are more than 16 lists in the DNS")
                == true)
    }
}
