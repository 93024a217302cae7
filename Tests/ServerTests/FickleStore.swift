import Greylist
import NIOConcurrencyHelpers
import Storage
import Testing

/// A store in memory that does what a test tells it to.
final class FickleStore: Store {
    /// What becomes of what it is asked.
    enum Mood: Sendable {
        case answers
        /// Refuses whole batches, slices and all.
        case fails(StoreError)
        /// Refuses each query of a batch by itself.
        case faults(StoreError)
        /// Decides, and keeps the answers back until it is told to release them.
        case holds
        /// Never answers.
        case loses
    }

    private struct State: Sendable {
        var mood: Mood
        var asked = 0
        var held: [@Sendable () -> Void] = []
    }

    /// What it knows.
    let inner = MemoryStore()
    /// Tells of each batch that it is given; for one reader.
    let batches: AsyncStream<Void>
    private let newBatch: AsyncStream<Void>.Continuation
    private let state: NIOLockedValueBox<State>

    init(_ mood: Mood) {
        state = NIOLockedValueBox(State(mood: mood))
        (batches, newBatch) = AsyncStream.makeStream()
    }

    var mood: Mood {
        get { state.withLockedValue { $0.mood } }
        set { state.withLockedValue { $0.mood = newValue } }
    }

    /// How many batches it was given.
    var asked: Int { state.withLockedValue { $0.asked } }
    /// How many answers it keeps back.
    var held: Int { state.withLockedValue { $0.held.count } }

    /// Gives one of the answers that were kept back, by default the oldest.
    func releaseOne(at index: Int = 0) {
        let answer = state.withLockedValue { state in
            state.held.indices.contains(index) ? state.held.remove(at: index) : nil
        }
        if let answer { answer() } else { Issue.record("the store keeps no such answer back") }
    }

    /// Gives the answers that were kept back, and answers at once from now on.
    func release() {
        let held = state.withLockedValue { state in
            defer { state.held = [] }
            state.mood = .answers
            return state.held
        }
        for answer in held { answer() }
    }

    func update(_ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void) {
        let mood = state.withLockedValue { state in
            state.asked += 1
            return state.mood
        }
        switch mood {
        case .answers: inner.update(batch, done: done)
        case .fails(let fault): done(.failure(fault))
        case .faults(let fault):
            for index in batch.indices { batch[index].error = fault }
            done(.success(batch))
        case .holds:
            let answered = inner.decide(batch)
            state.withLockedValue { $0.held.append { done(.success(answered)) } }
        case .loses: break
        }
        newBatch.yield()
    }

    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        try refuse()
        return try await inner.expire(table, from: cursor, limit: limit, at: now, under: rules)
    }

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        try await inner.scan(table, from: cursor, limit: limit)
    }

    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        try refuse()
        if case .loses = mood { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
        try await inner.merge(entries, into: table, at: now, under: rules)
    }

    func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        try refuse()
        return try await inner.find(keys, in: table)
    }

    func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        try refuse()
        try await inner.remove(keys, from: table)
    }

    func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    func close() async {}

    private func refuse() throws(StoreError) {
        if case .fails(let fault) = mood { throw fault }
        if case .faults(let fault) = mood { throw fault }
    }
}
