import SPFZones
import Testing

@testable import SPF

/// What an administrator is shown of a result.
@Suite("Explanations of results")
struct PathTests {
    static let zone: [String: [Zone.Record]] = [
        "_spf.example.net": [.text("v=spf1 ip4:198.51.100.1 redirect=_v4.%{d}")],
        "_v4._spf.example.net": [.text("v=spf1 ip4:192.0.2.0/24 ?all")],
        "example.org": [.address("192.0.2.200")],
    ]

    @Test("the terms on the way to the one that matched")
    func path() throws {
        let outcome = try Check("v=spf1 a -include:no.example.net Include:_SPF.example.net ~all", Self.zone).outcome()
        #expect(outcome.problem?.cause == .noIncludedRecord)
        #expect(outcome.problem?.term == Array("-include:no.example.net".utf8))
        #expect(outcome.path.isEmpty)

        let pass = try Check("v=spf1 a Include:_SPF.example.net ~all", Self.zone).outcome()
        #expect(pass.result == .pass)
        #expect(pass.scope == .mailFrom)
        #expect(pass.domain == Array("example.org".utf8))
        #expect(
            pass.path == [
                term("example.org", "Include:_SPF.example.net", .include, target: "_spf.example.net"),
                term("_spf.example.net", "redirect=_v4.%{d}", .redirect, target: "_v4._spf.example.net"),
                term("_v4._spf.example.net", "ip4:192.0.2.0/24", .ip4, length: 24),
            ])
    }

    @Test("a term of each kind")
    func kinds() throws {
        let zone: [String: [Zone.Record]] = [
            "example.org": [.address("192.0.2.3"), .exchange("example.org")],
            "3.2.0.192.in-addr.arpa": [.pointer("example.org")],
        ]
        let terms: [SPFTerm] = [
            term("example.org", "?all", .all), term("example.org", "-a/24//64", .a, target: "example.org", length: 24),
            term("example.org", "~mx", .mx, target: "example.org", length: 32),
            term("example.org", "ptr:%{d}", .ptr, target: "example.org"),
            term("example.org", "ip4:0.0.0.0/0", .ip4, length: 0),
            term("example.org", "exists:example.org.", .exists, target: "example.org"),
        ]
        for expected in terms {
            #expect(
                try Check("v=spf1 \(String(decoding: expected.text, as: UTF8.self))", zone).outcome().path == [expected]
            )
        }
        var dynamic = term("example.org", "exists:%{l}.org", .exists, target: "example.org")
        dynamic.isDynamic = true
        var check = Check("v=spf1 exists:%{l}.org", zone)
        check.sender = "example@example.org"
        #expect(try check.outcome().path == [dynamic])
    }

    @Test("where no term matched, the way alone")
    func noMatch() throws {
        let outcome = try Check("v=spf1 redirect=_spf.example.net", Self.zone).from("203.0.113.1").outcome()
        #expect(outcome.result == .neutral)
        #expect(outcome.path.map(\.kind) == [.redirect, .redirect, .all])
        #expect(try Check("v=spf1 a", Self.zone).from("203.0.113.1").outcome().path.isEmpty)
        #expect(try Check("v=spf1 include:_spf.example.net", Self.zone).from("203.0.113.1").outcome().path.isEmpty)
    }

    @Test("a guess names the host or the mail exchangers")
    func guess() throws {
        let outcome = try Check(zone: ["example.org": [.address("192.0.2.200")]]).outcome()
        #expect(outcome.path == [term("example.org", "a/24//64", .a, target: "example.org", length: 24)])
    }

    @Test("of a HELO name")
    func helo() throws {
        var check = Check(zone: ["mx.example.net": [.text("v=spf1 ip4:192.0.2.3")]])
        check.sender = ""
        check.helo = "MX.Example.Net."
        let outcome = try check.outcome()
        #expect(outcome.result == .pass)
        #expect(outcome.scope == .helo)
        #expect(outcome.domain == Array("mx.example.net".utf8))
    }

    @Test("a long term is cut")
    func longTerm() throws {
        let long = "foo=" + String(repeating: "x", count: 300) + "%"
        #expect(try Check("v=spf1 \(long)").outcome().problem?.term == Array(long.utf8.prefix(255)))
        let term = "a:%{d" + String(repeating: "0", count: 300) + "2}"
        let outcome = try Check("v=spf1 \(term)", ["example.org": [.address("192.0.2.3")]]).outcome()
        #expect(outcome.result == .pass)
        #expect(outcome.path.map(\.text) == [Array(term.utf8.prefix(255))])
    }

    private func term(
        _ domain: String, _ text: String, _ kind: SPFTerm.Kind, target: String? = nil, length: Int? = nil
    ) -> SPFTerm {
        SPFTerm(
            domain: Array(domain.utf8), text: Array(text.utf8), kind: kind, target: target.map { Array($0.utf8) },
            prefixLength: length, isDynamic: false)
    }
}
