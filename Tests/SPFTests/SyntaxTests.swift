import SPF
import SPFZones
import Testing

@Suite("The syntax of records")
struct SyntaxTests {
    static let wrong = [
        "all:", "all/0", "all.", "al", "-", "--all", "+-all", "=all", "1up=x", "x y", "ip4", "ip4:", "ip4:192.0.2",
        "ip4:192.0.2.3.4", "ip4:192.0.2.256", "ip4:192.0.2.03", "ip4:192.0.2.3/33", "ip4:192.0.2.3/",
        "ip4:192.0.2.3/-1",
        "ip4:192.0.2.3/024", "ip4:192.0.2.3/1000", "ip4:192.0.2.3//24", "ip4:192.0.2.3:25", "ip4/24", "ip4:2001:db8::1",
        "ip6", "ip6:", "ip6:192.0.2.3", "ip6:2001:db8::1/129", "ip6:2001:db8:::1", "ip6:2001:db8::1::",
        "ip6:1:2:3:4:5:6:7",
        "ip6:1:2:3:4:5:6:7:8:9", "ip6:1:2:3:4:5:6:7:8::", "ip6::1", "ip6:1:", "ip6:12345::", "ip6:g::", "ip6:::1%eth0",
        "ip6:::1.2.3.4:5", "ip6:::1.2.3.4.5", "ip6:1.2.3.4::", "a:", "a:museum", "a:museum.", "a:example.123",
        "a:192.0.2.3",
        "a:example.-org", "a:example.org-", "a:example.org/33", "a:example.org/024", "a:example.org//129", "a:/24",
        "a/24/64", "a///64", "a/", "a//", "a:example.org/x", "a24", "mx:example.org:25", "mx/", "ptr/24", "ptr:",
        "ptr:x",
        "include", "include:", "include:x", "include:example.org/24", "include/24", "exists", "exists:",
        "exists:example.org/24", "exists:%{i}/24", "exists:%", "exists:%x.example", "exists:%{i.example",
        "exists:%{}.example",
        "exists:%{z}.example", "exists:%{c}.example", "exists:%{r}.example", "exists:%{t}.example",
        "exists:%{d0}.example",
        "exists:%{d00}.example", "exists:%{dr2}.example", "exists:%{d*}.example", "exists:%{d}example",
        "exists:%{d}.-x",
        "exists:%(i).example", "exists:%{d}.", "redirect=", "redirect=x", "redirect=%{d}x", "redirect:example.org",
        "exp=", "exp=x",
        "exp=%{r}.example.org", "exp=a.example exp=b.example", "EXP=a.example exp=b.example",
        "redirect=a.example redirect=a.example", "foo=%", "foo=%{x}", "foo=%{c}", "foo+=x", "?foo=x", "unknown",
        "a:ex\u{7f}ample.org",
    ]

    @Test("an error anywhere is one of the record, even behind a match", arguments: wrong)
    func isRefused(_ term: String) throws {
        let outcome = try Check("v=spf1 ip4:192.0.2.3 \(term) -all").outcome()
        #expect(outcome.result == .permerror)
        #expect(outcome.problem?.cause == .syntax)
        #expect(outcome.problem?.domain == Array("example.org".utf8))
    }

    static let right = [
        "all", "+all", "ALL", "?All", "ip4:192.0.2.3", "-ip4:0.0.0.0/0", "IP4:192.0.2.3/32", "ip6:::", "ip6:::/0",
        "ip6:1:2:3:4:5:6:7:8", "ip6:1:2:3:4:5:6:7::", "ip6:::2:3:4:5:6:7:8", "ip6:1::8/128", "ip6:::ffff:192.0.2.3",
        "ip6:1:2:3:4:5:6:192.0.2.3", "ip6:CAFE::Babe", "a", "A/24", "a//64", "a/24//64", "a:example.org",
        "a:example.org.",
        "a:example.org/24", "a:example.org//64", "a:example.org/24//64", "a:foo:bar/baz.example.org", "a:%{d}",
        "a:%{d}/24",
        "a:%{d2r}//64", "a:a/24.example.org/24", "a:x.1-2", "a:x.xn--zckzah", "a:.org", "mx", "mx:%{D}", "ptr",
        "ptr:example.org",
        "include:_spf.example.org", "exists:%{ir}.%{v}._spf.%{d}", "exists:%{l1r+-}.%{o}",
        "exists:%{d999999999999999999999}",
        "exists:%{dR}", "exists:%{s.-+,/_=}", "exists:a%%b.%_%-.example.org", "exists:x%%", "exists:x%_", "exists:x%-",
        "redirect=%{d}", "REDIRECT=a.example", "exp=explain.example.org", "Exp=%{i}", "foo=", "foo=bar",
        "f-o_o.2=%{i}:/=",
        "foo=bar foo=bar", "a=b", "ip4=192.0.2.3", "all=no",
    ]

    @Test("what the grammar allows is read", arguments: right)
    func isRead(_ term: String) throws {
        #expect(try Check("v=spf1 ip4:192.0.2.3 \(term)").result() == .pass)
    }

    static let qualifiers: [(String, SPFResult)] = [
        ("ip4:192.0.2.3", .pass), ("+ip4:192.0.2.3", .pass), ("-ip4:192.0.2.3", .fail), ("~ip4:192.0.2.3", .softfail),
        ("?ip4:192.0.2.3", .neutral), ("ip4:192.0.2.4", .neutral), ("-ip4:192.0.2.2/31", .fail),
        ("-ip4:192.0.2.4/31", .neutral),
        ("-ip4:0.0.0.0/0", .fail), ("-ip6:::/0", .neutral), ("-ip4:192.0.2.4 ~all", .softfail),
        ("-all ip4:192.0.2.3", .fail),
    ]

    @Test("the first mechanism that matches decides, with its qualifier", arguments: qualifiers)
    func qualifier(_ terms: String, _ expected: SPFResult) throws {
        #expect(try Check("v=spf1 \(terms)").result() == expected)
    }

    static let networks: [(String, String, Bool)] = [
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
        ("2001:db8::1", "2001:db8::1", true), ("2001:db8::1", "2001:db8::2", false), ("::1.2.3.4", "::102:304", true),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304", true), ("1::8", "1:0:0:0:0:0:0:8", true),
        ("::/0", "2001:db8::1", true), ("::/0", "::ffff:192.0.2.3", false), ("8000::/1", "7fff::1", false),
    ]

    @Test("IPv6 networks", arguments: networks)
    func network(_ network: String, _ client: String, _ isMatch: Bool) throws {
        #expect(try Check("v=spf1 ip6:\(network) -all").from(client).result() == (isMatch ? .pass : .fail))
    }

    static let names: [(String, String?)] = [
        ("Example.ORG", "example.org"), ("example.org.", "example.org"), ("org", "org"), ("a b.example", "a b.example"),
        ("", nil), (".", nil), ("a..b", nil), (".a", nil), ("a.\u{7f}", nil), ("\u{e4}.org", nil), ("a\0.org", nil),
        (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
        (String(repeating: "a", count: 64), nil),
        (String(repeating: "a.", count: 126) + "b", String(repeating: "a.", count: 126) + "b"),
        (String(repeating: "a.", count: 126) + "bc", nil),
    ]

    @Test("names that the DNS can be asked for", arguments: names)
    func name(_ text: String, _ expected: String?) {
        #expect(DNSQuestion(Array(text.utf8), .a)?.name == expected.map { Array($0.utf8) })
    }
}
