import Foundation
import RedisLab
import TestSupport
import Testing

/// The master of a Redis is lost while a daemon is under load.
@Suite("Failover", .blocking)
struct FailoverTests {
    /// What one client heard, and when.
    private struct Heard: Sendable {
        var time: TimeInterval
        var reply: PolicyReply
    }

    @Test("With Sentinels a lost master costs no wrong answer, and mail is greylisted again soon")
    func sentinels() async throws {
        try await withSentinels { group in
            try await withLab { lab in
                let url = "redis+sentinel://\(group.addresses.joined(separator: ","))/\(group.service)"
                let daemon = try lab.start(extra: ["-i", "service.grey_db=\(url)", "-i", "service.awl_db=\(url)"])
                let warm = PolicyRequest(sender: "warm@sender.example")
                try eventually("it is connected", every: 0.2) { try daemon.ask(warm).isGreylisted ? () : nil }

                let (clients, seconds) = (10, 20.0)
                let endpoint = lab.unixEndpoint
                let begin = uptime()
                let load = Task.detached {
                    // A thousand requests a second, as far as the machine goes.
                    try onThreads(clients) { thread in
                        let client = try PolicyClient(to: endpoint)
                        defer { client.close() }
                        var heard: [Heard] = []
                        for number in 0... {
                            let due = begin + Double(number) / 100
                            if due > begin + seconds { break }
                            if due > uptime() { Thread.sleep(forTimeInterval: due - uptime()) }
                            let reply = try client.ask(.numbered(number, series: "t\(thread)x"))
                            heard.append(Heard(time: uptime(), reply: reply))
                        }
                        return heard
                    }
                }
                try await Task.sleep(for: .seconds(3))
                let lost = uptime()
                await group.master.kill()
                _ = try await group.waitForMaster(otherThan: group.master)
                let promoted = uptime()
                let heard = try await load.value.joined()
                // All are new or asked too early: whoever hears of a pass hears it because the store was away.
                let wrong = heard.filter { !$0.reply.isGreylisted && $0.reply != PolicyReply(description: "DUNNO") }
                #expect(wrong.map(\.reply).isEmpty)
                #expect(heard.filter { $0.time < lost }.allSatisfy { $0.reply.isGreylisted })
                let again = heard.filter { $0.time > lost && !$0.reply.isGreylisted }.map(\.time).max() ?? lost
                #expect(heard.contains { $0.time > again && $0.reply.isGreylisted })
                #expect(again - promoted < 10)
                note(
                    "\(heard.count) answers in \(Int(seconds)) s; promoted \(promoted - lost) s after the loss; "
                        + "greylisted again \(again - promoted) s after that")
                let changes = daemon.lines.filter { $0.contains("the store") }
                #expect(changes.count <= 4)
                #expect(try daemon.ask(PolicyRequest(sender: "last@sender.example")).isGreylisted)
            }
        }
    }
}
