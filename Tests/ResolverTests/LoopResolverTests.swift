import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SPF
import Testing

@testable import Resolver

/// What a loop sees, with a clock that is moved and answers that the test gives.
@Suite("The resolver of a loop")
struct LoopResolverTests {
    private let requests = NIOLockedValueBox<[ResolverRequest]>([])
    private let loop = EmbeddedEventLoop()
    private let resolver: LoopResolver
    private let question: DNSQuestion

    init() throws {
        let requests = requests
        let scripted = DNSResolver(answering: { request in requests.withLockedValue { $0.append(request) } })
        resolver = LoopResolver(scripted, on: loop)
        question = try #require(DNSQuestion(Array("host.example".utf8), .a))
    }

    private func outcome() throws -> SPFOutcome {
        var evaluation = SPFEvaluation(client: .ipv4(1), sender: [], helo: [], limits: .rfc7208)
        guard case .done(let outcome) = evaluation.start() else { throw CancellationError() }
        return outcome
    }

    @Test("An answer is asked for, and kept while it holds")
    func look() throws {
        let answers = NIOLockedValueBox<[DNSAnswer]>([])
        let answer = DNSAnswer.addresses([.ipv4(1)])
        #expect(resolver.cachedAnswer(to: question) == nil)
        resolver.look(up: question) { answer in answers.withLockedValue { $0.append(answer) } }
        guard case .look(let asked, let reply)? = requests.withLockedValue({ $0.popLast() }) else {
            Issue.record("nothing was asked")
            return
        }
        #expect(asked == question)
        reply(answer, .seconds(10))
        reply(.temporaryError, .zero)
        #expect(answers.withLockedValue(\.self).isEmpty)
        loop.run()
        #expect(answers.withLockedValue(\.self) == [answer])
        #expect(resolver.cachedAnswer(to: question) == answer)
        // What is kept comes later, too, and nothing is asked.
        resolver.look(up: question) { answer in answers.withLockedValue { $0.append(answer) } }
        #expect(answers.withLockedValue(\.count) == 1)
        loop.run()
        #expect(answers.withLockedValue(\.self) == [answer, answer])
        #expect(requests.withLockedValue(\.count) == 0)
        loop.advanceTime(by: .seconds(10))
        #expect(resolver.cachedAnswer(to: question) == nil)
    }

    @Test("An outcome is asked for, and kept while it holds; a refusal isn't kept")
    func check() throws {
        let (checks, subject) = (NIOLockedValueBox<[SPFCheck]>([]), subject(sender: "a@example.org"))
        let outcome = try outcome()
        for (check, lifetime) in [(SPFCheck.notAsked(.down), TimeAmount.zero), (.outcome(outcome), .seconds(10))] {
            #expect(resolver.cached(subject) == nil)
            resolver.check(subject) { check in checks.withLockedValue { $0.append(check) } }
            guard case .check(_, let reply)? = requests.withLockedValue({ $0.popLast() }) else {
                Issue.record("nothing was asked")
                return
            }
            reply(check, lifetime)
            loop.run()
            #expect(checks.withLockedValue(\.last) == check)
        }
        #expect(resolver.cached(subject) == outcome)
        resolver.check(subject) { check in checks.withLockedValue { $0.append(check) } }
        loop.run()
        #expect(checks.withLockedValue(\.count) == 3)
        #expect(requests.withLockedValue(\.count) == 0)
        loop.advanceTime(by: .seconds(10))
        #expect(resolver.cached(subject) == nil)
    }

    @Test("A loop keeps 1,024 answers, the newest")
    func bound() throws {
        for index in 0..<1_100 {
            let question = try #require(DNSQuestion(Array("h\(index).example".utf8), .a))
            resolver.look(up: question) { _ in }
            guard case .look(_, let reply)? = requests.withLockedValue({ $0.popLast() }) else { continue }
            reply(.addresses([.ipv4(1)]), .hours(10))
        }
        loop.run()
        let known = try (0..<1_100).filter {
            let question = try #require(DNSQuestion(Array("h\($0).example".utf8), .a))
            return resolver.cachedAnswer(to: question) != nil
        }
        #expect(known == Array(76..<1_100))
        loop.advanceTime(by: .hours(1))
        let last = try #require(DNSQuestion(Array("h1099.example".utf8), .a))
        #expect(resolver.cachedAnswer(to: last) == nil)
    }
}
