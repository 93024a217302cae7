import SPF
import SPFZones
import Testing

/// What implementations of RFC 7208 get wrong.
@Suite("Traps of SPF")
struct TrapTests {
    static func exchangers(_ count: Int, address: String) -> [String: [Zone.Record]] {
        var zone: [String: [Zone.Record]] = ["example.org": []]
        for number in 1...count {
            zone["example.org", default: []].append(.exchange("mx\(number).example.org"))
            zone["mx\(number).example.org"] = [.address(address)]
        }
        return zone
    }

    @Test("address lookups of mail exchangers are not among the ten terms")
    func exchangersAreNotTerms() throws {
        let record = "v=spf1 mx mx mx mx mx mx mx mx mx mx -all"
        #expect(try Check(record, Self.exchangers(10, address: "198.51.100.1")).result() == .fail)
        #expect(try Check(record + " mx", Self.exchangers(10, address: "198.51.100.1")).result() == .fail)
        let eleven = "v=spf1 mx mx mx mx mx mx mx mx mx mx mx -all"
        let outcome = try Check(eleven, Self.exchangers(10, address: "198.51.100.1")).outcome()
        #expect(outcome.result == .permerror)
        #expect(outcome.problem?.cause == .tooManyTerms)
    }

    @Test("more than ten mail exchangers are an error, even if one of the first matches")
    func elevenExchangers() throws {
        #expect(try Check("v=spf1 mx -all", Self.exchangers(10, address: "192.0.2.3")).result() == .pass)
        let outcome = try Check("v=spf1 mx -all", Self.exchangers(11, address: "192.0.2.3")).outcome()
        #expect(outcome.result == .permerror)
        #expect(outcome.problem?.cause == .tooManyExchanges)
    }

    @Test("of more than ten names of the client ten are looked at", arguments: [(10, SPFResult.pass), (11, .fail)])
    func clientNames(_ place: Int, _ expected: SPFResult) throws {
        var zone: [String: [Zone.Record]] = [:]
        for number in 1...12 {
            let name = number == place ? "mx.example.org" : "host\(number).example.net"
            zone["3.2.0.192.in-addr.arpa", default: []].append(.pointer(name))
            zone[name] = [.address("192.0.2.3")]
        }
        #expect(try Check("v=spf1 ptr -all", zone).result() == expected)
    }

    static let voids: [(String, SPFResult)] = [
        ("v=spf1 a:no1.example.org a:no2.example.org -all", .fail),
        ("v=spf1 a:no1.example.org a:no2.example.org a:no3.example.org -all", .permerror),
        ("v=spf1 a:no1.example.org a:no1.example.org a:no1.example.org -all", .permerror),
        ("v=spf1 exists:no1.example.org mx:text.example.org -all", .fail),
        ("v=spf1 exists:no1.example.org mx:text.example.org a:text.example.org -all", .permerror),
        ("v=spf1 a:no1.example.org a:no2.example.org exp=no3.example.org -all", .fail),
        ("v=spf1 a:no1.example.org a:no2.example.org ip4:192.0.2.3 a:no3.example.org -all", .pass),
    ]

    @Test("two lookups may find nothing", arguments: voids)
    func voidLookups(_ record: String, _ expected: SPFResult) throws {
        #expect(try Check(record, ["text.example.org": [.text("hello")]]).result() == expected)
    }

    static let selections: [([String], SPFResult)] = [
        (["v=spf1 -all", "v=spf1 -all"], .permerror),
        (["v=spf1 -all", "V=SPF1 +all"], .permerror),
        (["v=spf1", "v=spf1 +all"], .permerror),
        (["v=spf10 -all"], .none),
        (["v=spf10 -all", "v=spf1 -all"], .fail),
        (["v=spf1-all"], .none),
        ([" v=spf1 -all"], .none),
        (["v=spf1\t-all"], .none),
        (["v=spf2.0/mfrom -all", "something", "v=spf1 -all"], .fail),
        (["v=spf1"], .neutral),
        (["v=spf1 "], .neutral),
        ([""], .none),
        ([], .none),
    ]

    @Test("one text is the record, or there is none", arguments: selections)
    func selection(_ texts: [String], _ expected: SPFResult) throws {
        #expect(try Check(zone: ["example.org": texts.map { .text($0) }]).result() == expected)
    }

    @Test("%{d} in an included record is the included domain")
    func includedDomain() throws {
        let check = Check(
            "v=spf1 include:_spf.example.net -all",
            [
                "_spf.example.net": [.text("v=spf1 exists:%{d}.d.example exists:%{o}.o.example ?all")],
                "_spf.example.net.d.example": [.address("127.0.0.2")],
            ])
        #expect(try check.result() == .pass)
        #expect(try check.questions().last == "A _spf.example.net.d.example")
    }

    @Test("%{d} behind a redirect is the domain redirected to, and so is the domain of a bare term")
    func redirectedDomain() throws {
        let check = Check(
            "v=spf1 redirect=other.example",
            [
                "other.example": [.text("v=spf1 exists:%{d}.x.example a -all"), .address("192.0.2.3")],
                "example.org": [.address("198.51.100.1")],
            ])
        #expect(
            try check.questions() == [
                "TXT example.org", "TXT other.example", "A other.example.x.example", "A other.example",
            ])
        #expect(try check.result() == .pass)
    }

    @Test("%{i} of an IPv6 address is 32 digits with dots")
    func nibbles() throws {
        let check = Check("v=spf1 exists:%{i}.%{v}.example ?exists:%{ir}.%{v}.example").from("2001:db8::cb01")
        let digits = "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1"
        let reversed = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
        #expect(try check.questions().dropFirst() == ["A \(digits).ip6.example", "A \(reversed).ip6.example"])
    }

    static let lengths: [(String, String, SPFResult)] = [
        ("a/24//64", "192.0.2.250", .pass), ("a/24//64", "192.0.3.250", .fail),
        ("a/24//64", "2001:db8::ffff", .pass), ("a/24//64", "2001:db8:0:1::1", .fail),
        ("a//64", "192.0.2.250", .fail), ("a//64", "192.0.2.3", .pass), ("a//64", "2001:db8::ffff", .pass),
        ("a/24", "2001:db8::ffff", .fail), ("a/24", "2001:db8::3", .pass), ("a/0//0", "203.0.113.1", .pass),
        ("mx/24//64", "192.0.2.250", .pass), ("mx/24//64", "2001:db8::ffff", .pass),
        ("mx:example.org/31", "192.0.2.2", .pass), ("mx:example.org//127", "2001:db8::2", .pass),
    ]

    @Test("prefix lengths are one for IPv4, and one behind two slashes for IPv6", arguments: lengths)
    func dualLengths(_ term: String, _ client: String, _ expected: SPFResult) throws {
        let zone: [String: [Zone.Record]] = [
            "example.org": [.address("192.0.2.3"), .address("2001:db8::3"), .exchange("example.org")]
        ]
        #expect(try Check("v=spf1 \(term) -all", zone).from(client).result() == expected)
    }

    @Test("exists asks for IPv4 addresses whatever the client's is")
    func existsAsksA() throws {
        let check = Check("v=spf1 exists:ok.example -all", ["ok.example": [.address("127.0.0.2")]]).from("2001:db8::3")
        #expect(try check.questions().last == "A ok.example")
        #expect(try check.result() == .pass)
    }

    @Test("an address that maps an IPv4 one is that one")
    func mapped() throws {
        let check = Check("v=spf1 ip6:::ffff:192.0.2.3 ip4:192.0.2.3 exists:%{i}.%{v}.example -all")
            .from("::ffff:192.0.2.3")
        #expect(try check.outcome().path.last?.kind == .ip4)
        let other = Check("v=spf1 exists:%{i}.%{v}.example -all").from("::ffff:192.0.2.3")
        #expect(try other.questions().last == "A 192.0.2.3.in-addr.example")
    }

    @Test(
        "names of more than 253 bytes lose labels on the left", arguments: [100, 252, 253, 254, 255, 256, 258, 5_000])
    func longNames(_ length: Int) throws {
        let tail = ".a.example"
        // Labels of seven bytes, the first one with what is left.
        let labels = length - tail.utf8.count
        let whole =
            String(repeating: "x", count: labels % 8) + String(repeating: ".yyyyyyy", count: labels / 8) + tail
        let isCut = length > 253
        var check = Check("v=spf1 exists:%{l}\(tail) -all")
        check.sender = "\(whole.dropLast(tail.utf8.count))@example.org"
        let asked = try #require(try check.questions().last).dropFirst(2)
        #expect(asked == (isCut ? whole.suffix(asked.count) : whole[...]))
        #expect(!isCut || (asked.hasPrefix("yyyyyyy.") && (246...253).contains(asked.count)))
    }

    static let helos: [(String, String, SPFResult)] = [
        ("", "[192.0.2.3]", .none), ("", "[IPv6:2001:db8::3]", .none), ("", "localhost", .none), ("", "", .none),
        ("", "mail.example.org", .fail), ("", "mail.example.org.", .fail), ("", "MAIL.EXAMPLE.ORG", .fail),
        ("", "a..example.org", .none), ("", "two words.example.org", .none), ("user", "mail.example.org", .fail),
        ("user@", "mail.example.org", .fail), ("@mail.example.org", "x", .fail), ("a@b@mail.example.org", "x", .fail),
        ("user@[192.0.2.3]", "mail.example.org", .none), ("user@localhost", "mail.example.org", .none),
        ("user@m\u{e4}il.example.org", "mail.example.org", .none),
        ("user@\(String(repeating: "a", count: 64)).org", "mail.example.org", .none),
        ("user@\(String(repeating: "a.", count: 126))org", "mail.example.org", .none),
    ]

    @Test("a literal, a single label and what can't be a name have no result", arguments: helos)
    func names(_ sender: String, _ helo: String, _ expected: SPFResult) throws {
        var check = Check(zone: ["mail.example.org": [.text("v=spf1 -all")]])
        (check.sender, check.helo) = (sender, helo)
        #expect(try check.result() == expected)
        #expect(try check.questions().isEmpty == (expected == .none))
    }

    @Test("only blanks separate terms", arguments: ["\t", "\r", "\n", "\u{b}", "\0", ",", "\u{a0}"])
    func separators(_ separator: String) throws {
        #expect(try Check("v=spf1 ip4:192.0.2.3\(separator)-all").result() == .permerror)
        #expect(try Check("v=spf1   ip4:192.0.2.3  -all  ").result() == .pass)
    }

    @Test("a record that isn't ASCII is an error, another text that isn't doesn't matter")
    func nonASCII() throws {
        let outcome = try Check("v=spf1 ip4:192.0.2.3 x=\u{fc} -all").outcome()
        #expect(outcome.result == .permerror)
        #expect(outcome.problem?.cause == .notASCII)
        #expect(try Check("v=spf1 -all", ["example.org": [.text("\u{fc}")]]).result() == .fail)
    }

    @Test("a redirect beside all is not followed, and one to no record is an error")
    func redirect() throws {
        let check = Check("v=spf1 redirect=no.example ~all")
        #expect(try check.result() == .softfail)
        #expect(try check.questions() == ["TXT example.org"])
        #expect(try Check("v=spf1 redirect=no.example").outcome().problem?.cause == .noRedirectedRecord)
        #expect(try Check("v=spf1 redirect=a..example").outcome().problem?.cause == .noRedirectedRecord)
        #expect(try Check("v=spf1 redirect=no.example ip4:192.0.2.3").result() == .pass)
    }

    @Test("an include of a domain without record is an error")
    func include() throws {
        let outcome = try Check("v=spf1 include:no.example ip4:192.0.2.3").outcome()
        #expect(outcome.result == .permerror)
        #expect(outcome.problem?.cause == .noIncludedRecord)
        #expect(try Check("v=spf1 ip4:192.0.2.3 include:no.example").result() == .pass)
    }
}
