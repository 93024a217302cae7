import Greylist
import Testing

/// The whole of greylisting, by table: what is known, when, and what is said and remembered.
struct JudgementTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// passes, first, last of the triplet and of the client.
        var triplet: (UInt32, Int64, Int64)?
        var client: (UInt32, Int64, Int64)?
        var now: Int64 = 100_000
        var clientCount: UInt32 = 0
        var verdict: Verdict
        var remembered: (UInt32, Int64, Int64)?
        var counted: (UInt32, Int64, Int64)?

        var testDescription: String { name }
    }

    static let start: Int64 = 100_000

    static let cases = [
        Case(name: "never seen", verdict: .new(wait: 300), remembered: (0, start, start)),
        Case(
            name: "retried at once", triplet: (0, start, start), verdict: .early(wait: 300, delay: 0)),
        Case(
            name: "retried a second early", triplet: (0, start, start), now: start + 299,
            verdict: .early(wait: 1, delay: 299)),
        Case(
            name: "retried at the very end of the delay", triplet: (0, start, start), now: start + 300,
            verdict: .early(wait: 1, delay: 300)),
        Case(
            name: "retried after the delay", triplet: (0, start, start), now: start + 301,
            verdict: .retried(delay: 301), remembered: (1, start, start + 301)),
        Case(
            name: "retried at the end of the window", triplet: (0, start, start), now: start + 172_800,
            verdict: .retried(delay: 172_800), remembered: (1, start, start + 172_800)),
        Case(
            name: "retried after the window", triplet: (0, start, start), now: start + 172_801,
            verdict: .new(wait: 300), remembered: (0, start + 172_801, start + 172_801)),
        Case(
            name: "passed before", triplet: (1, start - 900, start - 500), verdict: .known,
            remembered: (2, start - 900, start)),
        Case(
            name: "passed at the end of its age", triplet: (7, 0, 5), now: 3_024_005, verdict: .known,
            remembered: (8, 0, 3_024_005)),
        Case(
            name: "passed, but forgotten", triplet: (7, 0, 5), now: 3_024_006, verdict: .new(wait: 300),
            remembered: (0, 3_024_006, 3_024_006)),
        Case(
            name: "as many passes as can be counted", triplet: (.max, 0, start), verdict: .known,
            remembered: (.max, 0, start)),
        Case(
            name: "the clock stepped back: the wait begins anew", triplet: (0, start + 9_999, start + 9_999),
            verdict: .new(wait: 300), remembered: (0, start, start)),
        Case(
            name: "the clock stepped back by a second", triplet: (0, start + 1, start + 1), verdict: .new(wait: 300),
            remembered: (0, start, start)),
        Case(
            name: "the clock stepped back after a pass", triplet: (3, start + 5_000, start + 9_999), verdict: .known,
            remembered: (4, start + 5_000, start)),
        Case(
            name: "a first pass counts the client", triplet: (0, start - 400, start - 400), clientCount: 5,
            verdict: .retried(delay: 400), remembered: (1, start - 400, start), counted: (1, start, start)),
        Case(
            name: "a further pass counts the client", triplet: (1, 0, start - 9), client: (3, 0, start - 9),
            clientCount: 5, verdict: .known, remembered: (2, 0, start), counted: (4, 0, start)),
        Case(
            name: "a deferral doesn't", client: (3, 0, start - 9), clientCount: 5, verdict: .new(wait: 300),
            remembered: (0, start, start)),
        Case(
            name: "auto-whitelisted", client: (5, 0, start - 9), clientCount: 5, verdict: .autoWhitelisted),
        Case(
            name: "auto-whitelisted, used after long", client: (5, 0, start - 94_501), clientCount: 5,
            verdict: .autoWhitelisted, counted: (5, 0, start)),
        Case(
            name: "auto-whitelisted, but forgotten", triplet: (1, 0, 3_100_000 - 9), client: (5, 0, 0), now: 3_100_000,
            clientCount: 5, verdict: .known, remembered: (2, 0, 3_100_000), counted: (1, 3_100_000, 3_100_000)),
        Case(
            name: "one pass short", client: (4, 0, start - 9), clientCount: 5, verdict: .new(wait: 300),
            remembered: (0, start, start)),
        Case(
            name: "counted, but the auto-whitelist is off", triplet: (1, 0, start - 9), client: (9, 0, start - 9),
            verdict: .known, remembered: (2, 0, start)),
    ]

    @Test(arguments: cases)
    func isJudged(_ item: Case) {
        let known = Known(triplet: item.triplet.map(Self.sighting), client: item.client.map(Self.sighting))
        let rules = Rules(clientCount: item.clientCount)
        let judgement = judge(known, at: Timestamp(seconds: item.now), under: rules)
        #expect(judgement.verdict == item.verdict)
        #expect(judgement.remember.triplet == item.remembered.map(Self.sighting))
        #expect(judgement.remember.client == item.counted.map(Self.sighting))
    }

    /// Whatever a damaged record holds, there is a verdict, and nobody is told to wait longer than the delay.
    @Test func anyRecordIsJudged() {
        let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, 99_700, 100_000, 100_001, .max - 1, .max]
        for first in extremes {
            for last in extremes {
                for passes: UInt32 in [0, 1, .max] {
                    let known = Known(triplet: Self.sighting((passes, first, last)))
                    switch judge(known, at: Timestamp(seconds: 100_000), under: Rules()).verdict {
                    case .new(let wait), .early(let wait, _): #expect((1...300).contains(wait))
                    case .retried, .known, .autoWhitelisted, .crowded: break
                    }
                }
            }
        }
    }

    static func sighting(_ numbers: (UInt32, Int64, Int64)) -> Sighting {
        Sighting(passes: numbers.0, first: Timestamp(seconds: numbers.1), last: Timestamp(seconds: numbers.2))
    }
}
