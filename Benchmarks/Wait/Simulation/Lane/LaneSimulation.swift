import Domains
import Engine
import Greylist
import SPFZones
import SampleOptions

/// A month of one site: who waits with the fast lane, beside postgrey's key and rspamd's rule on the same trace, in a time that is
/// moved.
///
/// The auto-whitelist is on, for TPRT as for postgrey. The same seed makes the same trace.
package struct LaneSimulation: Sendable {
    /// What the numbers of the trace begin with.
    package let seed: UInt64
    private let size: LaneTrace.Size

    /// A simulation of so many mails of most kinds.
    ///
    /// - Parameters:
    ///   - mails: at least 20
    ///   - stolenPosts: how many addresses a stolen account of ours writes to
    ///   - dnsFailures: in how many of a hundred attempts the DNS is late or silent
    package init(seed: UInt64, mails: Int, stolenPosts: Int, dnsFailures: Int) {
        let mails = max(20, mails)
        self.seed = seed
        size = LaneTrace.Size(mails: mails, stolenPosts: max(mails, stolenPosts), dnsFailures: dnsFailures)
    }

    /// Has all that happens.
    ///
    /// - Throws: what keeps a request from being one
    package func run() async throws -> LaneReport {
        let trace = LaneTrace(seed: seed, size)
        var options = PolicyEngine.Options.sample()
        options.identity = .spf
        options.fastLane = .sample()
        options.rules = .sample(clientCount: 5)
        let shared = SharedIdentityFile(
            path: "shared", text: Array(LaneTrace.sharedDomains.map { "shared \($0)\n" }.joined().utf8))
        var site = try SimulatedSite(
            Zone(trace.records), options: options,
            organisations: Organisations(suffixes: .builtIn(), shared: SharedIdentities([shared])))
        var others = (postgrey: SimulatedPostgrey(site.rules), rspamd: SimulatedRspamd(site.rules))
        var mails = trace.mails.map { LaneProgress($0) }
        var queue = EventQueue()
        for number in mails.indices { queue.add(mails[number].nextTime, number) }
        var posts = trace.posts.sorted { $0.time < $1.time }[...]
        while let (time, number) = queue.next() {
            while let post = posts.first, post.time <= time {
                for post in post.posts { try await site.take(post) }
                posts.removeFirst()
            }
            while site.takeLateProof(until: time) != nil {}
            try await mails[number].tryOnce(ofMail: number, at: &site, and: &others)
            queue.add(mails[number].nextTime, number)
        }
        return LaneReport(
            seed: seed, dnsFailures: size.dnsFailures, outcomes: mails.map(\.outcome), stolenPosts: size.stolenPosts,
            refusedPosts: site.ledger.refused)
    }
}

/// When which mail is tried next: a heap.
private struct EventQueue {
    private var heap: [(time: Int64, number: Int)] = []

    /// Adds a mail, unless there is no such moment.
    mutating func add(_ time: Int64?, _ number: Int) {
        guard let time else { return }
        heap.append((time, number))
        var index = heap.count - 1
        while index > 0, heap[index] < heap[(index - 1) / 2] {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    /// Takes the earliest one; of several the one with the lowest number.
    mutating func next() -> (time: Int64, number: Int)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var index = 0
        while true {
            let children = [2 * index + 1, 2 * index + 2].filter { $0 < heap.count }
            guard let child = children.min(by: { heap[$0] < heap[$1] }), heap[child] < heap[index] else { return first }
            heap.swapAt(index, child)
            index = child
        }
    }
}

/// A mail of the month on its way, and what became of it so far.
private struct LaneProgress {
    private var mail: LaneMail
    private(set) var outcome: LaneOutcome
    private var attempts = 0
    private var start: Int64?

    init(_ mail: LaneMail) {
        self.mail = mail
        outcome = LaneOutcome(kind: mail.kind)
    }

    /// When the next attempt is; nil where all have accepted it, or the sender gives up.
    var nextTime: Int64? {
        outcome.tprt != nil && outcome.postgrey != nil && outcome.rspamd != nil ? nil : mail.nextTime
    }

    mutating func tryOnce(
        ofMail number: Int, at site: inout SimulatedSite,
        and others: inout (postgrey: SimulatedPostgrey, rspamd: SimulatedRspamd)
    ) async throws {
        guard let attempt = mail.attempt() else { preconditionFailure("a mail in the queue has a try left") }
        attempts += 1
        let start = self.start ?? attempt.time
        self.start = start
        let waited = Timestamp(milliseconds: attempt.time).since(Timestamp(milliseconds: start))
        let acceptance = MailOutcome.Acceptance(attempts: attempts, seconds: waited)
        if outcome.postgrey == nil, others.postgrey.passes(attempt) { outcome.postgrey = acceptance }
        // A code that is asked for once more has another text.
        let body = number * 2 + attempt.senderNumber
        if outcome.rspamd == nil, others.rspamd.passes(attempt, body: body) { outcome.rspamd = acceptance }
        guard outcome.tprt == nil else { return }
        let record = try await site.decide(attempt, ofMail: number)
        guard !record.isGreylisting, case .judged(let verdict) = record.reason else { return }
        outcome.tprt = acceptance
        outcome.cause = LaneOutcome.Cause(verdict)
    }
}
