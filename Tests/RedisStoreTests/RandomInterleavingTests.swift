import Greylist
import NIOConcurrencyHelpers
import RedisLab
import SampleOptions
import Storage
import StoreContract
import TestSupport
import Testing

@testable import RedisStore

/// Two instances at one database, as two mail exchangers have it: attempts of one sender at random, many at once.
///
/// What is asked follows from the seed; in which order the servers carry it out doesn't, and is another one each time.
@Suite(.serialized) struct RandomInterleavingTests {
    @Test("On one server, whatever comes at once, each gets what it is due", arguments: [2_611_300_917] as [UInt64])
    func onOneServer(_ seed: UInt64) async throws {
        try await withServer(.plain) { server in
            try await play("redis://\(server.host):\(server.port)", seed: seed)
        }
    }

    @Test("In a cluster, whatever comes at once, each gets what it is due", arguments: [2_611_300_918] as [UInt64])
    func inACluster(_ seed: UInt64) async throws {
        try await withCluster { cluster in
            let seedNode = try #require(cluster.servers.first)
            try await play("redis+cluster://\(seedNode.host):\(seedNode.port)", seed: seed)
        }
    }

    private static let rounds = 400
    /// How many senders are under way at once.
    private static let width = 8

    private func play(_ url: String, seed: UInt64) async throws {
        let instances = [try openStore(url), try openStore(url)]
        var random = SeededRandom(seed: seed)
        var answers = 0
        for start in stride(from: 0, to: Self.rounds, by: Self.width) {
            let senders = (start..<start + Self.width).map { Sender(number: $0, using: &random) }
            let histories = try await withThrowingTaskGroup(of: AttemptHistory.self) { group in
                for sender in senders { group.addTask { try await sender.send(to: instances) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for history in histories {
                answers += history.attempts.count
                for complaint in history.complaints { Issue.record("seed \(seed): \(complaint)\n\(history.text)") }
            }
            for history in histories {
                for complaint in try await complaintsAfterwards(about: history, at: instances) {
                    Issue.record("seed \(seed): \(complaint)\n\(history.text)")
                }
            }
        }
        #expect(answers > 6 * Self.rounds)
        for instance in instances { await instance.close() }
    }

    /// When nothing is under way any more, one more attempt passes by each of the keys alone.
    private func complaintsAfterwards(
        about history: AttemptHistory, at instances: [RedisStore]
    ) async throws -> [String] {
        var complaints: [String] = []
        for (number, (key, hasPassed)) in history.lasting.enumerated() {
            let isAlias = !key.contains("net ")
            let verdict = try await instances[number % 2].ask(
                isAlias ? "\(key), a network of its own" : key, aliases: isAlias ? [key] : [], at: Sender.end)
            switch verdict {
            case .known: break
            case .retried(let delay) where delay >= 290 && !hasPassed: break
            default: complaints.append("\(key) at the end: \(verdict.map { "\($0)" } ?? "none")")
            }
        }
        return complaints
    }
}

/// A sender whose mail to one recipient comes from a pool of hosts, at random.
private struct Sender: Sendable {
    /// Late enough for everything.
    static let end: Int64 = 20_000
    /// Around the end of the delay most can go wrong.
    private static let times: [ClosedRange<Int64>] = [0...20, 0...20, 150...300, 285...295, 290...330, 600...700]

    fileprivate struct Draft: Sendable {
        let keys: [String]
        let time: Int64
        /// Whether the last key is found out only for those who would have to wait.
        let asks: Bool
        /// At which of the instances it is.
        let instance: Int

        init(of number: Int, networks: Int, around time: Int, using random: inout SeededRandom) {
            var keys = ["\(number) net \(Int.random(in: 0..<networks, using: &random))"]
            if Bool.random(using: &random) { keys.append("\(number) host \(Int.random(in: 0...1, using: &random))") }
            if keys.count == 1 || Bool.random(using: &random) { keys.append("\(number) organisation") }
            self.keys = keys
            // Some clocks are wrong, or some attempts late.
            let isOff = Int.random(in: 0..<6, using: &random) == 0
            let range = isOff ? 0...700 : Sender.times[time]
            self.time = 10_000 + Int64.random(in: range, using: &random)
            asks = keys.count > 1 && Bool.random(using: &random)
            instance = Int.random(in: 0...1, using: &random)
        }
    }

    /// Attempts that are under way at once; when all are answered, the next ones follow.
    private let waves: [[Draft]]

    init(number: Int, using random: inout SeededRandom) {
        let networks = Int.random(in: 1...5, using: &random)
        waves = Self.times.indices.map { time in
            let size = [1, 1, 2, 3, 6].randomElement(using: &random) ?? 1
            return (0..<size).map { _ in Draft(of: number, networks: networks, around: time, using: &random) }
        }
    }

    /// Sends everything, and returns what became of it.
    func send(to instances: [RedisStore]) async throws -> AttemptHistory {
        let clock = NIOLockedValueBox(0)
        @Sendable func tick() -> Int {
            clock.withLockedValue { time in
                time += 1
                return time
            }
        }
        var attempts: [AttemptHistory.Attempt] = []
        for wave in waves {
            attempts += try await withThrowingTaskGroup(of: AttemptHistory.Attempt.self) { group in
                for draft in wave { group.addTask { try await draft.send(to: instances[draft.instance], tick) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        return AttemptHistory(attempts: attempts.sorted { $0.sent < $1.sent }, rules: .sample())
    }
}

extension Sender.Draft {
    fileprivate func send(
        to store: RedisStore, _ tick: @Sendable () -> Int
    ) async throws -> AttemptHistory.Attempt {
        func ask(_ keys: [String], isPreliminary: Bool) async throws -> AttemptHistory.Attempt {
            var query = StoreContract.query(keys[0], aliases: Array(keys.dropFirst()), at: time)
            query.isPreliminary = isPreliminary
            let sent = tick()
            let answered = try await store.answer([query])[0]
            return try AttemptHistory.Attempt(keys, answered, sent: sent, answered: tick())
        }
        if asks, case let first = try await ask(keys.dropLast(), isPreliminary: true), first.passes { return first }
        return try await ask(keys, isPreliminary: false)
    }
}

extension AttemptHistory {
    fileprivate var text: String { attempts.map(\.description).joined(separator: "\n") }
}
