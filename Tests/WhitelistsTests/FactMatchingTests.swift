import Greylist
import TestSupport
import Testing

@testable import Whitelists

/// What a whitelist says of a client of whom not everything is known.
@Suite("Whitelists, and facts that may not be known")
struct FactMatchingTests {
    static func domain(_ name: String) -> Domain {
        guard let domain = Domain(name) else { preconditionFailure("\(name) is not a domain") }
        return domain
    }

    static func zone(_ name: String) -> DNSList.Zone {
        guard let zone = DNSList.Zone(domain(name)) else { preconditionFailure("\(name) is not a zone") }
        return zone
    }

    static func listed(_ name: String, _ answers: String = "127.*.*.*") -> Condition.Fact {
        guard let answers = DNSList.Answers(answers) else { preconditionFailure("\(answers) is not a pattern") }
        return .listed(DNSList(zone(name), answers: answers))
    }

    static func list(_ zone: String, _ answers: String = "127.*.*.*") -> Condition { .fact(listed(zone, answers)) }

    static func whitelist(_ entries: [(Condition, WhitelistEntry.Effect)]) -> Whitelist {
        Whitelist(
            entries.enumerated().map { WhitelistEntry($1.0, effect: $1.1, line: $0 + 1) }, source: "s")
    }

    /// The finding in words: the line of the entry that decides; before it, what is needed.
    static func said(_ finding: Whitelist.Finding) -> String {
        let line = finding.match.map { String($0.location.dropFirst(2)) } ?? "none"
        guard case .needs(let needs, _) = finding else { return line }
        return ((needs.spf ? ["spf"] : []) + needs.lists.map(\.name) + ["else \(line)"]).joined(separator: " ")
    }

    static func finding(
        _ whitelist: Whitelist, _ facts: ClientFacts = ClientFacts(), _ changes: [String: String] = [:],
        at now: Int64 = 0
    ) throws -> Whitelist.Finding {
        var attributes = ["client_address": "192.0.2.7", "sender": "a@example.org", "recipient": "u@c.example"]
        attributes.merge(changes) { $1 }
        let sample = try #require(SampleRequest(attributes: attributes))
        return sample.match(in: whitelist, at: Timestamp(seconds: now), knowing: facts)
    }

    static func facts(_ change: (inout ClientFacts) -> Void) -> ClientFacts {
        var facts = ClientFacts()
        facts.organisation = Array("example.org".utf8)
        change(&facts)
        return facts
    }

    // MARK: One fact

    @Test(
        "each fact, where it is so, where it isn't, and where nobody knows",
        arguments: [
            (.genericName, facts { $0.hasGenericName = true }, true), (.genericName, facts { _ in }, false),
            (identity("example.org"), facts { $0.isProvenByName = true }, true),
            (identity("EXAMPLE.org."), facts { $0.spf = .known(.pass, isProof: true) }, true),
            (identity("example.org"), facts { $0.spf = .known(.none, isProof: true) }, true),
            (identity("example.org"), facts { $0.spf = .known(.pass, isProof: false) }, false),
            (identity("example.org"), facts { $0.spf = .unavailable }, false),
            (identity("example.org"), facts { _ in }, nil),
            // It is the organisation, not a name above or below it.
            (identity("org"), facts { $0.isProvenByName = true }, false),
            (identity("mx.example.org"), facts { $0.isProvenByName = true }, false),
            (identity("other.example"), facts { _ in }, false),
            (identity("example.org"), ClientFacts(), false),
            (identity("é.example"), idn, true),
            (.proof(.name), facts { $0.isProvenByName = true }, true), (.proof(.name), facts { _ in }, false),
            (.proof(.name), facts { $0.spf = .known(.pass, isProof: true) }, false),
            (.proof(.spf), facts { $0.spf = .known(.pass, isProof: true) }, true),
            (.proof(.spf), facts { $0.spf = .known(.none, isProof: true) }, true),
            (.proof(.spf), facts { $0.spf = .known(.pass, isProof: false) }, false),
            (.proof(.spf), facts { $0.spf = .unavailable }, false),
            (.proof(.spf), facts { $0.isProvenByName = true }, nil), (.proof(.spf), ClientFacts(), false),
            (.spf(.pass), facts { $0.spf = .known(.pass, isProof: false) }, true),
            (.spf(.pass), facts { $0.spf = .known(.none, isProof: true) }, false),
            (.spf(.none), facts { $0.spf = .known(.none, isProof: true) }, true),
            (.spf(.softfail), facts { $0.spf = .known(.fail, isProof: false) }, false),
            (.spf(.temperror), facts { $0.spf = .unavailable }, false), (.spf(.pass), ClientFacts(), nil),
            (listed("l.example", "127.*.*.*"), answered("l.example", 0x7f00_0002), true),
            (listed("l.example", "127.*.*.*"), answered("l.example"), false),
            (listed("l.example", "127.*.*.*"), answered("other.example", 0x7f00_0002), nil),
            (listed("l.example", "127.0.*.3"), answered("l.example", 0x7f00_0903), true),
            (listed("l.example", "127.0.*.3"), answered("l.example", 0x7f00_0902, 0x7f01_0903), false),
            (listed("l.example", "127.0.*.3"), answered("l.example", 0x7f00_0902, 0x7f00_0a03), true),
            // Refusals, and a resolver's own page.
            (listed("l.example", "127.*.*.*"), answered("l.example", 0x7fff_fffe, 0x7f00_00ff, 0xc000_0201), false),
            (listed("l.example", "127.*.*.255"), answered("l.example", 0x7f00_00ff), false),
            (listed("l.example", "127.*.*.255"), answered("l.example", 0x7f00_01ff), true),
        ] as [(Condition.Fact, ClientFacts, Bool?)])
    func single(fact: Condition.Fact, facts: ClientFacts, holds: Bool?) throws {
        let condition = Condition.fact(fact)
        #expect(facts.holds(fact) == holds)
        for (form, expected) in [
            (condition, holds), (.not(condition), holds.map(!)), (.all([condition]), holds),
            (.any([condition, .not(.attribute(name: "request", value: "x"))]), true),
            (.all([condition, .attribute(name: "request", value: "x")]), false),
            (.all([.attribute(name: "request", value: ""), condition]), holds),
            (.any([condition, .not(condition)]), true), (.all([condition, .not(condition)]), false),
        ] as [(Condition, Bool?)] {
            let finding = try Self.finding(Self.whitelist([(form, .pass)]), facts)
            if let expected { #expect(Self.said(finding) == (expected ? "1" : "none"), "\(form)") }
            if expected == nil { #expect(Self.said(finding).contains("else"), "\(form)") }
        }
    }

    private static func identity(_ name: String) -> Condition.Fact { .identity(domain(name)) }

    private static let idn = facts { ($0.organisation, $0.isProvenByName) = (Array("xn--9ca.example".utf8), true) }

    private static func answered(_ name: String, _ addresses: UInt32...) -> ClientFacts {
        facts { $0.note(addresses, of: zone(name)) }
    }

    // MARK: Several entries

    private static let sender = Condition.senderDomain(domain("example.org"))
    private static let stranger = Condition.senderDomain(domain("other.example"))
    private static let spf = Condition.fact(.spf(.pass))

    @Test(
        "what is needed is what can still change the decision",
        arguments: [
            ([(spf, .pass)], "spf else none"),
            ([(spf, .greylist)], "none"),
            ([(spf, .delay(60))], "spf else none"),
            // What comes after it decides alike.
            ([(spf, .pass), (sender, .pass)], "2"),
            ([(.not(spf), .pass), (sender, .pass)], "2"),
            ([(spf, .pass), (sender, .greylist)], "spf else 2"),
            ([(spf, .pass), (sender, .delay(60))], "spf else 2"),
            ([(spf, .delay(60)), (sender, .delay(60))], "2"),
            ([(spf, .greylist), (sender, .pass)], "spf else 2"),
            // What comes before it decides.
            ([(sender, .greylist), (spf, .pass)], "1"),
            ([(stranger, .greylist), (spf, .pass)], "spf else none"),
            // Two that are open, of which only one matters.
            ([(spf, .delay(60)), (list("l.example"), .greylist)], "spf else none"),
            ([(list("l.example"), .greylist), (spf, .delay(60))], "spf l.example else none"),
            ([(list("l.example"), .pass), (spf, .greylist), (sender, .pass)], "spf l.example else 3"),
            // The same fact twice: the second entry never matches.
            ([(spf, .pass), (spf, .greylist), (sender, .pass)], "3"),
            ([(.not(spf), .pass), (spf, .pass)], "1"),
            ([(.not(spf), .pass), (spf, .delay(9))], "spf else 1"),
            // A result is one of several.
            ([(.all([spf, .fact(.spf(.fail))]), .pass)], "none"),
            ([(.any(Condition.SPFResult.allCases.map { .fact(.spf($0)) }), .pass)], "spf else none"),
            // An answer that counts for one counts for the other.
            ([(list("l.example", "127.0.0.3"), .pass), (list("l.example"), .pass)], "l.example else none"),
            ([(list("l.example"), .pass), (list("l.example", "127.0.0.3"), .delay(1))], "l.example else none"),
            ([(.all([list("l.example", "127.0.0.3"), .not(list("l.example", "127.0.*.*"))]), .pass)], "none"),
            (
                [(.all([list("l.example", "127.0.0.3"), .not(list("m.example", "127.0.*.*"))]), .pass)],
                "l.example m.example else none"
            ),
            ([(.all([list("l.example", "127.0.0.3"), list("l.example", "127.0.0.4")]), .pass)], "l.example else none"),
            // What is left of a combination.
            ([(.all([sender, spf]), .pass)], "spf else none"),
            ([(.all([stranger, spf]), .pass)], "none"),
            ([(.any([sender, spf]), .pass)], "1"),
            ([(.all([.not(list("l.example")), .any([stranger, spf])]), .pass)], "spf l.example else none"),
        ] as [([(Condition, WhitelistEntry.Effect)], String)])
    func needs(entries: [(Condition, WhitelistEntry.Effect)], said: String) throws {
        #expect(Self.said(try Self.finding(Self.whitelist(entries), Self.facts { _ in })) == said)
    }

    @Test("entries that expired, and those of later sources, count as they do without facts")
    func order() throws {
        func part(_ source: String, _ entry: WhitelistEntry) -> WhitelistPart {
            var builder = WhitelistBuilder(source: source)
            builder.add(entry)
            return builder.finish()
        }
        let first = part("s", WhitelistEntry(Self.spf, expires: Timestamp(seconds: 10), line: 1))
        let second = part("s", WhitelistEntry(Self.sender, effect: .delay(60), line: 2))
        for (now, said) in [(9, "spf else 2"), (10, "2")] as [(Int64, String)] {
            #expect(Self.said(try Self.finding(Whitelist([first, second]), at: now)) == said)
        }
        #expect(Self.said(try Self.finding(Whitelist([second, first]))) == "2")
        #expect(
            Self.said(try Self.finding(Whitelist([first]), Self.facts { $0.spf = .known(.pass, isProof: true) })) == "1"
        )
    }

    @Test("identities are found among many, in either spelling, and in the order of the list")
    func identities() throws {
        var entries: [(Condition, WhitelistEntry.Effect)] = (0..<1_000).map {
            (.fact(Self.identity("x\($0).example")), .pass)
        }
        entries.append((.all([Self.spf, .fact(Self.identity("é.example"))]), .delay(5)))
        entries.append((.any([.fact(Self.identity("é.example")), .fact(.genericName)]), .delay(6)))
        entries.append((.fact(Self.identity("é.example")), .delay(7)))
        let whitelist = Self.whitelist(entries)
        for (organisation, result, said) in [
            ("x0.example", nil, "1"), ("x999.example", nil, "1000"), ("x1000.example", nil, "none"),
            ("xn--9ca.example", .pass, "1001"), ("xn--9ca.example", .fail, "1002"),
        ] as [(String, Condition.SPFResult?, String)] {
            var facts = ClientFacts()
            (facts.organisation, facts.isProvenByName) = (Array(organisation.utf8), true)
            if let result { facts.spf = .known(result, isProof: false) }
            #expect(Self.said(try Self.finding(whitelist, facts)) == said)
        }
    }

    @Test("without facts, all is as if none were so")
    func unknown() throws {
        let sample = try #require(
            SampleRequest(attributes: ["client_address": "192.0.2.7", "sender": "a@example.org"]))
        let whitelist = Self.whitelist([(Self.spf, .pass), (.not(.fact(.genericName)), .delay(7))])
        #expect(sample.match(in: whitelist, at: Timestamp(seconds: 0))?.effect == .delay(7))
        #expect(whitelist.dependsOnFacts)
        #expect(!Self.whitelist([(Self.sender, .pass)]).dependsOnFacts)
    }

    @Test("more possibilities than are tried: all is asked, and the decision is the same")
    func limits() throws {
        let lists = (0..<16).map { Self.list("l\($0).example") }
        let zones = (0..<16).map { "l\($0).example" }
        // Whatever they say, it holds; nine at a time are seen through.
        for (count, said) in [(9, "1"), (10, zones[..<10].joined(separator: " ") + " else 1")] {
            let form = Condition.any(lists[..<count].flatMap { [$0, .not($0)] })
            #expect(Self.said(try Self.finding(Self.whitelist([(form, .pass)]))) == said)
        }
        // Of one list, eight patterns.
        for (count, said) in [(8, "1"), (9, "l.example else 1")] {
            let lists = (1...count).map { Self.list("l.example", "127.0.0.\($0)") }
            let form = Condition.any(lists.flatMap { [$0, .not($0)] })
            #expect(Self.said(try Self.finding(Self.whitelist([(form, .pass)]))) == said)
        }
        // And these not too often.
        for (times, said) in [(4, "1"), (5, "l.example else 1")] {
            let lists = (1...8).map { Self.list("l.example", "127.0.0.\($0)") }
            let form = Condition.any(lists.flatMap { Array(repeating: [$0, .not($0)], count: times).flatMap { $0 } })
            #expect(Self.said(try Self.finding(Self.whitelist([(form, .pass)]))) == said)
        }
        // More facts than there are bits.
        let many = (0..<80).map { Self.list("l\($0 % 16).example", "127.0.\($0).2") }
        let whitelist = Self.whitelist([(.any(many), .pass)])
        #expect(Self.said(try Self.finding(whitelist)) == zones.joined(separator: " ") + " else none")
        var facts = ClientFacts()
        for name in zones { facts.note(name == "l15.example" ? [0x7f00_4f02] : [], of: Self.zone(name)) }
        #expect(Self.said(try Self.finding(whitelist, facts)) == "1")
    }

    @Test(
        "the name that is asked for",
        arguments: [
            ("192.0.2.7", "7.2.0.192.list.example"), ("64:ff9b::192.0.2.7", "7.2.0.192.list.example"),
            (
                "2001:db8::c000:207",
                "7.0.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.example"
            ),
        ])
    func names(client: String, name: String) throws {
        let (sent, nobody) = (Array(client.utf8), [UInt8]())
        var envelope = Envelope()
        let masks = PrefixLengths(ipv4: 24, ipv6: 64, nat64Prefixes: [])
        let isAddressed = envelope.address(client: sent.span, sender: nobody.span, recipient: nobody.span, masks: masks)
        #expect(isAddressed)
        let zone = Self.zone("List.Example.")
        #expect(String(decoding: zone.name(of: envelope.client), as: UTF8.self) == name)
    }
}
