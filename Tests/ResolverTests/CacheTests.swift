import NIOCore
import Testing

@testable import Resolver
@testable import SPF

/// A moment of a clock that is moved by hand.
func at(_ milliseconds: Int64) -> NIODeadline {
    .uptimeNanoseconds(1_000_000_000) + .milliseconds(milliseconds)
}

@Suite("What is kept")
struct CacheTests {
    @Test("A value holds until its time, and says for how long")
    func expiry() {
        var cache = BoundedCache<Int, String>(CacheLimits(entries: 2, bytes: 100))
        cache.insert("a", for: 1, until: at(1_000), size: 1)
        #expect(cache.value(for: 1, at: at(0))?.remaining == .seconds(1))
        #expect(cache.value(for: 1, at: at(999))?.value == "a")
        #expect(cache.value(for: 1, at: at(1_000)) == nil)
    }

    @Test("The oldest goes first, by number and by size")
    func bounds() {
        var cache = BoundedCache<Int, Int>(CacheLimits(entries: 3, bytes: 100))
        for key in 0..<5 { cache.insert(key, for: key, until: at(1_000), size: 10) }
        #expect((0..<5).filter { cache.value(for: $0, at: at(0)) != nil } == [2, 3, 4])
        #expect(cache.bytes == 30)
        cache.insert(9, for: 9, until: at(1_000), size: 85)
        #expect(cache.count == 2 && cache.bytes == 95)
        cache.insert(10, for: 10, until: at(1_000), size: 101)
        #expect(cache.value(for: 10, at: at(0)) == nil)
        #expect(cache.count == 2)
    }

    @Test("A value that comes again and again takes no room of others")
    func again() {
        var cache = BoundedCache<Int, Int>(CacheLimits(entries: 3, bytes: 1_000))
        for index in 0..<10_000 { cache.insert(index, for: 1, until: at(1_000), size: 10) }
        #expect(cache.value(for: 1, at: at(0))?.value == 9_999)
        #expect(cache.count == 1 && cache.bytes == 10)
    }

    private func outcome(_ dependencies: SPFDependencies = []) throws -> SPFOutcome {
        var evaluation = SPFEvaluation(client: .ipv4(1), sender: [], helo: [], limits: .rfc7208)
        guard case .done(var outcome) = evaluation.start() else { throw CancellationError() }
        outcome.result = .pass
        outcome.dependencies = dependencies
        return outcome
    }

    @Test(
        "An outcome is found by all that it depends on, and by nothing else",
        arguments: [
            ([], true, true), (.helo, true, false), (.localPart, false, true), ([.helo, .localPart], false, false),
        ] as [(SPFDependencies, Bool, Bool)])
    func dependencies(_ dependencies: SPFDependencies, forOtherSender: Bool, forOtherHELO: Bool) throws {
        var cache = OutcomeCache(CacheLimits(entries: 100, bytes: 100_000))
        cache.insert(
            try outcome(dependencies), for: subject(sender: "a@example.org"), at: at(0), lifetime: .seconds(10))
        func isKnown(_ subject: SPFSubject, at now: NIODeadline = at(0)) -> Bool {
            cache.outcome(for: subject, at: now) != nil
        }
        #expect(isKnown(subject(sender: "a@EXAMPLE.org.")))
        #expect(isKnown(subject(sender: "a@example.org", network: 7, hasHost: true)))
        #expect(!isKnown(subject(sender: "a@example.org"), at: at(10_000)))
        #expect(!isKnown(subject(sender: "a@example.com")))
        #expect(!isKnown(subject(sender: "a@example.org", client: 1)))
        #expect(isKnown(subject(sender: "b@example.org")) == forOtherSender)
        #expect(isKnown(subject(sender: "a@example.org", helo: "x.example")) == forOtherHELO)
        // The HELO name is checked by itself.
        #expect(!isKnown(subject(sender: "", helo: "example.org")))
    }

    @Test("What outcomes of a domain depend on adds up, and ends where one depends on nothing")
    func union() throws {
        var cache = OutcomeCache(CacheLimits(entries: 100, bytes: 100_000))
        func known(_ sender: String, _ helo: String) -> SPFDependencies? {
            cache.outcome(for: subject(sender: sender, helo: helo), at: at(0))?.outcome.dependencies
        }
        cache.insert(
            try outcome(.helo), for: subject(sender: "a@example.org", helo: "h"), at: at(0), lifetime: .seconds(10))
        cache.insert(
            try outcome(.localPart), for: subject(sender: "b@example.org", helo: "i"), at: at(0), lifetime: .seconds(10)
        )
        #expect(known("b@example.org", "i") == .localPart)
        #expect(known("b@example.org", "h") == nil)
        cache.insert(
            try outcome(), for: subject(sender: "c@example.org", helo: "j"), at: at(0), lifetime: .seconds(10))
        #expect(known("b@example.org", "h") == [])
    }

    @Test("An empty HELO name is one among others")
    func emptyHELO() throws {
        var cache = OutcomeCache(CacheLimits(entries: 100, bytes: 100_000))
        cache.insert(
            try outcome(.helo), for: subject(sender: "a@example.org", helo: ""), at: at(0), lifetime: .seconds(10))
        #expect(cache.outcome(for: subject(sender: "b@example.org", helo: ""), at: at(0)) != nil)
        #expect(cache.outcome(for: subject(sender: "a@example.org", helo: "h"), at: at(0)) == nil)
    }

    @Test("Outcomes with long ways take no more than their bytes")
    func bytes() throws {
        var cache = OutcomeCache(CacheLimits(entries: 16_384, bytes: 100_000))
        var long = try outcome()
        let term = SPFTerm(
            domain: Array(repeating: 97, count: 253), text: Array(repeating: 97, count: 255), kind: .include,
            target: nil, prefixLength: nil, isDynamic: false)
        long.path = Array(repeating: term, count: 11)
        for index in 0..<1_000 {
            cache.insert(long, for: subject(sender: "a@d\(index).example"), at: at(0), lifetime: .hours(1))
        }
        #expect(cache.bytes <= 100_000)
        #expect(cache.count < 20)
        #expect(cache.outcome(for: subject(sender: "a@d999.example"), at: at(1_000)) != nil)
    }
}
