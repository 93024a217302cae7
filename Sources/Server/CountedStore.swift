public import Engine
public import Greylist
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import Storage

/// A store of which is counted what it is asked for beside requests, how that ended, and how long it took.
///
/// Requests go through it as they are: each event loop counts its own (`ServerFigures.batches`).
public final class CountedStore: Store {
    /// What a store is asked for.
    public enum Operation: Int, Sendable, CaseIterable {
        case find, merge, remove, expire, scan

        /// The operation in the form of a label.
        public var text: StaticString {
            switch self {
            case .find: "find"
            case .merge: "merge"
            case .remove: "remove"
            case .expire: "expire"
            case .scan: "scan"
            }
        }
    }

    /// How often it was asked for an operation; what is under way doesn't count yet.
    public struct OperationFigures: Sendable, Equatable {
        /// How often it did what it was asked for.
        public internal(set) var succeeded = 0
        /// How often it failed.
        public internal(set) var failed = 0
        /// How many seconds it took, whatever came of it.
        public internal(set) var durations = Histogram(.answers)
    }

    private let store: any Store
    private let clock: any EventLoop
    private let counts = NIOLockedValueBox(
        [OperationFigures](repeating: OperationFigures(), count: Operation.allCases.count))

    /// A store that does what that one does.
    public convenience init(_ store: any Store) {
        self.init(store, clock: MultiThreadedEventLoopGroup.singleton.any())
    }

    /// - Parameter clock: by which operations are timed
    init(_ store: any Store, clock: any EventLoop) {
        self.store = store
        self.clock = clock
    }

    /// How often it was asked for what, by ``Operation``; from any thread.
    public var operations: [OperationFigures] { counts.withLockedValue { $0 } }

    private func count<Answer>(
        _ operation: Operation, _ ask: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let start = clock.now
        let result: Result<Answer, StoreError>
        do throws(StoreError) { result = .success(try await ask()) } catch { result = .failure(error) }
        let seconds = Double((clock.now - start).nanoseconds) / 1e9
        counts.withLockedValue { counts in
            if case .success = result {
                counts[operation.rawValue].succeeded += 1
            } else {
                counts[operation.rawValue].failed += 1
            }
            counts[operation.rawValue].durations.observe(seconds)
        }
        return try result.get()
    }

    /// Hands queries on, uncounted.
    public func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        store.update(consume batch, done: done)
    }

    /// Removes what is expired from a slice.
    public func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        try await count(.expire) { () async throws(StoreError) in
            try await store.expire(table, from: cursor, limit: limit, at: now, under: rules)
        }
    }

    /// Reads a slice.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        try await count(.scan) { () async throws(StoreError) in
            try await store.scan(table, from: cursor, limit: limit)
        }
    }

    /// Adds entries.
    public func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        try await count(.merge) { () async throws(StoreError) in
            try await store.merge(entries, into: table, at: now, under: rules)
        }
    }

    /// Looks entries up.
    public func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        try await count(.find) { () async throws(StoreError) in try await store.find(keys, in: table) }
    }

    /// Takes entries away.
    public func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        try await count(.remove) { () async throws(StoreError) in try await store.remove(keys, from: table) }
    }

    /// Has it look at its files, uncounted.
    public func checkFiles(at now: Timestamp) async throws(StoreError) {
        try await store.checkFiles(at: now)
    }

    /// What it says of itself, uncounted.
    public func figures() async throws(StoreError) -> StoreFigures {
        try await store.figures()
    }

    /// How many entries a table has, uncounted.
    public func count(_ table: Table) async throws(StoreError) -> Int? {
        try await store.count(table)
    }

    /// What of it is damaged.
    public var flaw: String? { store.flaw }

    /// Closes it.
    public func close() async {
        await store.close()
    }
}
