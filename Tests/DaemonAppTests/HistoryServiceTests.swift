import Engine
import Greylist
import NIOCore
import Policy
import Testing

@testable import DaemonApp

/// What is recorded of each minute.
struct MinuteCountsTests {
    private func counters(passes: Int, deferrals: Int) throws -> DecisionCounters {
        var bytes = ByteBuffer(string: "request=smtpd_access_policy\nprotocol_state=RCPT\n\n")
        var decoder = PolicyDecoder()
        let request = try #require(try decoder.next(in: &bytes))
        var counters = DecisionCounters()
        for _ in 0..<passes { counters.note(DecisionRecord(.judged(.known)), on: request) }
        for _ in 0..<deferrals { counters.note(DecisionRecord(.judged(.new(wait: 300))), on: request) }
        return counters
    }

    @Test("A minute is over when the next one begins, also where the clock steps back or leaves some out")
    func minutes() {
        var counts = MinuteCounts(since: Timestamp(seconds: 125))
        func advance(_ seconds: Int64) -> Int64? { counts.advance(to: Timestamp(seconds: seconds))?.seconds }
        #expect(counts.minute.seconds == 120)
        #expect(advance(179) == nil)
        #expect(advance(180) == 120)
        #expect(advance(1_000) == 180)
        #expect(advance(70) == 960)
        #expect(counts.minute.seconds == 60)
    }

    @Test("What was counted since the last minute is recorded, once")
    func differences() throws {
        var counts = MinuteCounts(since: Timestamp(seconds: 0))
        var (passes, deferrals) = counts.difference(to: try counters(passes: 3, deferrals: 2))
        #expect(passes[Int(ReasonCode.known.rawValue)] == 3 && passes.reduce(0, +) == 3)
        #expect(deferrals[Int(ReasonCode.new.rawValue)] == 2 && deferrals.reduce(0, +) == 2)
        (passes, deferrals) = counts.difference(to: try counters(passes: 7, deferrals: 2))
        #expect(passes.reduce(0, +) == 4 && deferrals.reduce(0, +) == 0)
        // A loop that doesn't answer while the daemon ends takes nothing back.
        (passes, deferrals) = counts.difference(to: DecisionCounters())
        #expect(passes.reduce(0, +) == 0 && deferrals.reduce(0, +) == 0)
    }
}
