import Greylist
import Settings
import TestSupport
import Testing

@testable import Import
@testable import tprtctl

/// What greylisting would do to the mail of a log.
@Suite("tprtctl simulate --log")
struct LogSimulationTests {
    /// An attempt.
    private static func attempt(
        _ seconds: Int64, accepted: Bool = true, client: String = "192.0.2.7", name: String = "unknown",
        sender: String = "anna@partner.example", recipient: String = "you@example.com"
    ) -> IncomingMail {
        IncomingMail(
            client: Array(client.utf8), clientName: Array(name.utf8), helo: [], sender: Array(sender.utf8),
            recipient: Array(recipient.utf8), time: RecordedHistory.at(seconds), isAccepted: accepted)
    }

    private static func replay(
        _ mails: [IncomingMail], _ injections: [String] = [], since: Int64 = -86_400
    ) throws -> LogSimulation {
        var simulation = LogSimulation(
            try HistorySimulationTests.settings(injections), from: RecordedHistory.at(since))
        for mail in mails { simulation.take(mail) }
        simulation.finish()
        return simulation
    }

    @Test("A site without greylisting: what is new waits, and is known afterwards")
    func withoutGreylisting() throws {
        let mails = [
            Self.attempt(0), Self.attempt(100), Self.attempt(5_000), Self.attempt(5_000, sender: "b@partner.example"),
            Self.attempt(300_000, client: "198.51.100.7"),
        ]
        let simulation = try Self.replay(mails)
        let tally = simulation.tally
        #expect(tally.recorded.atOnce == 5 && tally.recorded.all == 5 && !simulation.hasDeferrals)
        // The second one comes too soon after the first one, which hasn't come back by then.
        #expect(tally[.delayed] == 4 && tally.simulated.unknown == 4 && tally.simulated.atOnce == 1)
        #expect(tally.top(.delayed, 5).map(\.name) == ["partner.example"])
        #expect(tally.simulated.waits.count == 0)
        #expect(try Self.replay(mails, since: 4_000).tally[.delayed] == 2)
        #expect(try Self.replay(mails, ["service.mode=observe"]).tally.changed == 0)
    }

    @Test("Names prove who a sender is; what SPF would say, nobody knows")
    func names() throws {
        let mails = [
            Self.attempt(0, name: "mx1.partner.example"),
            Self.attempt(5_000, client: "198.51.100.7", name: "mx2.partner.example"),
            Self.attempt(6_000, client: "203.0.113.7"),
        ]
        let simulation = try Self.replay(mails, ["service.identity=spf"])
        #expect(simulation.tally[.delayed] == 2 && simulation.flow.doubtful == 1)
        #expect(try Self.replay(mails).tally[.delayed] == 3)
    }

    @Test("A site with another greylister: its retries are those of the senders")
    func otherGreylister() throws {
        let mails = [
            Self.attempt(0, accepted: false), Self.attempt(200, accepted: false), Self.attempt(900),
            Self.attempt(1_000, accepted: false, sender: "win@lottery.example"),
            Self.attempt(1_000_000),
        ]
        let tally = try Self.replay(mails, ["service.grey_delay=3m"]).tally
        #expect(tally.recorded.waited == 1 && tally.recorded.waits.percentile(50) == 900)
        #expect(tally[.shorter] == 1 && tally.simulated.waits.percentile(50) == 200)
        #expect(tally.recorded.neverCameBack == 1 && tally.simulated.neverCameBack == 1 && tally.changed == 1)
        let longer = try Self.replay(mails, ["service.grey_delay=20m"]).tally
        #expect(longer[.longer] == 1 && longer.simulated.unknown == 1)
        #expect(try Self.replay(mails, ["service.grey_delay=5m"]).tally.changed == 0)
    }

    @Test("What never came back of a sender, and mail that it sends much later, are two")
    func givenUp() throws {
        let mails = [Self.attempt(0, accepted: false), Self.attempt(400_000)]
        let tally = try Self.replay(mails).tally
        #expect(tally.recorded.neverCameBack == 1 && tally.recorded.atOnce == 1)
        #expect(tally.simulated.neverCameBack == 1 && tally[.delayed] == 1)
    }

    @Test("Nothing is made of nothing")
    func empty() throws {
        let simulation = try Self.replay([])
        #expect(simulation.tally.recorded.all == 0 && simulation.times == nil)
    }
}
