import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SPF
import Testing

@testable import Resolver

/// What is counted of questions, checks and caches.
@Suite("Counts of the resolver")
struct CountTests {
    private typealias Outcome = ResolverCounts.QueryOutcome

    /// How often each outcome was counted for a type that had one.
    private func outcomes(_ bench: MachineBench) -> [String: [Outcome: Int]] {
        var found: [String: [Outcome: Int]] = [:]
        for type in DNSRecordType.allCases {
            for outcome in Outcome.allCases where bench.machine.counts.questions(type, outcome) > 0 {
                found["\(type.text)", default: [:]][outcome] = bench.machine.counts.questions(type, outcome)
            }
        }
        return found
    }

    @Test("Each question counts once, by its type and by what became of it")
    func questions() throws {
        var bench = MachineBench { $0.callers = 6 }
        let answers: [(DNSRecordType, DNSAnswer?)] = [
            (.a, .addresses([.ipv4(1)])), (.aaaa, .noData), (.mx, .exchanges([])), (.ptr, .noSuchName),
            (.txt, .temporaryError), (.txt, nil),
        ]
        for (number, (type, _)) in answers.enumerated() { try bench.look(up: "h\(number).example", type, for: number) }
        try bench.look(up: "late.example", .mx, for: 10)
        for (_, answer) in answers { bench.answer(answer) }
        #expect(
            outcomes(bench) == [
                "A": [.answered: 1], "AAAA": [.noData: 1], "MX": [.answered: 1, .tooMany: 1], "PTR": [.noSuchName: 1],
                "TXT": [.failed: 1, .unusable: 1],
            ])
        #expect(bench.machine.counts.queries == 6)
    }

    @Test("What an outage, other servers or the end cut short is given up, and counts as nothing else")
    func abandoned() throws {
        var bench = MachineBench()
        for number in 0..<5 { try bench.look(up: "late\(number).example", for: number) }
        try bench.look(up: "beside.example", .aaaa, for: 5, at: 1_000)
        bench.expire(at: 5_000)
        try bench.look(up: "down.example", .ptr, for: 6, at: 5_001)
        try bench.look(up: "probe.example", .mx, for: 7, at: 10_000)
        bench.change { $0.changeServers(timeout: .seconds(5), at: at(10_001)) }
        try bench.look(up: "last.example", .txt, for: 8, at: 10_002)
        bench.change { $0.close(at: at(10_003)) }
        #expect(
            outcomes(bench) == [
                "A": [.late: 5], "AAAA": [.abandoned: 1], "PTR": [.down: 1], "MX": [.abandoned: 1],
                "TXT": [.abandoned: 1],
            ])
    }

    @Test("A check is a hit where its outcome is known, and a miss where that takes the DNS")
    func checks() {
        var bench = MachineBench { $0.evaluations = 1 }
        bench.check(subject(sender: "a@[192.0.2.1]"), for: 0)
        bench.check(subject(sender: "a@example.org"), for: 1)
        bench.check(subject(sender: "b@example.org"), for: 2)
        bench.check(subject(sender: "a@example.com"), for: 3)
        bench.answerAll("v=spf1 -all")
        bench.check(subject(sender: "c@example.org"), for: 4)
        #expect(bench.machine.counts.cache.hits == 1 && bench.machine.counts.cache.misses == 3)
        #expect(bench.machine.counts.checksNotAsked(.tooManyAtOnce) == 1)
        #expect(bench.machine.counts.checksNotAsked(.down) == 0)
    }

    @Test("A loop counts what it knows, and what it has to ask for once")
    func loop() throws {
        let loop = EmbeddedEventLoop()
        let scripted = DNSResolver(answering: { request in
            guard case .look(_, let reply) = request else { return }
            reply(.noData, .seconds(10))
        })
        let resolver = LoopResolver(scripted, on: loop)
        let question = try #require(DNSQuestion(Array("host.example".utf8), .a))
        // As those do who ask: first for what is known, then for an answer.
        #expect(resolver.cachedAnswer(to: question) == nil)
        resolver.look(up: question) { _ in }
        loop.run()
        #expect(resolver.cache.hits == 0 && resolver.cache.misses == 1)
        #expect(resolver.cachedAnswer(to: question) == .noData)
        resolver.look(up: question) { _ in }
        #expect(resolver.cached(subject(sender: "a@example.org")) == nil)
        resolver.check(subject(sender: "a@example.org")) { _ in }
        #expect(resolver.cache.hits == 2 && resolver.cache.misses == 2)
    }

    @Test("No two of a kind have the same label")
    func labels() {
        #expect(Set(Outcome.allCases.map { "\($0.text)" }).count == Outcome.allCases.count)
        #expect(Set(SPFCheck.NotAsked.allCases.map { "\($0.text)" }).count == SPFCheck.NotAsked.allCases.count)
        #expect(Set(DNSRecordType.allCases.map { "\($0.text)" }).count == DNSRecordType.allCases.count)
    }
}
