import Greylist
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SampleOptions
import Storage
import StoreContract
import Testing

@testable import RedisClient
@testable import RedisStore

/// Two instances at one database, each command of theirs in every order that there is.
///
/// What is promised of it whatever the order: no retry passes before its time, and none waits that one of its keys would
/// have let pass; nothing that was written is lost.
struct InterleavingTests {
    /// A database, and two instances whose commands wait until they are let through.
    private final class Scene {
        var records: [String: String] = [:]
        private let loop = EmbeddedEventLoop()
        private var waiting: [[(bytes: ByteBuffer, reply: PendingReply)]] = [[], []]
        private(set) var verdicts: [Verdict?] = [nil, nil]

        init(_ records: [String: String]) { self.records = records }

        func ask(_ queries: [StoreQuery]) {
            for (instance, query) in queries.enumerated() {
                let outlet = CommandBatcher.Outlet { [unowned self] bytes, _, reply in
                    waiting[instance].append((bytes, reply))
                } flush: {
                }
                let batcher = CommandBatcher(
                    on: loop, to: outlet,
                    commands: EntryCommands(layout: RedisLayout(keyPrefix: ""), isCluster: false),
                    pending: NIOLockedValueBox(PendingLimiter()))
                let answer = NIOLockedValueBox<Verdict?>(nil)
                UpdateOperation([query], by: batcher) { result in
                    answer.withLockedValue { $0 = (try? result.get())?.first?.judgement?.verdict }
                }.start()
                answers.append(answer)
            }
            loop.run()
        }

        private var answers: [NIOLockedValueBox<Verdict?>] = []

        /// The instances that have a command waiting.
        var ready: [Int] { waiting.indices.filter { !waiting[$0].isEmpty } }

        /// Carries out the first command of an instance.
        func step(_ instance: Int) throws {
            let (bytes, reply) = waiting[instance].removeFirst()
            reply.succeed(try execute(bytes))
            loop.run()
            verdicts = answers.map { $0.withLockedValue { $0 } }
        }

        private func execute(_ bytes: ByteBuffer) throws -> RESPValue {
            var (bytes, decoder) = (bytes, RESPDecoder())
            let words = try #require(try decoder.next(in: &bytes)?.elements?.map { $0.string ?? "" })
            func record(_ key: String) -> RESPValue { records[key].map { .bulk(ByteBuffer(string: $0)) } ?? .null }
            switch words[0] {
            case "GET": return record(words[1])
            case "SET":
                #expect(words[3...4] == ["NX", "GET"])
                defer { if records[words[1]] == nil { records[words[1]] = words[2] } }
                return record(words[1])
            default:
                #expect(words[0] == "EVALSHA")
                let (key, former, new) = (words[3], words[4], words[5])
                guard records[key] ?? "" == former else { return record(key) }
                records[key] = new
                return .integer(1)
            }
        }
    }

    /// An attempt to send: from an address, with a host's name or without, proven or not.
    struct Attempt: Sendable {
        var keys: [String]
        var time: Int64

        var query: StoreQuery {
            StoreContract.query(keys[0], aliases: Array(keys.dropFirst()), isHashed: false, at: time)
        }
    }

    /// What is in the database, and two attempts that come at once.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var records: [String: String] = [:]
        var attempts: [Attempt]
        /// How many of the two pass; nil where that depends on the order.
        var passes: Int?
    }

    private static let (a1, a2, n, o) = ("192.0.2.0/24/s/r", "198.51.100.0/24/s/r", "ptr:h/s/r", "org:s/r")

    static let cases = [
        Case(
            testDescription: "two first attempts from one address",
            attempts: [Attempt(keys: [a1, n, o], time: 1_000), Attempt(keys: [a1, n, o], time: 1_001)], passes: 0),
        Case(
            testDescription: "two first attempts of one organisation from two addresses",
            attempts: [Attempt(keys: [a1, n, o], time: 1_000), Attempt(keys: [a2, n, o], time: 1_000)], passes: 0),
        Case(
            testDescription: "two retries from two other addresses, known by one alias each",
            records: [n: "0,1000", o: "0,1000"],
            attempts: [Attempt(keys: [a1, n], time: 1_400), Attempt(keys: [a2, o], time: 1_400)], passes: 2),
        Case(
            testDescription: "two retries with all keys", records: [a1: "0,1000", n: "0,1000", o: "0,1000"],
            attempts: [Attempt(keys: [a1, n, o], time: 1_400), Attempt(keys: [a1, n, o], time: 1_401)], passes: 2),
        Case(
            testDescription: "a retry from another address, and one from the first",
            records: [a1: "0,1000", o: "0,1000"],
            attempts: [Attempt(keys: [a1, n, o], time: 1_400), Attempt(keys: [a2, n, o], time: 1_400)], passes: 2),
        Case(
            testDescription: "an early retry and one in time", records: [a1: "0,1000", o: "0,1200"],
            attempts: [Attempt(keys: [a1, o], time: 1_400), Attempt(keys: [a2, o], time: 1_400)]),
        Case(
            testDescription: "a known sender from two new addresses", records: [o: "1,1000"],
            attempts: [Attempt(keys: [a1, n, o], time: 1_400), Attempt(keys: [a2, n, o], time: 1_400)], passes: 2),
        Case(
            testDescription: "a known sender whose use is recorded twice at once",
            records: [a1: "1,1000", n: "1,1000", o: "1,1000"],
            attempts: [Attempt(keys: [a1, n, o], time: 200_000), Attempt(keys: [a1, n, o], time: 200_001)], passes: 2),
        Case(
            testDescription: "a first attempt, and one that is known by its host", records: [n: "1,1000"],
            attempts: [Attempt(keys: [a1, o], time: 1_400), Attempt(keys: [a1, n, o], time: 1_400)]),
        Case(
            testDescription: "an alias that is no record", records: [o: ""],
            attempts: [Attempt(keys: [a1, o], time: 1_400), Attempt(keys: [a2, o], time: 1_400)], passes: 0),
    ]

    @Test("Whatever the order of their commands, both get what they are due", arguments: cases)
    func everyOrder(_ scenario: Case) throws {
        var orders = 0
        var choices: [(taken: Int, of: Int)] = []
        repeat {
            let scene = Scene(scenario.records)
            scene.ask(scenario.attempts.map(\.query))
            var step = 0
            while case let ready = scene.ready, !ready.isEmpty {
                if step == choices.count { choices.append((0, ready.count)) }
                try scene.step(ready[choices[step].taken])
                step += 1
                try #require(step < 100)
            }
            try check(scene, scenario)
            orders += 1
            // The next order: the last choice that can be another one is.
            while let last = choices.last, last.taken + 1 == last.of { choices.removeLast() }
            if let last = choices.indices.last { choices[last].taken += 1 }
        } while !choices.isEmpty
        #expect(orders >= 20, "\(orders) orders")
    }

    private func check(_ scene: Scene, _ scenario: Case) throws {
        var passes = 0
        for (attempt, verdict) in zip(scenario.attempts, scene.verdicts) {
            let before = attempt.keys.compactMap { Self.entry(scenario.records[$0]) }
            let isDue = before.contains { $0.count > 0 || attempt.time - $0.time >= 290 }
            switch try #require(verdict) {
            case .new, .early: #expect(!isDue)
            case .retried(let delay):
                passes += 1
                #expect(delay >= 290)
                #expect(before.contains { $0.count == 0 && attempt.time - $0.time >= 290 })
            case .known: passes += 1
            case .autoWhitelisted, .carried, .spared, .released, .pendingLimitReached: Issue.record("\(verdict as Any)")
            }
            // Everything is written, and says at least as much as before.
            for key in attempt.keys {
                let entry = try #require(Self.entry(scene.records[key]) ?? (scenario.records[key] == "" ? (0, 0) : nil))
                if let former = Self.entry(scenario.records[key]) {
                    #expect(former.count == 0 || entry.count >= former.count)
                    #expect(former.count > 0 || entry.count > 0 || entry.time == former.time)
                }
                switch verdict {
                case .retried, .known: #expect(entry.count > 0, "\(key) \(scene.records)")
                default: break
                }
            }
        }
        if let expected = scenario.passes { #expect(passes == expected) }
    }

    private static func entry(_ record: String?) -> (count: Int, time: Int64)? {
        guard let parts = record?.split(separator: ","), parts.count == 2, let count = Int(parts[0]),
            let time = Int64(parts[1])
        else { return nil }
        return (count, time)
    }
}
