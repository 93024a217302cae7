import Testing

@testable import WaitSimulation

/// A short trace of each kind of sender, and whether the report of it would tell what goes wrong.
struct WaitSimulationTests {
    private static func report(seed: UInt64) async throws -> WaitReport {
        try await WaitSimulation(seed: seed, mailsPerSchedule: 2).run()
    }

    @Test(
        "What is recognised by its host or its sender's organisation passes at the first attempt that is late enough, and no bot's mail does",
        arguments: [1, 2] as [UInt64])
    func nothingIsWrong(_ seed: UInt64) async throws {
        let report = try await Self.report(seed: seed)
        #expect(report.faults == [])
        // The trace has what it is to show: most good mail can be recognised, and what can't has its reason.
        let good = report.outcomes.filter { !$0.kind.isBot }
        #expect(good.count == 7 * 20)
        #expect(good.count { $0.due?.identity == .same } >= good.count * 8 / 10)
        #expect(good.allSatisfy { $0.due.map { $0.passed == ($0.miss == nil) } ?? false })
        #expect(report.rows.filter { $0.kind == .namedPool }.allSatisfy { $0.passedAtOnce == $0.mails })
        #expect(report.rows.filter(\.kind.isBot).map(\.mails) == Array(repeating: 20, count: 6))
        // With its network alone a pool isn't recognised: the trace does change addresses.
        #expect(report.rows.filter { $0.kind.isPool }.allSatisfy { $0.postgrey.medianAttempts ?? 9 > 2 })
    }

    @Test("A seed has a trace of its own, and always the same one")
    func seeds() async throws {
        let first = try await Self.report(seed: 1)
        #expect(try await Self.report(seed: 1) == first)
        #expect(try await Self.report(seed: 2).outcomes != first.outcomes)
    }

    /// What may go wrong, and the sentence that says so.
    private struct Wrong: Sendable, CustomTestStringConvertible {
        let kind: SenderKind
        let change: @Sendable (inout MailOutcome) -> Void
        let sentence: String

        var testDescription: String { sentence }
    }

    private static let wrong = [
        Wrong(
            kind: .openRecord, change: { $0.tprt = .init(attempts: 3, seconds: 400) },
            sentence: "bots, +all: 1 of 20 mails of bots passed"),
        Wrong(
            kind: .namedPool, change: { $0.due = .init(passed: false, identity: .same, miss: .otherSender) },
            sentence: "pool, names, no SPF: 1 of 20 mails were deferred at their first attempt that was late enough, "
                + "though they had the N or O of an earlier one"),
        Wrong(
            kind: .host, change: { $0.deviation = .deferred(attempt: 2) },
            sentence: "one host, gmail: attempt 2 was deferred, though a key of it was known for long enough"),
        Wrong(
            kind: .bots, change: { $0.deviation = .passed(attempt: 2) },
            sentence: "bots in turn, gmail: attempt 2 passed without a key that was known for long enough"),
    ]

    @Test("What goes wrong is told", arguments: wrong)
    private func faults(_ wrong: Wrong) async throws {
        var outcomes = try await Self.report(seed: 1).outcomes
        let index = try #require(outcomes.firstIndex { $0.kind == wrong.kind && $0.schedule == "gmail" })
        wrong.change(&outcomes[index])
        #expect(WaitReport(seed: 1, outcomes: outcomes).faults == [wrong.sentence])
    }

    @Test("A trace in which nothing can be recognised is told, too")
    func emptyTrace() async throws {
        let outcomes = try await Self.report(seed: 1).outcomes.map { outcome in
            var outcome = outcome
            if outcome.kind == .service { outcome.due = nil }
            return outcome
        }
        let sentence = "mailing service: no mail had the same N or O at two attempts, so the trace tests nothing"
        #expect(WaitReport(seed: 1, outcomes: outcomes).faults == [sentence])
    }

    @Test(
        "The schedules are those of the publication: when the first attempt is that may pass, in their median",
        arguments: [(60, 301), (300, 335), (600, 767), (900, 1_430)] as [(Int64, Int64)])
    func schedules(_ delay: Int64, _ median: Int64) {
        // One of the ten has given up after a quarter of an hour.
        let first = RetrySchedule.all.compactMap { schedule in schedule.tries.first { $0 >= delay } }.sorted()
        #expect(first.count == (delay < 900 ? 10 : 9))
        #expect((first[(first.count - 1) / 2] + first[first.count / 2]) / 2 == median)
    }

    @Test("Mail that was never accepted counts as having waited longest")
    func summaries() {
        let accepted = MailOutcome.Acceptance(attempts: 2, seconds: 300)
        let most = WaitReport.Summary(Array(repeating: accepted, count: 19) + [nil])
        #expect(most.medianAttempts == 2 && most.worstAttempts == nil && most.longSeconds == 300 && most.accepted == 19)
        let half = WaitReport.Summary([accepted, nil, nil])
        #expect(half.medianSeconds == nil && half.longSeconds == nil && half.accepted == 1)
        #expect(WaitReport.Summary([]).medianSeconds == nil)
    }
}
