import SPF
import SPFZones
import Testing

@Suite("Steps of an evaluation")
struct StepTests {
    static let exchangers: [String: [Zone.Record]] = [
        "example.org": [.exchange("a.example.org"), .exchange("b.example.org"), .exchange("c.example.org")],
        "a.example.org": [.address("198.51.100.1")], "b.example.org": [.address("192.0.2.3")],
        "c.example.org": [.timeout],
    ]

    @Test("the addresses of all mail exchangers are asked at once")
    func parallel() throws {
        #expect(
            try Check("v=spf1 mx -all", Self.exchangers).questions() == [
                "TXT example.org", "MX example.org", "A a.example.org, A b.example.org, A c.example.org",
            ])
        #expect(
            try Check("v=spf1 mx -all", Self.exchangers).from("2001:db8::3").questions().last
                == "AAAA a.example.org, AAAA b.example.org, AAAA c.example.org")
    }

    @Test("one that matches decides, also beside a failed lookup and void ones")
    func anyMatch() throws {
        #expect(try Check("v=spf1 mx -all", Self.exchangers).result() == .pass)
        #expect(try Check("v=spf1 mx -all", Self.exchangers).from("198.51.100.9").result() == .temperror)
    }

    @Test("the names of the client are confirmed at once, and only once")
    func clientNames() throws {
        let check = Check(
            "v=spf1 ptr:no.example ptr:%{p} -all",
            [
                "3.2.0.192.in-addr.arpa": [.pointer("a.example"), .pointer("B.example."), .pointer("a..example")],
                "a.example": [.address("192.0.2.3")], "b.example": [.address("192.0.2.3")],
            ])
        #expect(
            try check.questions() == ["TXT example.org", "PTR 3.2.0.192.in-addr.arpa", "A a.example, A b.example"])
        #expect(try check.result() == .pass)
    }

    static let failures: [(String, [Zone.Record], SPFResult)] = [
        ("a name that isn't answered is left out", [.pointer("silent.example"), .pointer("mx.example.org")], .pass),
        ("none of them", [.pointer("silent.example")], .fail), ("nobody knows the names", [.timeout], .fail),
        ("names that don't exist", (1...5).map { .pointer("no\($0).example") }, .fail), ("there are none", [], .fail),
    ]

    @Test(
        "lookups of the client's names that fail or find nothing aren't errors (RFC 7208, section 5.5)",
        arguments: failures)
    func clientNameErrors(_ what: String, _ names: [Zone.Record], _ expected: SPFResult) throws {
        let zone: [String: [Zone.Record]] = [
            "3.2.0.192.in-addr.arpa": names, "silent.example": [.timeout],
            "mx.example.org": [.address("192.0.2.3")],
        ]
        #expect(try Check("v=spf1 ptr -all", zone).result() == expected)
        #expect(try Check("v=spf1 ?exists:%{p}.a.example ptr ptr ptr -all", zone).result() == expected)
    }

    @Test("with some answers only it ends where they suffice, else it needs the rest")
    func partialAnswers() throws {
        let zone = Zone(Check("v=spf1 mx -all", Self.exchangers).zone)
        var evaluation = try Check("v=spf1 mx -all", Self.exchangers).evaluation()
        var step = evaluation.start()
        for _ in 0..<2 {
            guard case .needs(let questions) = step else { break }
            step = evaluation.resume(with: Dictionary(uniqueKeysWithValues: questions.map { ($0, zone.answer($0)) }))
        }
        guard case .needs(let questions) = step, questions.count == 3 else {
            Issue.record("\(step)")
            return
        }
        #expect(evaluation.resume(with: [:]) == step)
        #expect(evaluation.resume(with: [questions[0]: zone.answer(questions[0])]) == .needs(Array(questions[1...])))
        guard case .done(let outcome) = evaluation.resume(with: [questions[1]: zone.answer(questions[1])]) else {
            Issue.record("it goes on")
            return
        }
        #expect(outcome.result == .pass)
        #expect(evaluation.resume(with: [questions[2]: .temporaryError]) == .done(outcome))
    }

    @Test("an answer with records of another type has none")
    func otherType() throws {
        var evaluation = try Check("v=spf1 -all").evaluation()
        guard case .needs(let questions) = evaluation.start(), let question = questions.first else {
            Issue.record("it asks nothing")
            return
        }
        guard case .needs(let next) = evaluation.resume(with: [question: .names([Array("v=spf1 -all".utf8)])]) else {
            Issue.record("it is done")
            return
        }
        #expect(next.map(\.text) == ["A example.org"])
    }

    static let temporary = [
        "a:silent.example", "mx:silent.example", "exists:silent.example", "include:silent.example",
        "redirect=silent.example",
    ]

    @Test("a lookup that fails is a temporary error", arguments: temporary)
    func temporaryError(_ term: String) throws {
        let zone: [String: [Zone.Record]] = ["silent.example": [.timeout]]
        let outcome = try Check("v=spf1 \(term)", zone).outcome()
        #expect(outcome.result == .temperror)
        #expect(outcome.problem?.cause == .lookupFailed)
        #expect(try Check("v=spf1 ip4:192.0.2.3 \(term)", zone).result() == .pass)
        #expect(try Check(zone: ["example.org": [.timeout]]).result() == .temperror)
    }

    static let included: [(String, SPFResult)] = [
        ("+all", .pass), ("-all", .softfail), ("~all", .softfail), ("?all", .softfail), ("", .softfail),
        ("a:silent.example", .temperror), ("x", .permerror), ("redirect=pass.example", .pass),
        ("redirect=none.example", .permerror), ("include:pass.example", .pass), ("-include:pass.example", .softfail),
    ]

    @Test("an include matches where the other record passes", arguments: included)
    func include(_ record: String, _ expected: SPFResult) throws {
        let zone: [String: [Zone.Record]] = [
            "other.example": [.text("v=spf1 \(record)")], "pass.example": [.text("v=spf1 ip4:192.0.2.3 -all")],
            "silent.example": [.timeout], "none.example": [.text("none")],
        ]
        #expect(try Check("v=spf1 include:other.example ~all", zone).result() == expected)
        let isMatch = expected == .pass
        #expect(try Check("v=spf1 -include:other.example ~all", zone).result() == (isMatch ? .fail : expected))
    }

    static let loops = ["include:example.org", "redirect=example.org", "a include:%{d}"]

    @Test("what leads back to itself ends", arguments: loops)
    func loop(_ terms: String) throws {
        let outcome = try Check("v=spf1 \(terms)", ["example.org": [.address("198.51.100.1")]]).outcome()
        #expect(outcome.result == .permerror)
        #expect(outcome.problem?.cause == .tooManyTerms)
    }

    @Test("records are nested as deep as may be")
    func depth() throws {
        var zone: [String: [Zone.Record]] = [:]
        for number in 0..<40 {
            let name = number == 0 ? "example.org" : "\(number).example"
            zone[name] = [.text("v=spf1 include:\(number + 1).example")]
        }
        var check = Check(zone: zone)
        check.limits.terms = 100
        check.zone["20.example"] = [.text("v=spf1 ip4:192.0.2.3")]
        #expect(try check.outcome().problem?.cause == .tooDeep)
        check.zone["19.example"] = [.text("v=spf1 ip4:192.0.2.3")]
        #expect(try check.result() == .pass)
        check.zone["19.example"] = [.text("v=spf1 redirect=20.example")]
        #expect(try check.result() == .pass)
    }

    @Test("an explanation isn't fetched")
    func explanation() throws {
        #expect(try Check("v=spf1 -all exp=why.example.org").questions() == ["TXT example.org"])
    }
}
