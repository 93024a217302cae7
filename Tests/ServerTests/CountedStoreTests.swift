import Engine
import Greylist
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SampleOptions
import Storage
import Testing

@testable import Server

/// What is counted of a store that is asked for more than requests.
struct CountedStoreTests {
    private static let now = Timestamp(seconds: 1_000)

    private func ask(_ store: some Store, _ operation: CountedStore.Operation) async throws(StoreError) {
        let key = Key(Array("a".utf8).span, isHashed: true)
        switch operation {
        case .find: _ = try await store.find([key], in: .greylist)
        case .merge:
            let entry = Entry(key: key, sighting: Sighting(firstAt: Self.now))
            try await store.merge([entry], into: .greylist, at: Self.now, under: .sample())
        case .remove: try await store.remove([key], from: .greylist)
        case .expire:
            _ = try await store.expire(.greylist, from: nil, limit: 10, at: Self.now, under: .sample())
        case .scan: _ = try await store.scan(.greylist, from: nil, limit: 10)
        }
    }

    @Test(arguments: CountedStore.Operation.allCases)
    func eachOperationCountsByItsOutcome(_ operation: CountedStore.Operation) async throws {
        let inner = FickleStore(.answers)
        let store = CountedStore(inner, clock: EmbeddedEventLoop())
        for _ in 0..<3 { try await ask(store, operation) }
        // The store of the test has no bad days at scans.
        inner.mood = .fails(StoreError(.unavailable, "away"))
        if operation != .scan {
            await #expect(throws: StoreError(.unavailable, "away")) { try await self.ask(store, operation) }
        }
        let expected = CountedStore.Operation.allCases.map { $0 == operation ? [3, $0 == .scan ? 0 : 1] : [0, 0] }
        #expect(store.operations.map { [$0.succeeded, $0.failed] } == expected)
        #expect(store.operations[operation.rawValue].durations.count == (operation == .scan ? 3 : 4))
        #expect(Set(CountedStore.Operation.allCases.map { "\($0.text)" }).count == 5)
    }

    @Test func anOperationTakesAsLongAsTheStoreDoes() async throws {
        try await withMovedClock { clock in
            let store = CountedStore(SlowStore(clock), clock: clock)
            try await clock.moves(by: .milliseconds(10)) {
                _ = try await store.find([], in: .greylist)
            }
            let durations = store.operations[CountedStore.Operation.find.rawValue].durations
            #expect(durations.count == 1 && durations.sum >= 0.3)
        }
    }

    @Test func requestsAndFiguresGoThroughUncounted() async throws {
        let store = CountedStore(MemoryStore())
        var query = StoreQuery(time: Self.now, rules: .sample())
        query.lookups.append(.init(.triplet, Key(Array("a".utf8).span, isHashed: true)))
        let verdict = NIOLockedValueBox<Verdict?>(nil)
        store.update([query]) { result in
            verdict.withLockedValue { $0 = (try? result.get())?.first?.judgement?.verdict }
        }
        #expect(verdict.withLockedValue(\.self) == .new(wait: 300))
        #expect(try await store.figures().pending.count == 1)
        #expect(try await store.count(.greylist) == 1)
        #expect(store.operations.allSatisfy { $0 == CountedStore.OperationFigures() })
    }
}

/// A store that takes a third of a second to find nothing.
private final class SlowStore: Store {
    private let clock: any EventLoop

    init(_ clock: any EventLoop) {
        self.clock = clock
    }

    func update(_ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void) {
        done(.success(batch))
    }

    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice { ExpiredSlice() }

    func merge(_ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules) async throws(StoreError) {}

    func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        try? await clock.sleep(for: .milliseconds(330))
        return []
    }

    func remove(_ keys: [Key], from table: Table) async throws(StoreError) {}

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        ScannedSlice(entries: [], next: nil)
    }

    func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    func close() async {}
}
