import Engine
import Foundation
import Greylist
import History
import Settings
import TestSupport
import Testing
import Whitelists

@testable import tprtctl

/// What a history comes to under other settings: by tables for each way in which they may differ.
@Suite("tprtctl simulate -c")
struct HistorySimulationTests {
    /// Settings in the form of `tprtd -i`.
    static func settings(_ injections: [String]) throws -> SimulatedSettings {
        // No list of this machine has a say, nor the DNS, unless a test wants it.
        try SimulatedSettings(
            Configuration.load(
                injections: ["service.public_suffix_list=/nonexistent", "service.identity=off"] + injections))
    }

    /// Replays a history.
    ///
    /// - Parameters:
    ///   - since: in seconds after its start
    ///   - until: likewise
    static func replay(
        _ history: RecordedHistory, today: [String] = [], _ new: [String], since: Int64 = -86_400,
        until: Int64 = 10 * 86_400
    ) throws -> HistorySimulation {
        var simulation = try HistorySimulation(
            settings(today + new), beside: settings(today), from: RecordedHistory.at(since))
        try history.source.open().replay(since: nil) {
            simulation.take($0)
            return true
        }
        simulation.finish(at: RecordedHistory.at(until))
        return simulation
    }

    /// A case of the table.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// What is recorded.
        let record: @Sendable (inout RecordedHistory) throws -> Void
        /// The settings of both.
        var today: [String] = []
        /// Those that are other ones.
        let new: [String]
        /// What changes, and of how many mails.
        let changes: [MailTally.Change: Int]
        /// Those that are told to wait for nobody knows how long.
        var unknown = 0
        /// How long mails wait of which that is known, in their order.
        var median: Int64?
        /// How often something was taken as known.
        var assumed = 0
    }

    typealias Identity = RecordedHistory.Identity

    /// The same mail at these times, deferred until the last one.
    @Sendable private static func mail(
        _ history: inout RecordedHistory, _ times: [Int64], clients: [String] = ["192.0.2.7"]
    ) throws {
        for (number, time) in times.enumerated() {
            let client = (clients[number % clients.count], "unknown")
            let delay = time - times[0]
            let reason: Verdict =
                number == 0
                ? .new(wait: 300)
                : number == times.count - 1 ? .retried(delay: delay) : .early(wait: 300 - delay, delay: delay)
            try history.add(time, .judged(reason), client: client)
        }
    }

    static let cases: [Case] = [
        Case(
            testDescription: "a shorter delay lets a retry pass that came too soon",
            record: { try mail(&$0, [0, 200, 900]) }, new: ["service.grey_delay=3m"], changes: [.shorter: 1],
            median: 200),
        Case(
            testDescription: "what passed earlier isn't tried any more",
            record: {
                try mail(&$0, [0, 200, 250, 900])
                try $0.add(5_000, .judged(.known), client: ("192.0.2.7", "unknown"))
            }, new: ["service.grey_delay=3m"], changes: [.shorter: 1], median: 200),
        Case(
            testDescription: "a longer delay has it come back once more, when nobody knows; later mail is known",
            record: {
                try mail(&$0, [0, 400])
                try $0.add(300_000, .judged(.known), client: ("192.0.2.7", "unknown"))
            }, new: ["service.grey_delay=10m"], changes: [.longer: 1], unknown: 1),
        Case(
            testDescription: "mail that comes before it may have come back waits, too",
            record: {
                try mail(&$0, [0, 400])
                try $0.add(500, .judged(.known), client: ("192.0.2.7", "unknown"))
            }, new: ["service.grey_delay=10m"], changes: [.longer: 1, .delayed: 1], unknown: 2),
        Case(
            testDescription: "a shorter delay that ends between two retries changes nothing",
            record: { try mail(&$0, [0, 200, 310, 900]) }, today: ["service.grey_delay=15m"],
            new: ["service.grey_delay=10m"], changes: [:], median: 900),
        Case(
            testDescription: "with single addresses the retry from another one is new",
            record: { try mail(&$0, [0, 400], clients: ["192.0.2.7", "192.0.2.8"]) }, new: ["service.ipv4_mask=32"],
            changes: [.longer: 1], unknown: 1),
        Case(
            testDescription: "with wider networks what never came back from the same one did",
            record: {
                try $0.add(0, .judged(.new(wait: 300)), client: ("192.0.2.7", "unknown"))
                try $0.add(400, .judged(.new(wait: 300)), client: ("192.0.3.7", "unknown"))
            }, new: ["service.ipv4_mask=16"], changes: [.letIn: 1]),
        Case(
            testDescription: "a shorter window forgets first attempts",
            record: { try mail(&$0, [0, 90_000]) }, new: ["service.grey_retry_window=12h"], changes: [.longer: 1],
            unknown: 1),
        Case(
            testDescription: "a shorter memory forgets who is known",
            record: {
                try mail(&$0, [0, 400])
                try $0.add(5 * 86_400, .judged(.known), client: ("192.0.2.7", "unknown"))
            }, new: ["service.grey_max_age=3d"], changes: [.delayed: 1], unknown: 1, median: 400),
        Case(
            testDescription: "without the fast lane what had earned it waits",
            record: {
                try $0.add(
                    0, .judged(.spared(.earned)), identity: Identity(proof: .name, organisation: "partner.example"))
            }, today: ["service.identity=name"], new: ["service.fast_lane=off"], changes: [.delayed: 1], unknown: 1,
            assumed: 1),
        Case(
            testDescription: "so do those whom users wrote to",
            record: {
                try $0.add(
                    0, .judged(.spared(.correspondent)),
                    identity: Identity(proof: .name, organisation: "partner.example"))
            }, today: ["service.identity=name"], new: ["service.fast_lane=off"], changes: [.delayed: 1], unknown: 1,
            assumed: 1),
        Case(
            testDescription: "an organisation that SPF has proven for long passes at once where less is asked for",
            record: { history in
                let identity = Identity(proof: .spf, organisation: "partner.example")
                for day in 0..<3 as Range<Int64> {
                    let recipient = "user\(day)@example.com"
                    for (seconds, verdict) in [(0, .new(wait: 300)), (400, .retried(delay: 400))] as [(Int64, Verdict)]
                    {
                        try history.add(
                            day * 86_400 + seconds, .judged(verdict), client: ("192.0.2.7", "unknown"),
                            recipient: recipient, identity: identity)
                    }
                }
            }, today: ["service.identity=spf"], new: ["service.earn_days=2"], changes: [.spared: 1], median: 400),
        Case(
            testDescription: "without the auto-whitelist what it let through waits",
            record: { try $0.add(0, .judged(.autoWhitelisted)) }, today: ["service.awl_client_count=3"],
            new: ["service.awl_client_count=0"], changes: [.delayed: 1], unknown: 1, assumed: 1),
        Case(
            testDescription: "with an auto-whitelist a client that has passed often enough need not wait",
            record: { history in
                for number in 0..<3 as Range<Int64> {
                    let sender = "\(number)x@partner.example"
                    try history.add(number * 10_000, .judged(.new(wait: 300)), sender: sender)
                    try history.add(number * 10_000 + 400, .judged(.retried(delay: 400)), sender: sender)
                }
            }, new: ["service.awl_client_count=2"], changes: [.spared: 1], median: 400),
        Case(
            testDescription: "a site that only observes delays nothing",
            record: {
                try mail(&$0, [0, 400])
                try $0.add(0, .judged(.new(wait: 300)), sender: "win@lottery.example")
            }, new: ["service.mode=observe"], changes: [.spared: 1, .letIn: 1]),
        Case(
            testDescription: "a trial that gets serious has mail wait",
            record: {
                try $0.add(0, .judged(.new(wait: 300)), isObserved: true)
                try $0.add(7_200, .judged(.retried(delay: 7_200)), isObserved: true)
            }, today: ["service.mode=observe"], new: ["service.mode=enforce"], changes: [.delayed: 1], unknown: 1),
        Case(
            testDescription: "bounces that are greylisted wait",
            record: { try $0.add(0, .notOurs(.nullSender), sender: "") },
            today: ["service.greylist_null_sender=no"], new: ["service.greylist_null_sender=yes"],
            changes: [.delayed: 1], unknown: 1),
        Case(
            testDescription: "without consistency other recipients of a message wait",
            record: {
                let identity = Identity(proof: .name, organisation: "partner.example")
                for (number, verdict) in [Verdict.new(wait: 300), .retried(delay: 400)].enumerated() {
                    try $0.add(400 * Int64(number), .judged(verdict), identity: identity)
                }
                try $0.add(401, .judged(.carried), recipient: "other@example.com", identity: identity)
            }, today: ["service.identity=name"], new: ["service.message_consistency=off"], changes: [.delayed: 1],
            unknown: 1, median: 400),
        Case(
            testDescription: "what was known before the history is known under both; from elsewhere it isn't",
            record: {
                try $0.add(0, .judged(.known), client: ("192.0.2.7", "unknown"))
                try $0.add(100, .judged(.known), client: ("192.0.2.7", "unknown"))
                try $0.add(90_000, .judged(.known), client: ("192.0.2.8", "unknown"))
            }, new: ["service.ipv4_mask=32"], changes: [.delayed: 1], unknown: 1, assumed: 1),
        Case(
            testDescription: "a first attempt that is older than the history counts",
            record: {
                try $0.add(200, .judged(.early(wait: 100, delay: 200)))
                try $0.add(400, .judged(.retried(delay: 400)))
            }, new: ["service.grey_delay=3m"], changes: [.shorter: 1], median: 200, assumed: 1),
        Case(
            testDescription: "what an administrator has released passes",
            record: {
                try $0.add(0, .judged(.new(wait: 300)))
                try $0.add(60, .judged(.released))
            }, new: ["service.grey_delay=10m"], changes: [:], median: 60, assumed: 1),
        Case(
            testDescription: "what passed without a database passes",
            record: { try $0.add(0, .storeFailed) }, new: ["service.grey_delay=10m"], changes: [:]),
    ]

    @Test("Each difference is found, and nothing else", arguments: cases)
    func differences(_ one: Case) throws {
        var history = try RecordedHistory()
        try one.record(&history)
        let simulation = try Self.replay(history, today: one.today, one.new)
        let tally = simulation.tally
        for change in MailTally.Change.allCases {
            #expect(tally[change] == one.changes[change] ?? 0, "\(change) \(tally)")
        }
        #expect(tally.simulated.unknown == one.unknown && tally.recorded.unknown == 0, "\(tally)")
        #expect(tally.simulated.waits.percentile(50) == one.median, "\(tally)")
        #expect(tally.recorded.all == tally.simulated.all)
        #expect(simulation.notes.assumed == one.assumed, "\(simulation.notes)")
        // Under today's settings nothing changes.
        let same = try Self.replay(history, today: one.today, [])
        #expect(same.tally.changed == 0 && same.tally.recorded == same.tally.simulated, "\(same.tally)")
        #expect(same.tally.recorded == tally.recorded)
    }

    @Test("A whitelist entry that is added lets mail pass at once, and one that is removed has it wait")
    func whitelists() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("partners.json")
        try Data(#"{"l": [{"type": "ipv4_net", "net": "192.0.2.0/24"}]}"#.utf8).write(to: URL(filePath: path))
        let list = [#"service.wl_sources=["file://\#(path)"]"#]
        var added = try RecordedHistory()
        try Self.mail(&added, [0, 400])
        let without = try Self.replay(added, list)
        #expect(without.tally[.spared] == 1 && without.tally.changed == 1)
        var removed = try RecordedHistory()
        for number in 0..<3 as Range<Int64> { try removed.add(number * 1_000, .whitelisted(.client)) }
        let with = try Self.replay(removed, today: list, ["service.wl_sources=[]"])
        // The first one of them waits, the others are known by then.
        #expect(with.tally.recorded.atOnce == 3 && with.tally[.delayed] == 1 && with.tally.changed == 1)
        #expect(with.flow.doubtful == 0)
    }

    @Test("Known mail of a day is one row, and counts as often as it came")
    func counts() throws {
        var history = try RecordedHistory()
        try Self.mail(&history, [0, 400])
        for number in 1...5 as ClosedRange<Int64> {
            try history.add(1_000 * number, .judged(.known), client: ("192.0.2.7", "unknown"))
        }
        let tally = try Self.replay(history, ["service.grey_delay=10m"]).tally
        #expect(tally.recorded.atOnce == 5 && tally.recorded.waited == 1 && tally[.longer] == 1)
        // They wait, too, where they all came before the first one may have come back.
        let long = try Self.replay(history, ["service.grey_delay=2h"]).tally
        #expect(long[.longer] == 1 && long[.delayed] == 5)
    }

    @Test("Only mail that is tried first from --since on counts, and what came before makes it known")
    func since() throws {
        var history = try RecordedHistory()
        try Self.mail(&history, [0, 400])
        try history.add(5_000, .judged(.known), client: ("192.0.2.7", "unknown"))
        try history.add(6_000, .judged(.new(wait: 300)), sender: "win@lottery.example")
        let tally = try Self.replay(history, ["service.grey_delay=10m"], since: 4_000).tally
        #expect(tally.recorded.atOnce == 1 && tally.recorded.neverCameBack == 1 && tally.changed == 0)
        let waiting = try Self.replay(history, [], since: 4_000, until: 7_000).tally
        #expect(waiting.recorded.mayComeBack == 1 && waiting.simulated.mayComeBack == 1)
        #expect(try Self.replay(history, [], since: 9_000).tally.recorded.all == 0)
    }

    @Test("Where only digests are kept delays can be simulated, and nothing that depends on addresses")
    func hashed() throws {
        var history = try RecordedHistory(keeping: .hashed)
        try Self.mail(&history, [0, 400])
        try history.add(
            500, .judged(.spared(.earned)), sender: "bob@partner.example",
            identity: Identity(proof: .spf, organisation: "partner.example"))
        try history.add(600, .whitelisted(.client), sender: "carl@partner.example")
        let today = ["service.identity=spf"]
        let longer = try Self.replay(history, today: today, ["service.grey_delay=10m"])
        #expect(longer.tally[.longer] == 1 && longer.tally.changed == 1)
        #expect(longer.notes.withoutClients == 4)
        let others = try Self.replay(history, today: today, ["service.fast_lane=off", "service.ipv4_mask=32"])
        #expect(others.tally.changed == 0)
    }

    @Test("Where domains are kept, who a sender is counts")
    func domains() throws {
        var history = try RecordedHistory(keeping: .domain)
        let identity = Identity(proof: .spf, organisation: "partner.example")
        try history.add(0, .judged(.new(wait: 300)), client: ("192.0.2.7", "unknown"), identity: identity)
        try history.add(
            400, .judged(.retried(delay: 400)), client: ("203.0.113.7", "unknown"),
            identity: Identity(proof: .spf, organisation: "partner.example", matched: .organisation))
        let simulation = try Self.replay(history, today: ["service.identity=spf"], ["service.identity=off"])
        #expect(simulation.tally[.longer] == 1 && simulation.notes.withoutAddresses == 2)
        #expect(simulation.notes.withoutClients == 0 && simulation.notes.explained == 2)
    }

    @Test("An organisation that had to wait though it came often isn't proven well enough, whatever else is asked for")
    func untrusted() throws {
        var history = try RecordedHistory()
        // Every day to another recipient: by the fourth day it would have earned not to wait.
        for day in 0..<6 as Range<Int64> {
            for (seconds, verdict) in [(0, .new(wait: 300)), (400, .retried(delay: 400))] as [(Int64, Verdict)] {
                try history.add(
                    day * 86_400 + seconds, .judged(verdict), client: ("192.0.2.7", "unknown"),
                    recipient: "user\(day)@example.com",
                    identity: Identity(proof: .spf, organisation: "partner.example"))
            }
        }
        let today = ["service.identity=spf"]
        let simulation = try Self.replay(history, today: today, ["service.grey_delay=299s"])
        #expect(simulation.tally.changed == 0 && simulation.notes.explained == 12)
        // Before that nobody knows.
        let laxer = try Self.replay(history, today: today, ["service.earn_days=2"])
        #expect(laxer.tally[.spared] == 2 && laxer.notes.untrusted == 2)
    }

    @Test("A mail that would have to wait, and of whose sender nobody knows what SPF would say, is doubtful")
    func doubtful() throws {
        var history = try RecordedHistory()
        try history.add(0, .judged(.known), client: ("192.0.2.7", "unknown"))
        try history.add(90_000, .judged(.known), client: ("192.0.2.8", "unknown"))
        let simulation = try Self.replay(history, today: ["service.identity=spf"], ["service.ipv4_mask=32"])
        #expect(simulation.tally[.delayed] == 1 && simulation.flow.doubtful == 1)
    }

    @Test("Today's settings that were never in force explain little")
    func otherSettings() throws {
        var history = try RecordedHistory()
        for number in 0..<10 as Range<Int64> { try Self.mail(&history, [number * 5_000, number * 5_000 + 320]) }
        let simulation = try Self.replay(history, today: ["service.grey_delay=1h"], [])
        #expect(simulation.notes.explained < 20 && simulation.tally.changed == 0)
    }
}
