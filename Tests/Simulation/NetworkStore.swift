import Greylist

@testable import Storage

/// A store that all daemons share, and the network between: it does what it is asked in one step, and keeps everything.
final class CentralStore: Ground {
    /// What becomes of what comes to it.
    private enum Mood {
        case answers
        /// Nothing is heard of it.
        case hangs
        case refuses(StoreError)
    }

    fileprivate let world: World
    private var tables = MemoryTables(capacity: .max)
    private var mood = Mood.answers
    /// Daemons that the network is broken to.
    private var cutOff: Set<Int> = []
    /// How long a message takes, in microseconds.
    private var latency: ClosedRange<Int64> = 50...2_000
    /// How many messages of a thousand get lost.
    private var loss = 0

    init(in world: World) { self.world = world }

    let daemons = 3
    let loops = 1
    let promisesAliases = true

    func open(_ daemon: Daemon, loops: Int) throws -> Opening {
        let link = StoreLink(to: self, from: daemon.number)
        return Opening(stores: Array(repeating: link, count: loops), rest: link) { link.end() }
    }

    func end() {}

    var faults: [Fault] {
        [
            Fault("the store hangs") {
                self.mood = .hangs
            } end: {
                self.mood = .answers
            },
            Fault("the store is down") {
                self.mood = .refuses(StoreError(.unavailable, "connection refused"))
            } end: {
                self.mood = .answers
            },
            Fault("the store is full") {
                self.mood = .refuses(StoreError(.writeRefused, "the disk is full"))
            } end: {
                self.mood = .answers
            },
            Fault("the network to daemon 1 is broken") {
                self.cutOff.insert(1)
            } end: {
                self.cutOff.remove(1)
            },
            Fault("daemons 0 and 2 are cut off from the store") {
                self.cutOff = [0, 2]
            } end: {
                self.cutOff = []
            },
            Fault("messages to the store get lost") {
                self.loss = 150
            } end: {
                self.loss = 0
            },
            Fault("messages to the store are slow") {
                self.latency = 50...2_500_000
            } end: {
                self.latency = 50...2_000
            },
        ]
    }

    /// Whether a message arrives now.
    private func arrives(_ daemon: Int) -> Bool { !cutOff.contains(daemon) && !world.happens(loss) }

    /// Carries something out there, and brings the answer back; perhaps one of them gets lost.
    fileprivate func carryOut<Answer>(
        from daemon: Int, _ act: @escaping (inout MemoryTables) -> Answer,
        done: @escaping (Result<Answer, StoreError>) -> Void
    ) {
        if case .refuses(let error) = mood {
            return world.after(microseconds: world.draw(latency)) { done(.failure(error)) }
        }
        // Whoever hears nothing gives up some time.
        var isDone = false
        func finish(_ result: Result<Answer, StoreError>) {
            guard !isDone else { return }
            isDone = true
            done(result)
        }
        guard arrives(daemon) else {
            return world.after(5_000) { finish(.failure(StoreError(.unavailable, "no answer within 5 s"))) }
        }
        world.after(microseconds: world.draw(latency)) { [self] in
            if case .hangs = mood {
                return world.after(5_000) { finish(.failure(StoreError(.unavailable, "no answer within 5 s"))) }
            }
            let answer = act(&tables)
            guard arrives(daemon) else {
                return world.after(5_000) { finish(.failure(StoreError(.unavailable, "no answer within 5 s"))) }
            }
            world.after(microseconds: world.draw(latency)) { finish(.success(answer)) }
        }
    }
}

/// The way of one daemon to it.
private final class StoreLink: Store, @unchecked Sendable {  // guarded by: the thread of its world
    private let central: CentralStore
    private let daemon: Int
    private var isOver = false

    init(to central: CentralStore, from daemon: Int) { (self.central, self.daemon) = (central, daemon) }

    func end() { isOver = true }

    func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        let batch = batch
        central.carryOut(from: daemon) { tables in
            var batch = batch
            for index in batch.indices { tables.answer(&batch[index]) }
            return batch
        } done: {
            done($0)
        }
    }

    private func exchange<Answer: Sendable>(
        _ act: @escaping (inout MemoryTables) -> Answer
    ) async throws(StoreError) -> Answer {
        let result: Result<Answer, StoreError> = await withUnsafeContinuation { continuation in
            central.carryOut(from: daemon, act) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        try await exchange { tables in keys.map { tables[table].kept[$0]?.sighting } }
    }

    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        try await exchange { tables in for entry in entries { tables.merge(entry, into: table, at: now, under: rules) }
        }
    }

    func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        try await exchange { $0.remove(keys, from: table) }
    }

    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice { ExpiredSlice() }

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        ScannedSlice(entries: [], next: nil)
    }

    func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    func close() async {}
}
