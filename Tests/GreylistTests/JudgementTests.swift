import Greylist
import SampleOptions
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
            name: "retried a second before the leeway", triplet: (0, start, start), now: start + 289,
            verdict: .early(wait: 11, delay: 289)),
        Case(
            name: "retried within the leeway", triplet: (0, start, start), now: start + 290,
            verdict: .retried(delay: 290), remembered: (1, start, start + 290)),
        Case(
            name: "retried at the very end of the delay", triplet: (0, start, start), now: start + 300,
            verdict: .retried(delay: 300), remembered: (1, start, start + 300)),
        Case(
            name: "retried at the end of the window", triplet: (0, start, start), now: start + 172_800,
            verdict: .retried(delay: 172_800), remembered: (1, start, start + 172_800)),
        Case(
            name: "retried after the window", triplet: (0, start, start), now: start + 172_801,
            verdict: .new(wait: 300), remembered: (0, start + 172_801, start + 172_801)),
        Case(
            name: "passed before", triplet: (1, start - 900, start - 500), verdict: .known),
        Case(
            name: "passed at this very moment", triplet: (1, start - 900, start), verdict: .known),
        Case(
            name: "passed a 32nd of its age ago", triplet: (1, start - 94_900, start - 94_500), verdict: .known),
        Case(
            name: "passed longer ago", triplet: (1, start - 94_900, start - 94_501), verdict: .known,
            remembered: (2, start - 94_900, start)),
        Case(
            name: "passed at the end of its age", triplet: (7, 0, 5), now: 3_024_005, verdict: .known,
            remembered: (8, 0, 3_024_005)),
        Case(
            name: "passed, but forgotten", triplet: (7, 0, 5), now: 3_024_006, verdict: .new(wait: 300),
            remembered: (0, 3_024_006, 3_024_006)),
        Case(
            name: "as many passes as can be counted", triplet: (.max - 1, 0, 5), verdict: .known,
            remembered: (.max - 1, 0, start)),
        Case(
            name: "released", triplet: (.max, start - 10, start - 5), verdict: .released,
            remembered: (1, start - 10, start)),
        Case(
            name: "released, and forgotten", triplet: (.max, 0, 0), now: 3_100_000, verdict: .new(wait: 300),
            remembered: (0, 3_100_000, 3_100_000)),
        Case(
            name: "the clock stepped back: the wait begins anew", triplet: (0, start + 9_999, start + 9_999),
            verdict: .new(wait: 300), remembered: (0, start, start)),
        Case(
            name: "the clock stepped back by a second", triplet: (0, start + 1, start + 1), verdict: .new(wait: 300),
            remembered: (0, start, start)),
        Case(
            name: "the clock stepped back after a pass", triplet: (3, start + 5_000, start + 9_999), verdict: .known),
        Case(
            name: "the clock stepped back by a 32nd of its age after a pass", triplet: (3, 0, start + 94_500),
            verdict: .known),
        Case(
            name: "the clock stepped back by more", triplet: (3, start + 5_000, start + 94_501), verdict: .known,
            remembered: (4, start + 5_000, start)),
        Case(
            name: "a first pass counts the client", triplet: (0, start - 400, start - 400), clientCount: 5,
            verdict: .retried(delay: 400), remembered: (1, start - 400, start), counted: (1, start, start)),
        Case(
            name: "a first pass counts the client once more, an hour after the last one",
            triplet: (0, start - 400, start - 400), client: (3, 0, start - 3_600), clientCount: 5,
            verdict: .retried(delay: 400), remembered: (1, start - 400, start), counted: (4, 0, start)),
        Case(
            name: "a first pass within the hour doesn't count the client", triplet: (0, start - 400, start - 400),
            client: (3, 0, start - 3_599), clientCount: 5, verdict: .retried(delay: 400),
            remembered: (1, start - 400, start)),
        Case(
            name: "a first pass counts the client that was last counted in the future, far off",
            triplet: (0, start - 400, start - 400), client: (3, 0, start + 3_600), clientCount: 5,
            verdict: .retried(delay: 400), remembered: (1, start - 400, start), counted: (4, 0, start)),
        Case(
            name: "a clock a moment behind doesn't count the client", triplet: (0, start - 400, start - 400),
            client: (3, 0, start + 2), clientCount: 5, verdict: .retried(delay: 400),
            remembered: (1, start - 400, start)),
        Case(
            name: "a further pass doesn't count the client", triplet: (1, 0, start - 9), client: (3, 0, start - 9_999),
            clientCount: 5, verdict: .known),
        Case(
            name: "a deferral doesn't", client: (3, 0, start - 9), clientCount: 5, verdict: .new(wait: 300),
            remembered: (0, start, start)),
        Case(
            name: "auto-whitelisted", client: (5, 0, start - 9), clientCount: 5, verdict: .autoWhitelisted),
        Case(
            name: "auto-whitelisted, used after a 32nd of its age", client: (5, 0, start - 94_500), clientCount: 5,
            verdict: .autoWhitelisted),
        Case(
            name: "auto-whitelisted, used after longer", client: (5, 0, start - 94_501), clientCount: 5,
            verdict: .autoWhitelisted, counted: (5, 0, start)),
        Case(
            name: "auto-whitelisted, and the clock stepped back", client: (5, 0, start + 94_501), clientCount: 5,
            verdict: .autoWhitelisted, counted: (5, 0, start)),
        Case(
            name: "auto-whitelisted, but forgotten", triplet: (0, 3_099_000, 3_099_000), client: (5, 0, 0),
            now: 3_100_000, clientCount: 5, verdict: .retried(delay: 1_000), remembered: (1, 3_099_000, 3_100_000),
            counted: (1, 3_100_000, 3_100_000)),
        Case(
            name: "one pass short", client: (4, 0, start - 9), clientCount: 5, verdict: .new(wait: 300),
            remembered: (0, start, start)),
        Case(
            name: "counted, but the auto-whitelist is off", triplet: (1, 0, start - 9), client: (9, 0, start - 9),
            verdict: .known),
    ]

    @Test(arguments: cases)
    func isJudged(_ item: Case) {
        let known = StoredState(triplet: item.triplet.map(Self.sighting), client: item.client.map(Self.sighting))
        let rules = Rules.sample(clientCount: item.clientCount)
        let judgement = judge(known, at: Timestamp(seconds: item.now), under: rules)
        #expect(judgement.verdict == item.verdict)
        #expect(judgement.remember.triplet == item.remembered.map(Self.sighting))
        #expect(judgement.remember.client == item.counted.map(Self.sighting))
    }

    /// What was announced is always enough, whatever part of a second was cut off at both moments, and so is a retry that
    /// comes a little early; sooner than that nobody passes.
    @Test(arguments: [
        (0, 0), (1, 1), (3, 3), (29, 29), (30, 29), (60, 58), (299, 290), (300, 290), (1_800, 1_740), (86_400, 86_340),
    ])
    func theAnnouncedWaitIsEnough(delay: Int64, least: Int64) throws {
        let rules = Rules.sample(delay: delay)
        func verdict(after waited: Int64) -> Verdict {
            let known = StoredState(triplet: Sighting(firstAt: Timestamp(seconds: Self.start)))
            return judge(known, at: Timestamp(seconds: Self.start + waited), under: rules).verdict
        }
        #expect(judge(StoredState(), at: Timestamp(seconds: Self.start), under: rules).verdict == .new(wait: delay))
        #expect(verdict(after: delay) == .retried(delay: delay))
        #expect(verdict(after: least) == .retried(delay: least))
        for early in max(0, least - 70)..<least {
            #expect(verdict(after: early) == .early(wait: delay - early, delay: early))
            // Times are cut to whole seconds: who waits so long after such an answer is that much later by the clock.
            #expect(verdict(after: early + (delay - early)) == .retried(delay: delay))
        }
    }

    /// However the clock is moved and however often it is used: a triplet in use stays known, and of many uses few are
    /// recorded.
    @Test(arguments: [60, 3_200, 3_024_000] as [Int64])
    func aTripletInUseStaysKnown(maxAge: Int64) {
        let rules = Rules.sample(retryWindow: 60, maxAge: maxAge)
        var (now, writes) = (Self.start, 0)
        var stored = Self.sighting((1, now, now))
        for step in 1...1_000 {
            now += maxAge / 320 + 1
            if step == 500 { now -= 10 * maxAge }
            if step == 700 { now -= maxAge / 64 }
            let judgement = judge(StoredState(triplet: stored), at: Timestamp(seconds: now), under: rules)
            #expect(judgement.verdict == .known)
            guard let written = judgement.remember.triplet else { continue }
            #expect(written.last == Timestamp(seconds: now))
            stored = written
            writes += 1
        }
        #expect(stored.passes == UInt32(writes + 1))
        #expect(maxAge == 60 || (50...150).contains(writes), "\(writes) writes")
    }

    /// Whatever a damaged record holds, there is a verdict, and nobody is told to wait longer than the delay.
    @Test func anyRecordIsJudged() {
        let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, 99_700, 100_000, 100_001, .max - 1, .max]
        for first in extremes {
            for last in extremes {
                for passes: UInt32 in [0, 1, .max] {
                    let known = StoredState(triplet: Self.sighting((passes, first, last)))
                    switch judge(known, at: Timestamp(seconds: 100_000), under: Rules.sample()).verdict {
                    case .new(let wait), .early(let wait, _): #expect((1...300).contains(wait))
                    case .retried, .known, .autoWhitelisted, .carried, .spared, .released, .pendingLimitReached: break
                    }
                }
            }
        }
    }

    static func sighting(_ numbers: (UInt32, Int64, Int64)) -> Sighting {
        Sighting(passes: numbers.0, first: Timestamp(seconds: numbers.1), last: Timestamp(seconds: numbers.2))
    }
}
