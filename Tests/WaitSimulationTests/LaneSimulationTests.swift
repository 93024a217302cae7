import Testing

@testable import WaitSimulation

/// A short month, and whether the report of it would tell what goes wrong.
struct LaneSimulationTests {
    private static func report(seed: UInt64, mails: Int = 20, dnsFailures: Int = 0) async throws -> LaneReport {
        try await LaneSimulation(seed: seed, mails: mails, stolenPosts: 2_000, dnsFailures: dnsFailures).run()
    }

    @Test(
        "Replies, and codes of organisations that have earned it, don't wait; bots get nowhere; strangers gain nothing by the fast lane",
        arguments: [1, 2] as [UInt64])
    func nothingIsWrong(_ seed: UInt64) async throws {
        let report = try await Self.report(seed: seed, mails: 40)
        #expect(report.faults == [])
        for kind in [LaneKind.earnedCodes, .replies] {
            let row = report.row(kind)
            #expect(row.mails >= 24 && row.tprt.atOnce == row.mails && row.tprt.longSeconds == 0)
            #expect(row.postgrey.atOnce < row.mails / 2 && row.rspamd.atOnce == 0)
        }
        #expect(report.causes(.earnedCodes).allSatisfy { $0.cause == .earned || $0.cause == .autoWhitelisted })
        #expect(report.causes(.replies).contains { $0.cause == .correspondent })
        // What an organisation has to earn first: its own mail does wait in the beginning.
        let notices = report.row(.notices)
        #expect(notices.tprt.atOnce < notices.mails && report.causes(.notices).contains { $0.cause == .earned })
        #expect(report.row(.newCodes).tprt.atOnce == 0)
        let bots = report.row(.bot)
        #expect(bots.mails == 7 * 40 && bots.tprt.accepted == 0)
        // rspamd's rule takes another bot with the same text for a retry.
        #expect(report.row(.bots).rspamd.accepted == report.row(.bots).mails)
        let good = report.row(.good)
        #expect((good.mails - good.tprt.atOnce) * 2 < good.mails - good.postgrey.atOnce)
    }

    @Test("Snowshoe spam gains what is accepted: a second mail to a recipient counts as the retry of the first one")
    func snowshoe() async throws {
        let report = try await Self.report(seed: 3)
        let queue = report.row(.snowshoe)
        #expect(queue.tprt.accepted == queue.postgrey.accepted && queue.tprt.atOnce == 0)
        let waits = try #require(zip2(queue.tprt.medianSeconds, queue.postgrey.medianSeconds))
        #expect(waits.0 >= waits.1 - 10)
        let pairs = report.row(.snowshoePairs)
        #expect(pairs.tprt.accepted == pairs.mails && pairs.tprt.atOnce == 0)
        #expect(pairs.tprt.medianSeconds.map { $0 >= 290 } ?? false)
        #expect(pairs.postgrey.accepted == 0 && pairs.rspamd.accepted == 0)
        // An account of an organisation that has earned it isn't told from that organisation.
        #expect(report.causes(.stolenSender).contains { $0.cause == .earned })
    }

    private func zip2(_ first: Int64?, _ second: Int64?) -> (Int64, Int64)? {
        first.flatMap { first in second.map { (first, $0) } }
    }

    @Test("Outgoing mail teaches no more than its bounds allow")
    func bounds() async throws {
        let report = try await Self.report(seed: 4)
        #expect(report.stolenPosts == 2_000 && report.refusedPosts == 1_500)
        let written = report.outcomes.filter { $0.kind == .stolenUser }
        #expect(written.count == 20 && written.count { $0.cause == .correspondent } == 5)
        for kind in [LaneKind.vacation, .forgedPost] {
            #expect(report.row(kind).mails == 10 && report.row(kind).tprt.atOnce == 0)
        }
    }

    @Test("With the DNS failing at times, only mail whose sender can't be proven then waits")
    func failingDNS() async throws {
        let report = try await Self.report(seed: 1, mails: 60, dnsFailures: 20)
        #expect(report.faults == [])
        let (waited, mails) = [LaneKind.earnedCodes, .replies].map { report.row($0) }
            .reduce((0, 0)) { ($0.0 + $1.mails - $1.tprt.atOnce, $0.1 + $1.mails) }
        #expect(waited > 0 && waited * 100 < mails * 30)
    }

    @Test("A seed has a month of its own, and always the same one")
    func seeds() async throws {
        let first = try await Self.report(seed: 1)
        #expect(try await Self.report(seed: 1) == first)
        #expect(try await Self.report(seed: 2).outcomes != first.outcomes)
    }

    /// What may go wrong, and the sentence that says so.
    private struct Wrong: Sendable {
        let kind: LaneKind
        let change: @Sendable (inout LaneOutcome) -> Void
        let sentence: String
    }

    private static let atOnce = MailOutcome.Acceptance(attempts: 1, seconds: 0)
    private static let wrong = [
        Wrong(
            kind: .replies, change: { $0.tprt = .init(attempts: 2, seconds: 300) },
            sentence: "replies, proven: 1 of 20 mails waited"),
        Wrong(
            kind: .earnedCodes, change: { $0.tprt = nil },
            sentence: "codes, organisation has earned it: 1 of 12 mails waited"),
        Wrong(
            kind: .forgedReplies, change: { $0.tprt = .init(attempts: 3, seconds: 400) },
            sentence: "bots, forged replies: 1 of 20 mails passed"),
        Wrong(
            kind: .freemailSpam, change: { $0.cause = .earned },
            sentence: "freemail account: the fast lane let 1 of 20 mails pass"),
        Wrong(
            kind: .vacation, change: { $0.cause = .correspondent },
            sentence: "answered by a vacation message: the fast lane let 1 of 10 mails pass"),
        Wrong(
            kind: .snowshoe, change: { $0.tprt = atOnce },
            sentence: "snowshoe, retries from the same host: better off than with postgrey's key"),
        Wrong(
            kind: .snowshoePairs, change: { $0.tprt = atOnce },
            sentence: "snowshoe, two mails and no queue: 1 of 40 first mails passed"),
    ]

    @Test("What goes wrong in a month is told")
    func faults() async throws {
        let report = try await Self.report(seed: 1)
        for wrong in Self.wrong {
            var outcomes = report.outcomes
            let index = try #require(outcomes.firstIndex { $0.kind == wrong.kind })
            wrong.change(&outcomes[index])
            let changed = LaneReport(
                seed: 1, dnsFailures: 0, outcomes: outcomes, stolenPosts: report.stolenPosts,
                refusedPosts: report.refusedPosts)
            #expect(changed.faults == [wrong.sentence])
        }
    }

    @Test("A month without mail, with posts that teach too much, is told, too")
    func emptyMonth() {
        let report = LaneReport(seed: 1, dnsFailures: 0, outcomes: [], stolenPosts: 600, refusedPosts: 0)
        #expect(report.faults.count == LaneKind.allCases.count + 2)
        #expect(report.faults.contains("written to by a stolen account of ours: 0 of 600 posts were refused"))
        #expect(report.faults.contains("good mail waits as often as with postgrey"))
    }
}
