import SPF
import SampleOptions
import Testing

@testable import WaitSimulation

/// What the other programs say of attempts.
struct OtherRulesTests {
    private func attempt(
        _ seconds: Int64, from address: UInt32, as sender: String = "a@b.example", to user: String = "user"
    ) -> TracedAttempt {
        TracedAttempt(
            time: (1_800_000_000 + seconds) * 1_000, host: .init(address: .ipv4(address), name: nil), senderNumber: 0,
            sender: sender, recipient: "\(user)@site.example", dns: .isSilent)
    }

    @Test("rspamd's rule passes a text from anywhere, and a sender's mail from the same /19, for a day")
    func rspamd() {
        let cases: [(attempt: TracedAttempt, body: Int, passes: Bool)] = [
            (attempt(0, from: 0x0a00_0001), 1, false),
            (attempt(299, from: 0x0a00_0001), 1, false),
            // Another host and sender with the same text; and another text from the same /19.
            (attempt(300, from: 0x1400_0001, as: "c@d.example"), 1, true),
            (attempt(301, from: 0x0a00_1fff), 2, true),
            (attempt(302, from: 0x0a00_2000), 3, false),
            (attempt(303, from: 0x0a00_0001, as: "e@b.example"), 4, false),
            // Each pass begins another day; what was only seen is forgotten after one.
            (attempt(86_600, from: 0x1e00_0001, as: "f@b.example"), 1, true),
            (attempt(86_702, from: 0x1e00_0001), 3, false),
            (attempt(86_703, from: 0x2800_0001), 4, false),
        ]
        var rspamd = SimulatedRspamd(.sample())
        for (number, one) in cases.enumerated() {
            let passes = rspamd.passes(one.attempt, body: one.body)
            #expect(passes == one.passes, "attempt \(number)")
        }
    }

    @Test("postgrey counts a client's triplets when they pass first, once an hour, and then lets all its mail pass")
    func postgrey() {
        let cases: [(attempt: TracedAttempt, passes: Bool)] = [
            (attempt(0, from: 1, to: "a"), false), (attempt(0, from: 1, to: "b"), false),
            (attempt(0, from: 1, to: "c"), false),
            // The first one counts; not that it passes again, nor another one within the hour.
            (attempt(300, from: 1, to: "a"), true), (attempt(301, from: 1, to: "b"), true),
            (attempt(4_000, from: 1, to: "a"), true), (attempt(4_001, from: 1, to: "d"), false),
            (attempt(4_002, from: 1, to: "c"), true), (attempt(4_003, from: 1, to: "e"), true),
            (attempt(4_003, from: 2, to: "e"), false),
            // A first attempt is forgotten after the retry window.
            (attempt(4_003 + 172_801, from: 2, to: "e"), false),
            (attempt(4_003 + 172_801 + 300, from: 2, to: "e"), true),
        ]
        var postgrey = SimulatedPostgrey(.sample(clientCount: 2))
        for (number, one) in cases.enumerated() {
            let passes = postgrey.passes(one.attempt)
            #expect(passes == one.passes, "attempt \(number)")
        }
    }
}
