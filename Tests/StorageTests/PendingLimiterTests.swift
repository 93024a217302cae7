import Greylist
import SampleOptions
import Storage
import Testing

struct PendingLimiterTests {
    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }

    private static func pending(_ seconds: Int64) -> Sighting { Sighting(firstAt: at(seconds)) }

    @Test func whatIsWrittenAndRemovedIsCounted() {
        let rules = Rules.sample()
        var limiter = PendingLimiter(rules: rules)
        for second: Int64 in 0..<1_000 {
            limiter.add(Self.pending(100_000 + second), network: 3, under: rules)
        }
        #expect(limiter.count == 1_000)
        for second: Int64 in 0..<600 { limiter.remove(Self.pending(100_000 + second), network: 3) }
        #expect(limiter.count == 400)
        let passed = Sighting(passes: 1, first: Self.at(100_700), last: Self.at(101_100))
        limiter.remove(Self.pending(100_700), network: 3)
        limiter.add(passed, network: 3, under: rules)
        limiter.remove(passed, network: 3)
        limiter.add(passed, network: 3, under: rules)
        limiter.remove(passed, network: 3)
        #expect(limiter.count == 399)
    }

    @Test func theOldestAreDroppedAndCountAsGone() {
        let rules = Rules.sample(maxPending: 100)
        var limiter = PendingLimiter(rules: rules)
        for number: Int64 in 0..<150 {
            let now = Self.at(100_000 + 10 * number)
            #expect(limiter.admits(network: 1, at: now, under: rules))
            limiter.add(Sighting(firstAt: now), network: 1, under: rules)
        }
        #expect(limiter.count == 100)
        #expect(limiter.droppedCount == 50)
        #expect(limiter.hasDropped(Self.pending(100_000 + 10 * 49)))
        #expect(!limiter.hasDropped(Self.pending(100_000 + 10 * 50)))
        #expect(!limiter.hasDropped(Sighting(passes: 1, first: Self.at(0), last: Self.at(0))))
        for number: Int64 in 0..<50 { limiter.remove(Self.pending(100_000 + 10 * number), network: 1) }
        #expect(limiter.droppedCount == 0)
        #expect(limiter.count == 100)
    }

    @Test func whatIsTakenBackWasNeverThere() {
        let rules = Rules.sample(maxPendingPerNetwork: 2)
        var limiter = PendingLimiter(rules: rules)
        limiter.add(Self.pending(100_000), network: 1, under: rules)
        limiter.commit()
        limiter.add(Self.pending(100_001), network: 1, under: rules)
        limiter.remove(Self.pending(100_000), network: 1)
        limiter.add(Self.pending(100_002), network: 1, under: rules)
        #expect(!limiter.admits(network: 1, at: Self.at(100_003), under: rules))
        limiter.rollBack()
        #expect(limiter.count == 1)
        #expect(limiter.admits(network: 1, at: Self.at(100_003), under: rules))
    }

    /// A window that is no multiple of a slot, from its first to its last second.
    @Test(arguments: [60, 65_535, 65_536, 131_069, 131_071, 172_800] as [Int64])
    func theWholeRetryWindowIsCounted(_ window: Int64) {
        let rules = Rules.sample(delay: 1, retryWindow: window)
        for start: Int64 in 1_000_000..<1_000_004 {
            var limiter = PendingLimiter(rules: rules)
            limiter.add(Self.pending(start), network: 1, under: rules)
            limiter.add(Self.pending(start + window), network: 1, under: rules)
            #expect(limiter.count == 2)
        }
    }

    @Test func olderThanTheRetryWindowIsForgotten() {
        let rules = Rules.sample(maxPendingPerNetwork: 1)
        var limiter = PendingLimiter(rules: rules)
        limiter.add(Self.pending(100_000), network: 1, under: rules)
        #expect(!limiter.admits(network: 1, at: Self.at(100_000 + 172_800), under: rules))
        #expect(limiter.admits(network: 1, at: Self.at(100_000 + 2 * 172_800), under: rules))
        limiter.add(Self.pending(100_000 + 2 * 172_800), network: 2, under: rules)
        #expect(limiter.count == 1)
    }

    /// Clocks step, records are damaged: counts may be off for a while, but nothing breaks and everybody gets a place.
    @Test func anyTimeIsTaken() {
        let rules = Rules.sample(maxPending: 3, maxPendingPerNetwork: 2)
        var limiter = PendingLimiter(rules: rules)
        for seconds: Int64 in [0, .max, .min, 1, 1 << 60, -1, 5_000_000_000, 100_000, 172_800, 0, .max - 1] {
            limiter.count(Self.pending(seconds), network: 7, at: Self.at(100_000), under: rules)
            limiter.add(Self.pending(seconds), network: 8, under: rules)
            limiter.remove(Self.pending(seconds), network: 7)
            limiter.commit()
        }
        let now = Self.at(1_800_000_000)
        #expect(limiter.admits(network: 9, at: now, under: rules))
        limiter.add(Sighting(firstAt: now), network: 9, under: rules)
        #expect((1...3).contains(limiter.count))
    }

    @Test func manyNetworksAreHardlyConfused() {
        let rules = Rules.sample(maxPendingPerNetwork: 50)
        var limiter = PendingLimiter(rules: rules)
        for network: UInt32 in 1...200_000 {
            let tag = Network(Address(ipv4: network << 8), prefixLength: 24).tag
            limiter.add(Self.pending(100_000), network: tag, under: rules)
        }
        let confused = (1...200_000 as ClosedRange<UInt32>).filter { network in
            let tag = Network(Address(ipv4: network << 8), prefixLength: 24).tag
            return !limiter.admits(network: tag, at: Self.at(100_001), under: rules)
        }
        #expect(confused.isEmpty)
    }
}
