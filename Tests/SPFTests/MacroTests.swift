import SPF
import SPFZones
import Testing

@Suite("Macros")
struct MacroTests {
    /// The examples of RFC 7208, section 7.4, and further ones.
    static let expansions: [(String, String)] = [
        ("%{s}", "strong-bad@email.example.com"), ("%{o}", "email.example.com"), ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"), ("%{d3}", "email.example.com"), ("%{d2}", "example.com"), ("%{d1}", "com"),
        ("%{dr}", "com.example.email"), ("%{d2r}", "example.email"), ("%{l}", "strong-bad"), ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"), ("%{lr-}", "bad.strong"), ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"), ("%{h}", "mx.example.net"),
        ("%{h1-}", "mx.example.net"), ("%{d-.}", "email.example.com"),
        ("%{i1}.x.example", "3.x.example"),
        ("a%%b%_c%-d.example", "a%b c%20d.example"), ("%{S}", "strong-bad%40email.example.com"), ("%{V}", "in-addr"),
        ("%{IR}.example", "3.2.0.192.example"), ("%{o}.example.", "email.example.com.example"),
        ("%{l+}.%{l9r}.%{l1,}.example", "strong-bad.strong-bad.strong-bad.example"),
        ("%{l2r=-}.example", "bad.strong.example"),
    ]

    @Test("what they stand for", arguments: expansions)
    func expansion(_ spec: String, _ expected: String) throws {
        var check = Check(zone: ["email.example.com": [.text("v=spf1 exists:\(spec) -all")]])
        check.sender = "strong-bad@email.example.com"
        #expect(try check.questions().last == "A \(expected)")
    }

    static let clientNames: [(String, [String], String)] = [
        ("no name", [], "unknown"),
        ("the first one", ["mx.example.net", "mx.example.com"], "mx.example.net"),
        ("one below the domain rather", ["mx.example.net", "a.example.org", "b.example.org"], "a.example.org"),
        ("the domain rather", ["a.example.org", "example.org"], "example.org"),
        ("only confirmed ones", ["forged.example.org", "mx.example.net"], "mx.example.net"),
        ("not one that merely ends alike", ["mx.badexample.org", "mx.example.org"], "mx.example.org"),
    ]

    @Test("%{p} is a confirmed name of the client", arguments: clientNames)
    func clientName(_ what: String, _ names: [String], _ expected: String) throws {
        var zone: [String: [Zone.Record]] = ["3.2.0.192.in-addr.arpa": names.map { .pointer($0) }]
        for name in names {
            zone[name] = [.address(name.hasPrefix("forged") ? "198.51.100.1" : "192.0.2.3")]
        }
        #expect(try Check("v=spf1 exists:%{p}.x.example -all", zone).questions().last == "A \(expected).x.example")
    }

    @Test("the names of the client are unknown where the DNS fails")
    func unknownClientName() throws {
        let check = Check("v=spf1 exists:%{p}.x.example -all", ["3.2.0.192.in-addr.arpa": [.timeout]])
        #expect(try check.questions().last == "A unknown.x.example")
    }

    static let dependencies: [(String, SPFDependencies)] = [
        ("exists:%{d}.%{o}.%{i}.%{v}.%{p}.example", []), ("exists:%{h}.example", .helo), ("exists:%{H}.example", .helo),
        ("exists:%{l}.example", .localPart), ("exists:%{s}.example", .localPart),
        ("include:%{h}.example", .helo), ("redirect=%{h}.example", .helo), ("ip4:192.0.2.3 exists:%{h}.example", []),
        ("exists:%{h}.example exists:%{l}.example", [.helo, .localPart]),
    ]

    @Test("an outcome says what it depends on", arguments: dependencies)
    func dependency(_ term: String, _ expected: SPFDependencies) throws {
        #expect(try Check("v=spf1 \(term)").outcome().dependencies == expected)
    }

    @Test("a name that isn't one matches nothing, and nobody is asked", arguments: ["a..b", "\u{e4}", "a\0", ""])
    func malformed(_ helo: String) throws {
        for mechanism in ["a", "mx", "exists", "ptr"] {
            var check = Check("v=spf1 \(mechanism):%{h} ?all")
            check.helo = helo
            #expect(try check.questions().filter { !$0.hasSuffix("arpa") } == ["TXT example.org"])
            #expect(try check.result() == .neutral)
        }
    }

    @Test("a long record full of macros ends soon", .timeLimit(.minutes(1)))
    func longRecord() throws {
        let macros = String(repeating: "%{s}%{h}.", count: 8_000)
        var check = Check("v=spf1" + String(repeating: " exists:\(macros)example", count: 10) + " ?all")
        check.sender = String(repeating: "a.", count: 1_000) + "@example.org"
        check.limits.voidLookups = 10
        var evaluation = try check.evaluation()
        let (outcome, questions) = evaluation.run(in: Zone(check.zone))
        #expect(outcome.result == .neutral)
        #expect(questions.joined().allSatisfy { $0.name.count <= 253 })
    }
}
