import Engine
import Greylist
import SPFZones
import SampleOptions
import TestSupport

/// How long good mail waits, and what bots get: the same trace for TPRT and for postgrey's key, in a time that is moved.
///
/// Each kind of sender has a site of its own for each schedule. The same seed makes the same trace.
package struct WaitSimulation: Sendable {
    /// What the numbers of the trace begin with.
    package let seed: UInt64
    /// How many mails of each kind there are for each schedule.
    package let mailsPerSchedule: Int

    /// A simulation of so many mails, at least one for each kind and schedule.
    package init(seed: UInt64, mailsPerSchedule: Int) {
        (self.seed, self.mailsPerSchedule) = (seed, max(1, mailsPerSchedule))
    }

    /// Sends all mails.
    ///
    /// - Throws: what keeps a request from being one
    package func run() async throws -> WaitReport {
        var outcomes: [MailOutcome] = []
        var random = SeededRandom(seed: seed)
        for kind in SenderKind.allCases {
            for schedule in RetrySchedule.all { outcomes += try await run(kind, schedule, &random) }
        }
        return WaitReport(seed: seed, outcomes: outcomes)
    }

    private func run(
        _ kind: SenderKind, _ schedule: RetrySchedule, _ random: inout SeededRandom
    ) async throws -> [MailOutcome] {
        let senders = (0..<mailsPerSchedule).map { TracedSender(kind, number: $0, using: &random) }
        // Without an auto-whitelist and the fast lane, so that nothing but the keys counts.
        var options = PolicyEngine.Options.sample()
        options.identity = .spf
        var site = try SimulatedSite(Zone(senders.flatMap(\.records)), options: options)
        var postgrey = SimulatedPostgrey(site.rules)
        let tries = kind.tries(schedule)
        // Some hours of a day in which mail comes at any moment.
        var mails = senders.enumerated().map { number, sender in
            let start = 1_800_000_000_000 + Int64.random(in: 0..<14_400_000, using: &random)
            let mail = TracedMail(kind, from: sender, tries: tries, start: start, number: number, seed: random.next())
            return MailProgress(mail, schedule: schedule, under: site.rules)
        }
        // The last one is next.
        var queue: [(time: Int64, number: Int)] = []
        func enqueue(_ number: Int) {
            guard !mails[number].isSettled, let time = mails[number].mail.nextTime else { return }
            let place = queue.firstIndex { ($0.time, $0.number) < (time, number) } ?? queue.count
            queue.insert((time, number), at: place)
        }
        for number in mails.indices { enqueue(number) }
        while let (time, number) = queue.popLast() {
            while let proof = site.takeLateProof(until: time) {
                mails[proof.mail].learnLateProof(of: proof.attempt)
            }
            try await mails[number].tryOnce(ofMail: number, at: &site, and: &postgrey)
            enqueue(number)
        }
        return mails.map(\.outcome)
    }
}

/// A mail on its way, and what became of it so far.
private struct MailProgress {
    private(set) var mail: TracedMail
    private(set) var outcome: MailOutcome
    private let rules: Rules
    private var expectation: Expectation
    private var attempts = 0
    private var start: Int64?

    init(_ mail: TracedMail, schedule: RetrySchedule, under rules: Rules) {
        (self.mail, self.rules) = (mail, rules)
        expectation = Expectation(mail.sender, under: rules)
        outcome = MailOutcome(kind: mail.kind, schedule: schedule.name)
    }

    /// Whether both have accepted it.
    var isSettled: Bool { outcome.tprt != nil && outcome.postgrey != nil }

    mutating func learnLateProof(of attempt: TracedAttempt) {
        expectation.learnLateProof(of: attempt)
    }

    mutating func tryOnce(
        ofMail number: Int, at site: inout SimulatedSite, and postgrey: inout SimulatedPostgrey
    ) async throws {
        guard let attempt = mail.attempt() else { preconditionFailure("a mail in the queue has a try left") }
        attempts += 1
        let start = self.start ?? attempt.time
        self.start = start
        let waited = Timestamp(milliseconds: attempt.time).since(Timestamp(milliseconds: start))
        let acceptance = MailOutcome.Acceptance(attempts: attempts, seconds: waited)
        if outcome.postgrey == nil, postgrey.passes(attempt) { outcome.postgrey = acceptance }
        guard outcome.tprt == nil else { return }
        let before = expectation
        let expected = expectation.judge(attempt)
        let passes = try await !site.decide(attempt, ofMail: number).isGreylisting
        if passes { outcome.tprt = acceptance }
        if passes != expected.passes {
            outcome.deviation = passes ? .passed(attempt: attempts) : .deferred(attempt: attempts)
        }
        guard outcome.due == nil, waited >= rules.delay - rules.leeway else { return }
        let identity: MailOutcome.CommonIdentity =
            if before.knowsIdentity(of: attempt, by: expected.keys) {
                .same
            } else if before.knows(where: \.isIdentity) || expected.keys.contains(where: \.isIdentity) {
                .one
            } else {
                .none
            }
        outcome.due = MailOutcome.DueAttempt(
            passed: passes, identity: identity, miss: passes ? nil : miss(expected.keys, before))
    }

    /// Why an attempt that was late enough didn't pass.
    private func miss(_ keys: [Expectation.Key], _ before: Expectation) -> MailOutcome.Miss {
        guard mail.sender.isNamed || mail.sender.isProvenBySPF else { return .noIdentity }
        guard mail.sender.isProvenBySPF else { return .otherSender }
        return before.knows { $0 == .organisation } && !keys.contains(.organisation)
            ? .noAnswerAtRetry : .noAnswerBefore
    }
}

extension Zone {
    /// A zone of these records.
    init(_ records: [(name: String, record: Record)]) {
        self.init(Dictionary(grouping: records, by: \.name).mapValues { $0.map(\.record) })
    }
}
