import Greylist
import Policy
import SampleOptions
import Storage
import Testing

@testable import Engine

@Suite("Networks from which mail of an organisation waits")
struct PendingNetworksTests {
    private static let window: Int64 = 172_800
    private static let start = PolicyEngineTests.now

    private static func later(_ seconds: Int64) -> Timestamp { Timestamp(seconds: start.seconds + seconds) }

    private static func name(_ number: Int) -> [UInt8] { Array("\(number).example".utf8) }

    /// What is kept where mail of an organisation waits from networks 1 to a number, a second apart.
    private static func counted(_ networks: Int, loops: Int = 1) -> PendingNetworks {
        var pending = PendingNetworks(loops: loops)
        for network in 0..<networks {
            pending.noteWaiting(
                name(0), from: UInt32(network + 1), at: later(Int64(network)), window: window)
        }
        return pending
    }

    private static func standing(
        _ pending: inout PendingNetworks, from network: UInt32, after seconds: Int64
    ) -> PendingNetworks.Standing {
        pending.standing(of: name(0), from: network, at: later(seconds), window: window)
    }

    @Test(
        "24 networks may have mail waiting; the next one is limited, and then all are",
        arguments: [
            (0, 1, .waiting), (23, 24, .waiting), (24, 24, .waiting), (24, 1, .waiting), (24, 25, .limited),
            (25, 1, .limited), (25, 25, .limited), (60, 61, .limited),
        ] as [(Int, UInt32, PendingNetworks.Standing)])
    func limit(_ networks: Int, _ network: UInt32, _ expected: PendingNetworks.Standing) {
        var pending = Self.counted(networks)
        #expect(Self.standing(&pending, from: network, after: 100) == expected)
        #expect(pending.standing(of: Self.name(1), from: network, at: Self.later(100), window: Self.window) == .waiting)
    }

    @Test("A window ends when the retry window after its first attempt is over, and the next one counts from nothing")
    func windows() {
        var pending = Self.counted(25)
        for seconds: Int64 in [-Self.window, 0, Self.window] {
            #expect(Self.standing(&pending, from: 1, after: seconds) == .limited)
        }
        // The last is of a clock that was set far back.
        for seconds in [Self.window + 1, -Self.window - 1] {
            #expect(Self.standing(&pending, from: 1, after: seconds) == .waiting)
        }
        pending.noteWaiting(Self.name(0), from: 99, at: Self.later(Self.window + 1), window: Self.window)
        #expect(pending.networkCount == 1)
        #expect(Self.standing(&pending, from: 1, after: Self.window + 2) == .waiting)
    }

    @Test("A pass lifts the limit, and no more networks count")
    func passes() {
        var pending = Self.counted(25)
        pending.notePass(of: Self.name(0), at: Self.later(100))
        #expect(Self.standing(&pending, from: 99, after: 100) == .passed)
        pending.noteWaiting(Self.name(0), from: 99, at: Self.later(101), window: Self.window)
        #expect(pending.networkCount == 0)
        #expect(Self.standing(&pending, from: 99, after: 2 * Self.window) == .passed)
    }

    @Test("A pass without a proof lifts it where that network has mail waiting with one")
    func unprovenPasses() {
        var pending = Self.counted(25)
        pending.notePass(ofUnproven: Self.name(0), from: 25, at: Self.later(100))
        pending.notePass(ofUnproven: Self.name(1), from: 1, at: Self.later(100))
        #expect(Self.standing(&pending, from: 1, after: 100) == .limited)
        #expect(pending.count == 1)
        pending.notePass(ofUnproven: Self.name(0), from: 24, at: Self.later(100))
        #expect(Self.standing(&pending, from: 1, after: 100) == .passed)
    }

    @Test(
        "No more organisations are kept than all loops may keep together, and no more networks of each",
        arguments: [1, 4])
    func bounds(_ loops: Int) {
        let share = PendingNetworks.organisationLimit / loops
        var pending = Self.counted(25, loops: loops)
        var most = 0
        for number in 1...2 * share {
            pending.noteWaiting(Self.name(number), from: 1, at: Self.later(100), window: Self.window)
            most = max(most, pending.count)
            // It is come across again and again.
            if number % (share / 4) == 0 { #expect(Self.standing(&pending, from: 1, after: 100) == .limited) }
        }
        #expect(most < share && most > share - 3)
        #expect(pending.networkCount == pending.count - 1 + PendingNetworks.networkLimit)
        // The first ones have been forgotten.
        for number in 2 * share + 1...4 * share {
            pending.noteWaiting(Self.name(number), from: 1, at: Self.later(100), window: Self.window)
        }
        #expect(Self.standing(&pending, from: 1, after: 100) == .waiting)
    }
}

/// The same on the way of a request.
@Suite("An organisation whose mail waits from many networks")
struct ManyNetworksTests {
    /// An engine with a store, at which hosts of one organisation knock.
    private struct Site {
        private let engine: PolicyEngine
        private let store = MemoryStore()
        private var attempt = Attempt()

        init(_ methods: IdentityMethods = .name) throws {
            var options = PolicyEngine.Options.sample()
            options.identity = methods
            engine = try PolicyEngineTests.engine(options)
        }

        /// What becomes of an attempt of a host in the network of that number.
        mutating func ask(_ network: Int, sender: String = "a", to recipient: Int, at time: Int64) throws
            -> DecisionRecord
        {
            let request = try PolicyEngineTests.request([
                ("client_address", "10.0.\(network).1"), ("client_name", "mx\(network).example.org"),
                ("sender", "\(sender)@example.org"), ("recipient", "u\(recipient)@example.com"),
            ])
            let now = Timestamp(seconds: time)
            var message = MessageProgress()
            guard
                case .needsStore(let decision, let query) = engine.decide(
                    request, of: &message, at: now, using: &attempt),
                let judgement = store.decide([query]).first?.judgement
            else { throw Unexpected() }
            let record = engine.settle(decision, by: .judged(judgement), at: now)
            engine.note(record, on: request, at: now, using: &attempt)
            return record
        }
    }

    private struct Unexpected: Error {}

    @Test(
        "Up to 24 networks a retry from elsewhere is known by the organisation, beyond by its host alone",
        arguments: [(2, true), (23, true), (24, true), (25, false), (40, false)])
    func limit(_ networks: Int, _ isKnown: Bool) throws {
        var site = try Site()
        for network in 0..<networks {
            #expect(try site.ask(network, to: network, at: 1_000).reason == .judged(.new(wait: 300)))
        }
        // By another sender only the organisation is the same.
        let other = try site.ask(0, sender: "b", to: 1, at: 1_400)
        let retry = try site.ask(0, to: 1, at: 1_401)
        if isKnown {
            #expect(other.reason == .judged(.retried(delay: 400)))
            #expect(other.identity?.matched == .organisation)
            #expect(retry.reason == .judged(.known))
        } else {
            #expect(other.reason == .judged(.new(wait: 300)))
            #expect(other.identity?.matched == nil)
            #expect(retry.reason == .judged(.retried(delay: 401)))
            #expect(retry.identity?.matched == .host)
        }
        #expect(other.identity?.proof == .name && retry.identity?.proof == .name)
    }

    @Test("The network that is one too many isn't known by the organisation")
    func nextNetwork() throws {
        var site = try Site()
        for network in 0..<24 { _ = try site.ask(network, to: network, at: 1_000) }
        #expect(try site.ask(24, sender: "b", to: 1, at: 1_400).reason == .judged(.new(wait: 300)))
    }

    @Test("A pass under any key lifts the limit for good", arguments: [ClientIdentity.MatchedKey.network, .host])
    func pass(_ key: ClientIdentity.MatchedKey) throws {
        var site = try Site()
        for network in 0..<25 { _ = try site.ask(network, to: network, at: 1_000) }
        #expect(try site.ask(key == .network ? 0 : 1, to: 0, at: 1_400).identity?.matched == key)
        let other = try site.ask(2, sender: "b", to: 1, at: 1_401)
        #expect(other.reason == .judged(.retried(delay: 401)) && other.identity?.matched == .organisation)
        for network in 0..<60 { _ = try site.ask(network, to: 100 + network, at: 1_500) }
        #expect(try site.ask(0, sender: "b", to: 159, at: 2_000).identity?.matched == .organisation)
    }

    @Test("When the window is over the organisation counts again")
    func window() throws {
        var site = try Site()
        for network in 0..<25 { _ = try site.ask(network, to: network, at: 1_000) }
        for (time, matched) in [(1_000 + 172_000, nil), (1_000 + 172_801, .organisation)]
            as [(Int64, ClientIdentity.MatchedKey?)]
        {
            _ = try site.ask(0, to: 50, at: time)
            #expect(try site.ask(1, sender: "b", to: 50, at: time + 400).identity?.matched == matched)
        }
    }

    @Test("Where names prove nothing, nothing is counted")
    func identityOff() throws {
        var site = try Site(.off)
        for network in 0..<25 {
            #expect(try site.ask(network, to: network, at: 1_000).reason == .judged(.new(wait: 300)))
        }
    }
}
