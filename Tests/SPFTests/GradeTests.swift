import SPF
import SPFZones
import Testing

@Suite("Grades of a pass")
struct GradeTests {
    static let zone: [String: [Zone.Record]] = [
        "example.org": [.address("192.0.2.3"), .address("2001:db8::3"), .exchange("mx.example.org")],
        "mx.example.org": [.address("192.0.2.3"), .address("2001:db8::3"), .exchange("mx.example.org")],
        "3.2.0.192.in-addr.arpa": [.pointer("mx.example.org")],
        "192.0.2.3.example": [.address("127.0.0.2"), .text("v=spf1 ip4:192.0.2.3")],
        "user.example": [.address("192.0.2.3")],
        "example.org.example": [.address("192.0.2.3"), .text("v=spf1 ip4:192.0.2.3")],
        "narrow.example": [.text("v=spf1 ip4:192.0.0.0/14 ip6:2001:db8::/32")],
        "wide.example": [.text("v=spf1 ip4:192.0.0.0/13 ip6:2001:d00::/24")],
        "all.example": [.text("v=spf1 +all")],
        "ptr.example": [.text("v=spf1 ptr:example.org")],
        "exists.example": [.text("v=spf1 exists:%{i}.example")],
        "nothing.example": [.text("v=spf1 -all")],
        "deep.example": [.text("v=spf1 redirect=narrow.example")],
        "192.0.2.3.open.example": [.text("v=spf1 +all")],
        "two.example": [.text("v=spf1 include:%{o}.example")],
    ]

    static let strong = [
        "ip4:192.0.2.3", "ip4:192.0.0.0/14", "a", "a/14", "mx", "mx/14", "a:%{d}", "a:%{d2}", "a:mx.%{o}", "A:%{O}",
        "a:example.org/24//0", "include:narrow.example", "redirect=narrow.example", "redirect=deep.example",
        "include:deep.example", "include:two.example", "include:%{d}.example", "?include:nothing.example a",
        "exists:no.example a", "-exists:%{i}.no.example a", "?exists:%{i}.no.example mx",
    ]

    static let dynamic = [
        "exists:mx.example.org", "exists:%{i}.example", "a:%{l}.example", "include:%{i}.example",
        "redirect=%{i}.example",
        "include:exists.example", "a:%{L}.example", "mx:%{p}", "a:%{p}", "a:mx.example.%{l}.org a:%{l}.example",

    ]

    static let open = [
        "all", "+all", "ip4:0.0.0.0/0", "ip4:192.0.0.0/13", "ip4:192.0.0.0/5", "a/13", "mx/13", "a/0", "ptr",
        "ptr:example.org", "include:all.example", "redirect=all.example", "include:wide.example",
        "redirect=wide.example",
        "include:ptr.example", "include:%{i}.open.example",
    ]

    static let cases: [(SPFGrade, String)] =
        strong.map { (.strong, $0) } + dynamic.map { (.dynamic, $0) } + open.map { (.open, $0) }

    @Test("a pass is worth what led to it", arguments: cases)
    func grade(_ expected: SPFGrade, _ terms: String) throws {
        var check = Check("v=spf1 \(terms)", Self.zone)
        check.limits.voidLookups = 5
        let outcome = try check.outcome()
        #expect(outcome.result == .pass)
        #expect(outcome.grade == expected)
    }

    static let ipv6Grades: [(String, SPFGrade)] = [
        ("ip6:2001:db8::/32", .strong), ("ip6:2001:db8::/31", .open), ("a//32", .strong), ("a//31", .open),
        ("a/0", .strong), ("mx//32", .strong), ("mx//31", .open), ("include:narrow.example", .strong),
        ("include:wide.example", .open),
    ]

    @Test("networks of IPv6 are narrow from /32 on", arguments: ipv6Grades)
    func ipv6(_ terms: String, _ expected: SPFGrade) throws {
        #expect(try Check("v=spf1 \(terms)", Self.zone).from("2001:db8::3").outcome().grade == expected)
    }

    @Test("nothing but a pass has a grade", arguments: ["-all", "~all", "?all", "-a", "x", "include:no.example"])
    func without(_ terms: String) throws {
        #expect(try Check("v=spf1 \(terms)", Self.zone).outcome().grade == nil)
    }

    static let guesses: [([String: [Zone.Record]], String, SPFGrade?)] = [
        (["example.org": [.address("192.0.2.250")]], "192.0.2.3", .guess),
        (["example.org": [.address("192.0.3.250")]], "192.0.2.3", nil),
        (["example.org": [.address("2001:db8::ffff")]], "2001:db8::3", .guess),
        (["example.org": [.address("2001:db8:0:1::")]], "2001:db8::3", nil),
        (
            ["example.org": [.exchange("mx.example.net")], "mx.example.net": [.address("192.0.2.250")]], "192.0.2.3",
            .guess
        ),
        (["example.org": [.exchange("")]], "192.0.2.3", nil),
        (["example.org": [.text("something"), .address("192.0.2.250")]], "192.0.2.3", .guess),
        (["example.org": [.text("v=spf1 ?all"), .address("192.0.2.250")]], "192.0.2.3", nil),
        (["example.org": [.text("v=spf1 x"), .address("192.0.2.250")]], "192.0.2.3", nil),
        (["example.org": [.exchange("mx.example.net")], "mx.example.net": [.timeout]], "192.0.2.3", nil),
        (["www.example.org": [.address("192.0.2.3")]], "192.0.2.3", nil),
    ]

    @Test("without a record it is guessed from host and mail exchangers", arguments: guesses)
    func guess(_ zone: [String: [Zone.Record]], _ client: String, _ expected: SPFGrade?) throws {
        let outcome = try Check(zone: zone).from(client).outcome()
        #expect(outcome.grade == expected)
        #expect(expected == nil || outcome.result == .none)
        #expect(outcome.result != .temperror)
    }

    @Test("nothing is guessed of a name that doesn't exist")
    func guessNothing() throws {
        #expect(try Check(zone: [:]).questions() == ["TXT example.org"])
        #expect(
            try Check(zone: ["example.org": []]).questions() == ["TXT example.org", "A example.org", "MX example.org"])
    }
}
