import ArgumentParser
import Engine
import Foundation
import Greylist
import History
import Programs
import SampleOptions
import Testing

@testable import tprtctl

@Suite("tprtctl history")
struct HistoryCommandTests {
    private func decisions(_ history: RecordedHistory, _ words: [String]) throws -> [HistoryAttempt] {
        let command = try #require(try Tprtctl.parseAsRoot(["history"] + words) as? HistoryCommand)
        let reader = try history.source.open()
        return try reader.decisions(command.filter(at: RecordedHistory.at(7_200)))
    }

    private func sample() throws -> RecordedHistory {
        var history = try RecordedHistory()
        try history.addPool()
        try history.add(
            3_600, .judged(.new(wait: 300)), client: ("192.0.2.99", "unknown"), sender: "", recipient: "bob@example.net"
        )
        return history
    }

    @Test("a table, the newest first")
    func table() throws {
        let history = try sample()
        #expect(
            DecisionTable(try decisions(history, [])).lines.joined(separator: "\n") == """
                time                  action    reason                     client                            \
                sender                recipient        count
                2026-11-30T15:00:00Z  greylist  new                        192.0.2.99                        \
                <>                    bob@example.net      1
                2026-11-30T14:12:04Z  pass      triplet found, first pass  203.0.113.5 (out3.pool.example)   \
                anna@partner.example  you@example.com      1
                2026-11-30T14:02:49Z  greylist  early-retry                198.51.100.9 (out2.pool.example)  \
                anna@partner.example  you@example.com      1
                2026-11-30T14:00:00Z  greylist  new                        192.0.2.7 (out1.pool.example)     \
                anna@partner.example  you@example.com      1
                """)
    }

    @Test(
        "filters",
        arguments: [
            (["--sender", "anna@partner.example"], 3), (["--sender", "partner.example"], 3), (["--sender", "<>"], 1),
            (["--recipient", "bob@example.net"], 1), (["--client", "198.51.100.9"], 1), (["--client", "out"], 3),
            (["--reason", "new"], 2), (["--reason", "new", "--reason", "early-retry"], 3),
            (["--reason", "triplet-found"], 1), (["--reason", "triplet found"], 1), (["--reason", "retried"], 1),
            (["--reason", "known"], 0), (["--since", "2h"], 4), (["--since", "2026-11-30 14:12"], 2),
            (["--limit", "2"], 2),
        ])
    func filters(words: [String], count: Int) throws {
        #expect(try decisions(try sample(), words).count == count)
    }

    @Test("every reason of the log can be typed, and is completed")
    func reasons() throws {
        for code in ReasonCode.allCases {
            let argument = try #require(ReasonArgument(argument: "\(code.text)"))
            #expect(argument.codes.contains(code))
        }
        let words = ReasonArgument.allValueStrings
        #expect(words.contains("early-retry") && words.contains("client-awl") && Set(words).count == words.count)
        #expect(words.allSatisfy { ReasonArgument(argument: $0) != nil && !$0.contains(" ") })
    }

    @Test("what a sender says stays in its cell")
    func hostile() throws {
        var history = try RecordedHistory()
        let name = "\u{1b}[2J" + String(repeating: "x", count: 400)
        try history.add(
            0, .judged(.new(wait: 300)), client: ("192.0.2.7", name), sender: "a  greylist  b@\u{7}", recipient: name)
        let lines = DecisionTable(try decisions(history, [])).lines
        #expect(lines.count == 2 && lines[1].contains("\"a  greylist  b@\\\\x07\"") && lines[1].count < 300)
        #expect(lines[1].unicodeScalars.allSatisfy { (0x20..<0x7f).contains($0.value) })
    }

    @Test("following shows the last ones, then each that comes, once, and goes on with a new file")
    func following() throws {
        var history = try sample()
        var filter = HistoryFilter(limit: 2)
        filter.reasons = [.new, .retried]
        var follower = HistoryFollower(history.source, filter)
        #expect(try follower.next().map(\.reason) == [.retried, .new])
        #expect(try follower.next().isEmpty)
        try history.add(3_700, .judged(.early(wait: 200, delay: 100)), client: ("192.0.2.99", "unknown"), sender: "")
        try history.add(3_701, .judged(.new(wait: 300)), sender: "c@partner.example")
        try history.add(3_702, .judged(.new(wait: 300)), sender: "d@partner.example")
        #expect(try follower.next().map(\.sender) == ["c@partner.example", "d@partner.example"])
        #expect(try follower.next().isEmpty)
        // The daemon begins a new file.
        history.close()
        let path = history.source.path
        try FileManager.default.moveItem(atPath: path, toPath: path + ".corrupt-1")
        #expect(try follower.next().isEmpty)
        var other = try RecordedHistory()
        try other.add(0, .judged(.new(wait: 300)), sender: "e@partner.example")
        other.close()
        try FileManager.default.moveItem(atPath: other.source.path, toPath: path)
        #expect(try follower.next().map(\.sender) == ["e@partner.example"])
        #expect(try follower.next().isEmpty)
    }

    @Test("a file that isn't there ends it")
    func missing() throws {
        var follower = HistoryFollower(
            HistorySource(path: "/nonexistent/history.sqlite", rules: .sample()), HistoryFilter(limit: 1))
        let error = try #require(throws: ProgramError.self) { try follower.next() }
        #expect(error.status == .noInput)
    }
}
