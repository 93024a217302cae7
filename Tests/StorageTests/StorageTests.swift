import Greylist
import SampleOptions
import Storage
import StoreContract
import Testing

struct StorageTests {
    @Test(arguments: StoreContract.cases + StoreContract.identities + [StoreContract.networkPlaces])
    func memoryKeepsTheContract(_ promise: StoreContract) async throws {
        try await promise.check(MemoryStore())
    }

    @Test(arguments: StoreContract.cases + StoreContract.identities)
    func aPairKeepsTheContract(_ promise: StoreContract) async throws {
        try await promise.check(JoinedStore(greylist: MemoryStore(), autoWhitelist: MemoryStore()))
    }

    /// The identities apart from the others, and with the auto-whitelist.
    @Test(arguments: StoreContract.cases + StoreContract.identities, [(0, 0, 1), (0, 1, 2), (0, 1, 1)])
    func joinedStoresKeepTheContract(
        _ promise: StoreContract, _ places: (greylist: Int, autoWhitelist: Int, identity: Int)
    ) async throws {
        let stores = (0...max(places.autoWhitelist, places.identity)).map { _ in MemoryStore() }
        try await promise.check(
            JoinedStore(
                stores,
                places: PerTable(
                    greylist: places.greylist, autoWhitelist: places.autoWhitelist, identity: places.identity)))
        for (index, store) in stores.enumerated() {
            if index != places.greylist { #expect(try await store.count(.greylist) == 0) }
            if index != places.autoWhitelist { #expect(try await store.count(.autoWhitelist) == 0) }
            if index != places.identity { #expect(try await store.count(.identity) == 0) }
        }
    }

    @Test func identitiesThatAreOutOfReachKeepNoQueryFromItsAnswer() async throws {
        let (greylist, clients) = (MemoryStore(), MemoryStore())
        let joined = JoinedStore(greylist: greylist, autoWhitelist: clients, identity: FailingStore())
        let together = JoinedStore(
            [greylist, FailingStore()], places: PerTable(greylist: 0, autoWhitelist: 0, identity: 1))
        let rules = Rules.sample(clientCount: 2)
        for store in [joined, together] {
            let text = "\(try await clients.count(.autoWhitelist) ?? 0)"
            #expect(try await store.ask(text, client: "net", at: 1_000, under: rules) == .new(wait: 300))
            #expect(try await store.ask(text, client: "net", at: 1_400, under: rules) == .retried(delay: 400))
            #expect(try await store.find([Key(Array(text.utf8).span, isHashed: true)], in: .greylist)[0]?.passes == 1)
            await #expect(throws: FailingStore.error) { try await store.find([], in: .identity) }
            await #expect(throws: FailingStore.error) { try await store.remove([], from: .identity) }
            await #expect(throws: FailingStore.error) { try await store.checkFiles(at: Timestamp(seconds: 1)) }
        }
        #expect(try await clients.count(.autoWhitelist) == 1)
        #expect(try await greylist.count(.autoWhitelist) == 1)
    }

    @Test(arguments: [false, true])
    func aPairFailsWhenOneOfTheTwoDoes(_ greylistFails: Bool) async throws {
        let pair = JoinedStore(
            greylist: greylistFails ? FailingStore() : MemoryStore(),
            autoWhitelist: greylistFails ? MemoryStore() : FailingStore())
        await #expect(throws: FailingStore.error) {
            try await pair.ask("a", client: "net", at: 1_000, under: Rules.sample(clientCount: 2))
        }
    }

    /// A count that is lost is no reason to take a verdict back that the greylist has kept.
    @Test func aPairAnswersWhenOnlyTheCountingFails() async throws {
        let clients = FailingStore(failsOnlyToCount: true)
        let pair = JoinedStore(greylist: MemoryStore(), autoWhitelist: clients)
        let rules = Rules.sample(clientCount: 2)
        #expect(try await pair.ask("a", client: "net", at: 1_000, under: rules) == .new(wait: 300))
        #expect(try await pair.ask("a", client: "net", at: 1_400, under: rules) == .retried(delay: 400))
        #expect(try await pair.ask("a", client: "net", at: 1_500, under: rules) == .known)
    }

    @Test func joinedStoresSayWhatEachHasOfItsTables() async throws {
        let (greylist, clients, identities) = (MemoryStore(), MemoryStore(), MemoryStore())
        let joined = JoinedStore(greylist: greylist, autoWhitelist: clients, identity: identities)
        for (number, table) in Table.allCases.enumerated() {
            for (other, store) in [greylist, clients, identities].enumerated() {
                let entries = (0...(10 * number + other)).map { index in
                    Entry(
                        key: Key(Array("\(index)".utf8).span, isHashed: true),
                        sighting: Sighting(passes: 1, first: Timestamp(seconds: 1), last: Timestamp(seconds: 1)))
                }
                try await store.merge(entries, into: table, at: Timestamp(seconds: 1), under: .sample())
            }
        }
        _ = try await greylist.ask("a", at: 1_000)
        let figures = try await joined.figures()
        #expect(Table.allCases.map { figures.entries[$0] } == [2, 12, 23])
        #expect(figures.files == nil && figures.pending.count == 1)
        let half = JoinedStore(greylist: greylist, autoWhitelist: FailingStore())
        #expect(try await half.figures().entries[.autoWhitelist] == nil)
    }

    @Test func aStoreWithoutRoomCountsWhatItDoesNotRemember() async throws {
        let store = MemoryStore(capacity: 4)
        for number in 0..<4 {
            for time: Int64 in [1_000, 1_400] { _ = try await store.ask("passed \(number)", at: time) }
        }
        #expect(try await store.figures().entries[.greylist] == 4)
        #expect(try await store.ask("new", at: 1_500) == .pendingLimitReached(wait: 300))
        #expect(try await store.figures().pending.dropped == [1, 0, 0])
    }

    /// One that stands in for another must not be full for good.
    @Test func aSmallStoreForgetsTheOldestFirstAttempts() async throws {
        let store = MemoryStore(capacity: 10)
        for number in 0..<3 {
            for time: Int64 in [1_000, 1_400] { _ = try await store.ask("passed \(number)", at: time) }
        }
        for number in 0..<50 {
            #expect(try await store.ask("new \(number)", at: 2_000 + 10 * Int64(number)) == .new(wait: 300))
        }
        #expect(try await store.everything(in: .greylist).count <= 10)
        for number in 0..<3 { #expect(try await store.ask("passed \(number)", at: 2_600) == .known) }
    }

    /// The text of the key, and the digest that the original would file it under.
    @Test func keysAreTheDigestsOfTheOriginal() {
        let text = Array("192.0.2.0/24/a@example.org/u@example.com".utf8)
        let digest: [UInt8] = [
            0x4b, 0x39, 0x0c, 0x07, 0x91, 0x20, 0xab, 0x14, 0x6d, 0xd2, 0x14, 0xa5, 0x68, 0x80, 0xeb, 0x0c, 0x99, 0xd6,
            0x0a, 0x3a,
        ]
        #expect(Key(text.span, isHashed: true).bytes == digest)
        #expect(Key(text.span, isHashed: false).bytes == text)
    }
}

/// A store that is out of reach.
struct FailingStore: Store {
    static let error = StoreError(.unavailable, "out of reach")

    private let inner = MemoryStore()
    private let failsOnlyToCount: Bool

    init(failsOnlyToCount: Bool = false) {
        self.failsOnlyToCount = failsOnlyToCount
    }

    func update(_ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void) {
        if failsOnlyToCount, !batch.contains(where: { $0.settled != nil }) {
            inner.update(batch, done: done)
        } else {
            done(.failure(Self.error))
        }
    }

    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        throw Self.error
    }

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        throw Self.error
    }

    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        throw Self.error
    }

    func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        throw Self.error
    }

    func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        throw Self.error
    }

    func checkFiles(at now: Timestamp) async throws(StoreError) {
        throw Self.error
    }

    func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    func close() async {}
}
