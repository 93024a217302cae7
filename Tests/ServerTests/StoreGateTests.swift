import Engine
import Greylist
import NIOCore
import Policy
import Storage
import Testing

@testable import Server

/// The gate with a clock that is moved, and no store: who asks is a number.
@Suite("The gate to the store")
struct StoreGateTests {
    typealias Gate = StoreGate<Int>

    private static let failure = StoreError(.unavailable, "gone")
    private static let full = StoreError(.writeRefused, "full")

    private let decision: Decision
    private let query: StoreQuery

    init() throws {
        (decision, query) = try #require(try Self.decision())
    }

    /// A decision that needs the store.
    private static func decision() throws -> (Decision, StoreQuery)? {
        var (attempt, message) = (Attempt(), MessageProgress())
        var buffer = ByteBuffer(bytes: ServingTests.request())
        var decoder = PolicyDecoder()
        let request = try #require(try decoder.next(in: &buffer))
        let engine = try ServingTests.engine()
        guard
            case .needsStore(let decision, let query) = engine.decide(
                request, of: &message, at: Timestamp(seconds: 1_000), using: &attempt)
        else { return nil }
        return (decision, query)
    }

    private static func at(_ milliseconds: Int64) -> NIODeadline {
        NIODeadline.uptimeNanoseconds(1_000_000_000) + .milliseconds(milliseconds)
    }

    private static func gate(keepsQueries: Bool = false) -> Gate {
        Gate(timeout: .seconds(2), pauses: .seconds(1)...(.seconds(8)), keepsQueries: keepsQueries)
    }

    /// Takes these to the store as one batch; returns its number.
    private func send(_ origins: [Int], through gate: inout Gate, at now: NIODeadline) throws -> Int {
        for origin in origins {
            let isAdmitted = gate.admit(decision, asking: query, from: origin, at: now)
            #expect(isAdmitted)
        }
        let next = gate.nextBatch(at: now)
        let batch = try #require(next)
        #expect(batch.queries.count == origins.count)
        return batch.number
    }

    private func judged(_ count: Int) -> [StoreQuery] {
        var query = query
        query.judgement = Judgement(.new(wait: 300))
        return [StoreQuery](repeating: query, count: count)
    }

    private static func text(_ answer: Decision.StoreAnswer) -> String {
        switch answer {
        case .judged(let judgement): "\(judgement.verdict)"
        case .unavailable: "unavailable"
        case .full: "full"
        }
    }

    private static func texts(_ settled: Gate.Settled?) -> [String]? {
        settled.map { settled in
            settled.requests.indices.map { "\(settled.requests[$0].origin) \(text(settled.answer(at: $0)))" }
        }
    }

    @Test("sends what came in a turn as one batch, and gives each its answer")
    func batch() throws {
        var gate = Self.gate()
        let seen1 = gate.nextBatch(at: Self.at(0))
        #expect(seen1 == nil)
        #expect(gate.deadline == nil)
        let number = try send([1, 2], through: &gate, at: Self.at(0))
        let seen2 = gate.nextBatch(at: Self.at(0))
        #expect(seen2 == nil)
        #expect(gate.deadline == Self.at(2_000))
        let settled = gate.settle(number, by: .success(judged(2)), at: Self.at(10), jitter: 0)
        #expect(Self.texts(settled) == ["1 new(wait: 300)", "2 new(wait: 300)"])
        #expect(settled?.health == .succeeded)
        #expect(gate.deadline == nil)
    }

    @Test("tells a query that failed from those that were judged")
    func mixed() throws {
        var gate = Self.gate()
        let number = try send([1, 2, 3], through: &gate, at: Self.at(0))
        var queries = judged(3)
        (queries[1].judgement, queries[1].error) = (nil, Self.failure)
        (queries[2].judgement, queries[2].error) = (nil, Self.full)
        let settled = gate.settle(number, by: .success(queries), at: Self.at(10), jitter: 0)
        #expect(Self.texts(settled) == ["1 new(wait: 300)", "2 unavailable", "3 full"])
        #expect(settled?.health == .failed(Self.full))
    }

    @Test("settles a batch once: by its deadline, and a late answer reaches nobody")
    func late() throws {
        var gate = Self.gate()
        let first = try send([1], through: &gate, at: Self.at(0))
        let second = try send([2], through: &gate, at: Self.at(500))
        let seen3 = gate.settleLate(at: Self.at(1_999), jitter: 0)
        #expect(Self.texts(seen3) == nil)
        let settled = gate.settleLate(at: Self.at(2_000), jitter: 0)
        #expect(Self.texts(settled) == ["1 unavailable"])
        #expect(settled?.health == .failed(StoreError(.unavailable, "the store did not answer within 2.0 s")))
        let seen4 = gate.settleLate(at: Self.at(2_000), jitter: 0)
        #expect(Self.texts(seen4) == nil)
        let seen5 = gate.settle(first, by: .success(judged(1)), at: Self.at(2_001), jitter: 0)
        #expect(Self.texts(seen5) == nil)
        #expect(gate.deadline == Self.at(2_500))
        // In time, but the breaker is open: only the probe says that the store is back.
        let other = gate.settle(second, by: .success(judged(1)), at: Self.at(2_002), jitter: 0)
        #expect(Self.texts(other) == ["2 new(wait: 300)"])
        #expect(other?.health == .unchanged)
    }

    @Test("keeps requests from a store that was late, and lets one through as a probe")
    func probe() throws {
        var gate = Self.gate()
        _ = try send([1], through: &gate, at: Self.at(0))
        _ = gate.settleLate(at: Self.at(2_000), jitter: 0)
        let seen6 = gate.admit(decision, asking: query, from: 2, at: Self.at(2_999))
        #expect(!seen6)
        let seen7 = gate.nextBatch(at: Self.at(2_999))
        #expect(seen7 == nil)
        let number = try send([3], through: &gate, at: Self.at(3_000))
        let seen8 = gate.admit(decision, asking: query, from: 4, at: Self.at(3_001))
        #expect(!seen8)
        let settled = gate.settle(number, by: .success(judged(1)), at: Self.at(3_002), jitter: 0)
        #expect(Self.texts(settled) == ["3 new(wait: 300)"])
        #expect(settled?.health == .succeeded)
        let seen9 = gate.admit(decision, asking: query, from: 5, at: Self.at(3_003))
        #expect(seen9)
    }

    @Test("goes on asking a store that can't write", arguments: [true, false])
    func full(_ fails: Bool) throws {
        var gate = Self.gate()
        for round in 0..<20 {
            let number = try send([round], through: &gate, at: Self.at(Int64(round)))
            var queries = judged(1)
            (queries[0].judgement, queries[0].error) = (nil, Self.full)
            let result: Result<[StoreQuery], StoreError> = fails ? .failure(Self.full) : .success(queries)
            let settled = gate.settle(number, by: result, at: Self.at(Int64(round)), jitter: 0)
            #expect(Self.texts(settled) == ["\(round) full"])
        }
    }

    @Test("settles everything at the end")
    func end() throws {
        var gate = Self.gate()
        let first = try send([1, 2], through: &gate, at: Self.at(0))
        _ = try send([3], through: &gate, at: Self.at(1))
        let settled = gate.settleAll()
        #expect(settled.flatMap { Self.texts($0) ?? [] } == ["1 unavailable", "2 unavailable", "3 unavailable"])
        #expect(settled.allSatisfy { $0.health == .unchanged })
        let seen10 = gate.settle(first, by: .success(judged(2)), at: Self.at(2), jitter: 0)
        #expect(Self.texts(seen10) == nil)
        let seen11 = gate.settleAll()
        #expect(seen11.isEmpty)
    }

    @Test("what was asked is kept where somebody else may answer it", arguments: [false, true])
    func keptQueries(_ keeps: Bool) throws {
        var gate = Self.gate(keepsQueries: keeps)
        _ = try send([1, 2], through: &gate, at: Self.at(0))
        let late = gate.settleLate(at: Self.at(2_000), jitter: 0.5)
        let settled = try #require(late)
        #expect(settled.requests.count == 2)
        let kept = settled.requests.indices.map { settled.query(at: $0)?.lookups.first?.key }
        #expect(kept == (keeps ? [query.lookups[0].key, query.lookups[0].key] : [nil, nil]))
    }
}
