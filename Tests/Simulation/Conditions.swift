import Engine
import Greylist
import SampleOptions
import TestSupport

/// What lies under the daemons of a world.
public enum GroundKind: String, Sendable, CaseIterable {
    /// One store that answers in one step, over a network.
    case store
    /// LMDB behind its journal, on a disk: three event loops of one daemon.
    case journal
    /// Redis behind Sentinels, over a network.
    case redis
}

/// What is settled for a world: what lies under its daemons, their options, and how much goes wrong.
struct Conditions: Sendable {
    /// How much goes wrong.
    enum Weather: Sendable {
        case calm, usual, rough
    }

    /// The store's part of `requestDeadline`, as the daemon works it out: it is asked twice, and the table of identities once, for
    /// half as long.
    static let storeDeadline: Int64 = 1_600
    static let dnsBudget: Int64 = 1_000
    /// Each request is answered by then, in milliseconds.
    static let requestDeadline: Int64 = 5_000

    let ground: GroundKind
    let weather: Weather
    let rules: Rules
    let lane: FastLaneRules
    let defersOnStoreError: Bool
    let hasFallback: Bool
    /// Whether clocks are set while the daemons run.
    let setsClocks: Bool
    /// After how many milliseconds an answer is on disk; nil: before it is given.
    let syncInterval: Int64?
    /// The time between two waves of mail, in milliseconds.
    let lull: ClosedRange<Int64>

    init(ground: GroundKind, using random: inout SeededRandom) {
        self.ground = ground
        weather = random.happens(50) ? .calm : random.happens(600) ? .usual : .rough
        let delay: Int64 = random.happens(700) ? 300 : random.happens(500) ? 60 : 20
        rules = .sample(
            delay: delay, retryWindow: random.happens(500) ? 14_400 : 172_800,
            maxAge: random.happens(500) ? 86_400 : 3_024_000,
            clientCount: random.happens(300) ? 4 : 0,
            maxPendingPerNetwork: random.happens(250) ? 6 : 5_000)
        lane = .sample(
            lane: random.happens(200) ? .off : random.happens(300) ? .correspondents : .all, earnDays: 2,
            earnRecipients: 2, earnUsers: 3)
        defersOnStoreError = random.happens(300)
        hasFallback = random.happens(600)
        setsClocks = random.happens(250)
        syncInterval = random.happens(500) ? nil : 1_000 * Int64.random(in: 1...20, using: &random)
        lull = ground == .redis || random.happens(500) ? 60_000...1_800_000 : 600_000...21_600_000
    }

    /// The options of the daemons.
    var options: PolicyEngine.Options {
        var options = PolicyEngine.Options.sample()
        options.rules = rules
        options.identity = .spf
        options.fastLane = lane
        options.defersOnStoreError = defersOnStoreError
        return options
    }

    /// In a line.
    var summary: String {
        let durability = ground == .journal ? syncInterval.map { ", interval \($0 / 1_000) s" } ?? ", commit" : ""
        return
            "\(ground.rawValue)\(durability), \(weather) weather, delay \(rules.delay) s, window \(rules.retryWindow) s, "
            + "age \(rules.maxAge) s, \(rules.clientCount) for the auto-whitelist, \(rules.maxPendingPerNetwork) pending a network, "
            + "lane \(lane.lane), fallback \(hasFallback), defers \(defersOnStoreError), clocks set \(setsClocks)"
    }
}

extension SeededRandom {
    /// Whether something happens that happens so many times in a thousand.
    mutating func happens(_ perMille: Int) -> Bool { Int.random(in: 0..<1_000, using: &self) < perMille }
}
