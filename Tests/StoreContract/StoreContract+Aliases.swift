import Greylist
import SampleOptions
import Storage

/// A triplet that has more keys than one: a sender who comes from another address is found by another of them.
extension StoreContract {
    static let aliases: [StoreContract] = [
        StoreContract(description: "a first attempt is remembered under every key, and a retry passes by any of them") {
            store in
            try expect(try await store.ask("a1", aliases: ["n", "o"], at: 1_000), .new(wait: 300))
            try expect(try await store.ask("a2", aliases: ["n", "o2"], at: 1_100), .early(wait: 200, delay: 100))
            try expect(try await store.ask("a3", aliases: ["o"], at: 1_400), .retried(delay: 400))
            // What was missing at the early attempt has the time of the first one.
            try expect(try await store.ask("a4", aliases: ["o2"], at: 1_401), .retried(delay: 401))
            for (triplet, aliases) in [("a3", []), ("a4", []), ("a5", ["o"]), ("a6", ["n9", "o2"])] {
                try expect(try await store.ask(triplet, aliases: aliases, at: 1_402), .known)
            }
            // A pass by one key is none for those who share only another.
            try expect(try await store.ask("a7", aliases: ["n"], at: 1_250), .early(wait: 50, delay: 250))
        },
        StoreContract(description: "whatever the keys of a triplet have, it is judged and remembered by all of them") {
            store in
            try await tryEveryState(of: store)
        },
        StoreContract(
            description: "a preliminary query writes nothing for a sender who has to wait, and all for another"
        ) {
            store in
            func ask(_ triplet: String, _ aliases: [String] = [], at time: Int64) async throws -> Verdict? {
                var query = query(triplet, aliases: aliases, at: time)
                query.isPreliminary = true
                return try await store.answer([query])[0].judgement?.verdict
            }
            try expect(try await ask("a", ["n"], at: 1_000), .new(wait: 300))
            try expect(try await store.everything(in: .greylist).count, 0)
            try expect(try await store.ask("a", aliases: ["n"], at: 1_000), .new(wait: 300))
            try expect(try await ask("b", ["n"], at: 1_100), .early(wait: 200, delay: 100))
            try expect(try await store.everything(in: .greylist).count, 2)
            try expect(try await ask("c", ["n"], at: 1_300), .retried(delay: 300))
            try expect(try await store.everything(in: .greylist).count, 3)
            try expect(try await ask("c", at: 1_301), .known)
            // Alone as well, where a store might write without reading before.
            try expect(try await ask("d", at: 1_000), .new(wait: 300))
            try expect(try await ask("d", at: 1_001), .new(wait: 300))
        },
        StoreContract(description: "a known triplet writes its aliases where its use is recorded, not before") {
            store in
            for time: Int64 in [1_000, 1_400] { _ = try await store.ask("a", at: time) }
            try expect(try await store.ask("a", aliases: ["n"], at: 1_500), .known)
            try expect(try await store.everything(in: .greylist).count, 1)
            try expect(try await store.ask("a", aliases: ["n"], at: 1_400 + 94_501), .known)
            let last = try await store.everything(in: .greylist).map(\.sighting.last)
            try expect(last, [Timestamp](repeating: Timestamp(seconds: 1_400 + 94_501), count: 2))
        },
        StoreContract(description: "entries under all keys count as pending, those of the network alone by it") {
            store in
            let rules = Rules.sample(maxPending: 1_000, maxPendingPerNetwork: 2)
            for number in 0..<2 {
                let verdict = try await store.ask(
                    "a \(number)", aliases: ["n \(number)", "o \(number)"], network: 7, at: 1_000, under: rules)
                try expect(verdict, .new(wait: 300))
            }
            try expect(
                try await store.ask("b", aliases: ["m"], network: 7, at: 1_000, under: rules),
                .pendingLimitReached(wait: 300))
            // Found by an alias it isn't one more.
            try expect(
                try await store.ask("c", aliases: ["n 0"], network: 7, at: 1_000, under: rules),
                .early(wait: 300, delay: 0))
            // Their places are free when they have passed.
            for number in 0..<2 {
                _ = try await store.ask("a \(number)", aliases: ["n \(number)"], network: 7, at: 1_400, under: rules)
            }
            let few = Rules.sample(maxPending: 6)
            for number in 0..<4 {
                let time = 10_000 + 100 * Int64(number)
                let verdict = try await store.ask(
                    "d \(number)", aliases: ["dn \(number)", "do \(number)"], at: time, under: few)
                try expect(verdict, .new(wait: 300))
            }
            // There is room for two of the four with their three keys; the oldest have been dropped.
            try expect(try await store.ask("d 0", aliases: ["dn 0"], at: 10_301, under: few), .new(wait: 300))
        },
        StoreContract(description: "many from different addresses at once all pass by a key that they share") { store in
            _ = try await store.ask("a", aliases: ["o"], at: 1_000)
            let verdicts = try await withThrowingTaskGroup(of: Verdict?.self) { group in
                for number in 0..<60 {
                    group.addTask { try await store.ask("a \(number)", aliases: ["o"], at: 1_400) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try expect(verdicts.allSatisfy { $0 == .retried(delay: 400) || $0 == .known }, true)
            try expect(verdicts.contains(.retried(delay: 400)), true)
            let left = try await store.everything(in: .greylist).filter(\.sighting.isPending)
            try expect(left.map(\.key), [query("a", at: 0).lookups[0].key])
        },
    ]

    /// What a key may have.
    private enum State: CaseIterable {
        case nothing, young, old, expired, passed, unrecorded

        static let now: Int64 = 1_000_000

        var sighting: Sighting? {
            let (passes, age): (UInt32, Int64)
            switch self {
            case .nothing: return nil
            case .young: (passes, age) = (0, 100)
            case .old: (passes, age) = (0, 400)
            case .expired: (passes, age) = (0, 172_801)
            case .passed: (passes, age) = (1, 500)
            case .unrecorded: (passes, age) = (1, 94_501)
            }
            let time = Timestamp(seconds: Self.now - age)
            return Sighting(passes: passes, first: time, last: time)
        }

        var hasPassed: Bool { self == .passed || self == .unrecorded }
    }

    private static func tryEveryState(of store: any Store) async throws {
        for first in State.allCases {
            for second in State.allCases {
                for third in State.allCases {
                    do {
                        try await tryKeys([first, second, third], in: store)
                    } catch let broken as Broken {
                        throw Broken(description: "\(first), \(second), \(third): \(broken)")
                    }
                }
            }
        }
    }

    private static func tryKeys(_ states: [State], in store: any Store) async throws {
        let now = Timestamp(seconds: State.now)
        let names = states.indices.map { "\(states) \($0)" }
        let question = query(names[0], aliases: Array(names.dropFirst()), at: State.now)
        let keys = question.lookups.map(\.key)
        let entries = zip(keys, states).compactMap { key, state in state.sighting.map { Entry(key: key, sighting: $0) }
        }
        try await store.merge(entries, into: .greylist, at: now, under: Rules.sample())
        let verdict = try await store.answer([question])[0].judgement?.verdict

        let hasPassed = states.contains(where: \.hasPassed)
        let expected: Verdict =
            if hasPassed { .known } else if states.contains(.old) {
                .retried(delay: 400)
            } else if states
                .contains(.young)
            { .early(wait: 200, delay: 100) } else { .new(wait: 300) }
        try expect(verdict, expected)

        let kept = try await store.sightings(of: keys)
        for (state, sighting) in zip(states, kept) {
            switch verdict {
            // Nothing is written; a store may let go of what has expired.
            case .known where states[0] == .passed:
                if state != .expired { try expect(sighting?.isPending, state.sighting?.isPending) }
            case .known, .retried:
                try expect(sighting?.isPending, false)
                try expect(sighting?.last, state == .passed ? state.sighting?.last : now)
            case .early:
                try expect(sighting?.isPending, true)
                try expect(sighting?.first, Timestamp(seconds: State.now - 100))
            default:
                try expect(sighting, Sighting(firstAt: now))
            }
        }
    }
}

extension Store {
    /// What the greylist has under these keys.
    fileprivate func sightings(of keys: [Key]) async throws -> [Sighting?] {
        let all = Dictionary(try await everything(in: .greylist, limit: 1_000).map { ($0.key, $0.sighting) }) { $1 }
        return keys.map { all[$0] }
    }
}
