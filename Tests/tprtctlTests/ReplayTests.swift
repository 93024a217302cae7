import Domains
import Engine
import Greylist
import History
import Import
import NIOCore
import Policy
import SPFZones
import SampleOptions
import Settings
import TestSupport
import Testing

@testable import WaitSimulation
@testable import tprtctl

/// A month of mail as the real engine decides about it and the real writer records it: pools, services, people, bots, what users
/// write to, a DNS that fails at times.
private struct RecordedMonth {
    let directory: TemporaryDirectory
    let path: String
    /// What was decided by.
    let engine: PolicyEngine

    init(seed: UInt64, _ change: (inout PolicyEngine.Options) -> Void) async throws {
        directory = try TemporaryDirectory()
        path = directory.file("history.sqlite")
        var options = PolicyEngine.Options.sample()
        options.identity = .spf
        options.fastLane = .sample()
        options.rules = .sample(clientCount: 5)
        change(&options)
        let shared = SharedIdentityFile(
            path: "shared", text: Array(LaneTrace.sharedDomains.map { "shared \($0)\n" }.joined().utf8))
        let organisations = Organisations(suffixes: .builtIn(), shared: SharedIdentities([shared]))
        engine = PolicyEngine(
            options: options,
            wording: try Wording(action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X: {delay}", hostname: "mx"),
            organisations: organisations)
        let trace = LaneTrace(seed: seed, .init(mails: 20, stolenPosts: 40, dnsFailures: 10))
        var site = try SimulatedSite(Zone(trace.records), options: options, organisations: organisations)
        var mails = trace.mails
        var queue = TimeQueue<Int>()
        for number in mails.indices { Self.add(mails[number], number, to: &queue) }
        var posts = trace.posts.sorted { $0.time < $1.time }[...]
        let start = Timestamp(seconds: 1_800_000_000)
        var writer = try HistoryWriter(
            HistoryOptions(
                path: path, maxAge: 90 * 86_400, maxSize: 256 << 20, addresses: .full, masks: options.masks,
                foldsRecipient: false), at: start)
        var batch = DecisionBatch()
        while let number = queue.removeFirst(), let attempt = mails[number].attempt() {
            while let post = posts.first, post.time <= attempt.time {
                for post in post.posts { try await site.take(post) }
                posts.removeFirst()
            }
            while site.takeLateProof(until: attempt.time) != nil {}
            let record = try await site.decide(attempt, ofMail: number)
            batch.append(record, on: try attempt.recordedRequest(), at: Timestamp(milliseconds: attempt.time))
            if record.isGreylisting { Self.add(mails[number], number, to: &queue) }
        }
        let end = Timestamp(seconds: 1_800_000_000 + 30 * 86_400)
        #expect(writer.write(batch, dropped: 0, at: end) == nil)
        writer.close()
    }

    private static func add(_ mail: LaneMail, _ number: Int, to queue: inout TimeQueue<Int>) {
        if let time = mail.nextTime { queue.insert(number, at: Timestamp(milliseconds: time)) }
    }

    /// Replays it under other options.
    func replay(_ change: (inout PolicyEngine.Options) -> Void) throws -> HistorySimulation {
        var other = engine
        var options = engine.options
        change(&options)
        other.change(options: options)
        func settings(_ engine: PolicyEngine) -> SimulatedSettings {
            SimulatedSettings(
                configuration: Configuration(), engine: engine, maxOrganisations: 500_000, faults: [])
        }
        var simulation = HistorySimulation(
            settings(other), beside: settings(engine), from: Timestamp(seconds: 1_800_000_000))
        try HistoryReader(path: path).replay(since: nil) {
            simulation.take($0)
            return true
        }
        simulation.finish(at: Timestamp(seconds: 1_800_000_000 + 40 * 86_400))
        return simulation
    }
}

extension TracedAttempt {
    /// The attempt as Postfix asks about it.
    fileprivate func recordedRequest() throws -> PolicyRequest {
        let name = host.name ?? "unknown"
        let attributes = [
            "request": "smtpd_access_policy", "protocol_state": "RCPT", "client_address": host.address.text,
            "client_name": name, "helo_name": name, "sender": sender, "recipient": recipient,
        ]
        var buffer = ByteBuffer(string: attributes.map { "\($0)=\($1)\n" }.joined() + "\n")
        var decoder = PolicyDecoder()
        return try #require(try decoder.next(in: &buffer))
    }
}

/// What holds for any history.
@Suite("Replaying what the engine has decided")
struct ReplayTests {
    @Test(
        "Under the same settings nothing changes, and nearly all decisions are made again",
        arguments: 1...6 as ClosedRange<UInt64>)
    func sameSettings(_ seed: UInt64) async throws {
        let month = try await RecordedMonth(seed: seed) { options in
            switch seed {
            case 2: options.identity = .name
            case 3: options.fastLane = .sample(lane: .off)
            case 4: options.rules = .sample(delay: 600)
            case 5: options.observesOnly = true
            case 6:
                (options.identity, options.autoWhitelistsAddresses) = (.off, true)
                options.masks = .sample(ipv4: 32, ipv6: 64)
            default: break
            }
        }
        let simulation = try month.replay { _ in }
        let (tally, notes) = (simulation.tally, simulation.notes)
        #expect(tally.recorded.all > 300 && tally.changed == 0, "\(tally)")
        #expect(tally.recorded == tally.simulated)
        #expect(simulation.flow.doubtful == 0 && notes.untrusted == 0 && notes.unreadable == 0)
        #expect(notes.explained * 1_000 >= notes.attempts * 990, "\(notes)")
        #expect(notes.assumed * 100 <= notes.attempts * 5, "\(notes)")
    }

    @Test("What other settings do is what they are for, but for what follows from it")
    func directions() async throws {
        let month = try await RecordedMonth(seed: 1) { _ in }
        let shorter = try month.replay { $0.rules = .sample(delay: 60, clientCount: 5) }.tally
        #expect(shorter[.shorter] > 10 * (shorter[.delayed] + shorter[.longer]), "\(shorter)")
        let longer = try month.replay { $0.rules = .sample(delay: 3_600, clientCount: 5) }.tally
        #expect(longer[.longer] > 10 * (longer[.shorter] + longer[.letIn]), "\(longer)")
        let off = try month.replay { $0.fastLane = .sample(lane: .off) }.tally
        // Mail that waits and passes counts for the auto-whitelist.
        #expect(off[.delayed] > 3 * (off[.spared] + off[.letIn]) && off[.delayed] > 20, "\(off)")
        let networks = try month.replay { $0.identity = .off }.tally
        #expect(networks[.delayed] + networks[.longer] > 3 * networks[.letIn], "\(networks)")
        let observing = try month.replay { $0.observesOnly = true }.tally
        #expect(observing.simulated.atOnce == observing.simulated.all && observing.changed > 0, "\(observing)")
    }
}
