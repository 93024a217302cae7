import Foundation
import Greylist
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SampleOptions
import Storage
import Testing

@testable import Server

/// What maintenance removes, and what it says.
struct MaintenanceTests {
    private let recorder = LogRecorder()

    private func maintenance(
        of store: any Store, _ tables: [Table] = [.greylist], clock: any EventLoop,
        now: Timestamp = Timestamp(seconds: 1_000_000), checksClock: Bool = false,
        isStoreUnavailable: @escaping @Sendable () -> Bool = { false },
        isClockDoubtful: @escaping @Sendable () -> Bool = { false }
    ) -> Maintenance {
        Maintenance(
            store: store,
            options: Maintenance.Options(tables: tables, rules: Rules.sample(), interval: .seconds(3_600)),
            delay: .seconds(60), now: { now }, clock: clock, isStoreUnavailable: isStoreUnavailable,
            isClockDoubtful: isClockDoubtful, checksClock: checksClock, logger: recorder.logger())
    }

    /// The lines so far, without the figures of time.
    private var told: [String] {
        recorder.lines.map { $0.replacing(/, [0-9.]+ s$/, with: "") }
    }

    private func fill(_ store: some Store, expired: Int, living: Int) async throws {
        let entries = (0..<expired + living).map { number in
            let text = Array("192.0.2.0/24 s\(number)@example.org u@example.com".utf8)
            let first = Timestamp(seconds: number < expired ? 0 : 1_000_000)
            return Entry(key: Key(text.span, isHashed: true), sighting: Sighting(firstAt: first))
        }
        try await store.merge(entries, into: .greylist, at: Timestamp(seconds: 0), under: Rules.sample())
    }

    @Test func eachTableIsReported() async throws {
        let store = MemoryStore()
        try await fill(store, expired: 3_000, living: 500)
        try await withMovedClock { clock in
            let maintenance = maintenance(of: store, Table.allCases, clock: clock)
            await clock.moves { await maintenance.pass() }
        }
        #expect(
            told == [
                "info maintenance of the greylist: 3500 entries looked at, 3000 removed",
                "info maintenance of the auto-whitelist: 0 entries looked at, 0 removed",
                "info maintenance of the identities: 0 entries looked at, 0 removed",
            ])
        #expect(try await store.scan(.greylist, from: nil, limit: .max).entries.count == 500)
    }

    @Test func aFaultIsWarnedOfOnceUntilItIsAnotherOneOrWasAway() async throws {
        let store = FickleStore(.fails(StoreError(.unavailable, "no disk")))
        try await withMovedClock { clock in
            let maintenance = maintenance(of: store, clock: clock)
            await clock.moves {
                for _ in 0..<3 { await maintenance.pass() }
                store.mood = .fails(StoreError(.writeRefused, "no room"))
                for _ in 0..<3 { await maintenance.pass() }
                store.mood = .answers
                await maintenance.pass()
                store.mood = .fails(StoreError(.writeRefused, "no room"))
                await maintenance.pass()
            }
        }
        #expect(
            told == [
                "warning maintenance of the greylist failed: no disk",
                "warning maintenance of the greylist failed: no room",
                "info maintenance of the greylist: 0 entries looked at, 0 removed",
                "warning maintenance of the greylist failed: no room",
            ])
    }

    @Test func aStoreThatIsAwayIsLeftAlone() async throws {
        let store = MemoryStore()
        try await fill(store, expired: 10, living: 0)
        try await withMovedClock { clock in
            let maintenance = maintenance(of: store, clock: clock, isStoreUnavailable: { true })
            await clock.moves { await maintenance.pass() }
        }
        #expect(told.isEmpty)
        #expect(try await store.scan(.greylist, from: nil, limit: .max).entries.count == 10)
    }

    /// A clock that is a year ahead for a moment must not empty a database.
    @Test func nothingIsRemovedWhileTheClockIsInDoubt() async throws {
        let store = MemoryStore()
        try await fill(store, expired: 3_000, living: 10)
        let looks = NIOLockedValueBox(0)
        let doubt: @Sendable () -> Bool = {
            looks.withLockedValue { looks in
                looks += 1
                // In the midst of the pass, and all the while during the second one.
                return looks > 2
            }
        }
        try await withMovedClock { clock in
            let maintenance = maintenance(of: store, clock: clock, isClockDoubtful: doubt)
            await clock.moves { await maintenance.pass() }
            let left = try await store.scan(.greylist, from: nil, limit: .max).entries.count
            #expect(left > 10)
            await clock.moves { await maintenance.pass() }
            #expect(try await store.scan(.greylist, from: nil, limit: .max).entries.count == left)
        }
        #expect(
            told == [
                "warning maintenance of the greylist is broken off: the clock has jumped",
                "warning maintenance of the greylist is put off: the clock has jumped",
            ])
    }

    /// At the start there is no earlier time to compare with, but there are entries.
    @Test(
        arguments: [
            (86_400 * 400, false), (86_400 * 8, false), (86_400 * 6, true), (0, true),
        ] as [(Int64, Bool)])
    func aClockThatIsFarBehindTheEntriesOfTheStartIsNotTrusted(_ ahead: Int64, _ isTrusted: Bool) async throws {
        let store = MemoryStore()
        let start: Int64 = 100_000_000
        let entries = (0..<5).map { number in
            let time = Timestamp(seconds: start - 86_400 * 100 - Int64(number))
            return Entry(
                key: Key(Array("\(number)".utf8).span, isHashed: true),
                sighting: Sighting(passes: 1, first: time, last: time))
        }
        let newest = Entry(
            key: Key(Array("newest".utf8).span, isHashed: true),
            sighting: Sighting(passes: 1, first: .init(seconds: 0), last: .init(seconds: start - 10)))
        // Written after the start: it has the clock's own time.
        let own = Entry(
            key: Key(Array("own".utf8).span, isHashed: true),
            sighting: Sighting(firstAt: Timestamp(seconds: start + ahead + 20)))
        try await store.merge(
            entries + [newest, own], into: .greylist, at: Timestamp(seconds: 0), under: Rules.sample())
        try await withMovedClock { clock in
            let maintenance = maintenance(
                of: store, clock: clock, now: Timestamp(seconds: start + ahead), checksClock: true)
            await clock.moves { for _ in 0..<2 { await maintenance.pass() } }
        }
        #expect(try await store.scan(.greylist, from: nil, limit: .max).entries.count == (isTrusted ? 2 : 7))
        #expect(told.allSatisfy { $0.contains("is put off for a day") } == !isTrusted)
    }

    @Test func aTableThatIsLeftToOthersIsNoNews() async throws {
        try await withMovedClock { clock in
            let maintenance = maintenance(of: SlicedStore(clock, isLeftToOthers: true), clock: clock)
            await clock.moves { await maintenance.pass() }
        }
        #expect(told == ["debug maintenance: the greylist is left to another instance"])
    }

    /// So requests get at least half of the store's time.
    @Test func eachSliceIsFollowedByAPauseThatIsAsLong() async throws {
        try await withMovedClock { clock in
            let store = SlicedStore(clock, slices: 5, duration: .seconds(1))
            let maintenance = maintenance(of: store, clock: clock)
            await clock.moves(by: .milliseconds(10)) { await maintenance.pass() }
            let slices = store.slices
            #expect(slices.count == 5)
            for (slice, next) in zip(slices, slices.dropFirst()) {
                #expect(next.start - slice.end >= slice.end - slice.start)
            }
        }
    }

    @Test func itTellsWhatItHasRemovedAndWhatIsLeft() async throws {
        let store = MemoryStore()
        try await fill(store, expired: 3_000, living: 500)
        try await withMovedClock { clock in
            let maintenance = maintenance(of: store, [.greylist, .autoWhitelist], clock: clock)
            #expect(maintenance.figures == Maintenance.Figures())
            await maintenance.learnFigures()
            #expect(maintenance.figures.entries(.greylist) == 3_500 && maintenance.figures.lastPass == nil)
            await clock.moves { await maintenance.pass() }
            let figures = maintenance.figures
            #expect(figures.removed == PerTable(greylist: 3_000, autoWhitelist: 0, identity: 0))
            #expect(figures.left == PerTable(greylist: 500, autoWhitelist: 0, identity: nil))
            #expect(figures.lastPass == Timestamp(seconds: 1_000_000))
            // What the store says itself is newer than what was left.
            #expect(figures.entries(.greylist) == 3_500)
        }
    }

    @Test func aPassThatGoesWrongIsNone() async throws {
        let store = FickleStore(.fails(StoreError(.unavailable, "no disk")))
        try await withMovedClock { clock in
            let failing = maintenance(of: store, clock: clock)
            await clock.moves { await failing.pass() }
            #expect(failing.figures == Maintenance.Figures())
            let doubtful = maintenance(of: MemoryStore(), clock: clock, isClockDoubtful: { true })
            await clock.moves { await doubtful.pass() }
            #expect(doubtful.figures == Maintenance.Figures())
            let away = maintenance(of: MemoryStore(), clock: clock, isStoreUnavailable: { true })
            await clock.moves { await away.pass() }
            await away.learnFigures()
            #expect(away.figures == Maintenance.Figures())
        }
    }

    @Test func passesComeAfterADelayAndThenAtEachInterval() async throws {
        try await withMovedClock { clock in
            let store = SlicedStore(clock)
            let maintenance = maintenance(of: store, clock: clock)
            let service = Task { try await maintenance.run() }
            await clock.moves(by: .seconds(1)) {
                for await _ in store.ends.prefix(3) {}
            }
            service.cancel()
            try await service.value
            let starts = store.slices.map(\.start)
            #expect(starts[0] - .uptimeNanoseconds(0) >= .seconds(60))
            #expect(starts[1] - starts[0] >= .seconds(3_600))
            #expect(starts[2] - starts[1] >= .seconds(3_600))
        }
    }

    /// The size of the next slice, and how many milliseconds it takes.
    @Test(arguments: [
        ([], 1_000), ([6], 500), ([5, 4, 2], 1_000), ([1], 1_125), ([6, 6, 1], 281),
        ([Int](repeating: 60, count: 100), 250), ([Int](repeating: 1, count: 100), 10_000),
    ])
    func slicesFollowTheTimeTheyTake(_ milliseconds: [Int], _ limit: Int) {
        var size = SliceSize()
        for took in milliseconds { size.follow(.milliseconds(Int64(took))) }
        #expect(size.limit == limit)
    }
}

/// A store that does nothing but take its time for a slice.
private final class SlicedStore: Store {
    let slicesOfAPass: Int
    /// Tells of each slice that is over; for one reader.
    let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation
    private let clock: any EventLoop
    private let duration: TimeAmount
    private let isLeftToOthers: Bool
    private let times = NIOLockedValueBox<[(start: NIODeadline, end: NIODeadline)]>([])

    /// - Parameter isLeftToOthers: whether another instance goes through its tables
    init(_ clock: any EventLoop, slices: Int = 1, duration: TimeAmount = .zero, isLeftToOthers: Bool = false) {
        self.clock = clock
        slicesOfAPass = slices
        self.duration = duration
        self.isLeftToOthers = isLeftToOthers
        (ends, end) = AsyncStream.makeStream()
    }

    /// When slices began and ended.
    var slices: [(start: NIODeadline, end: NIODeadline)] { times.withLockedValue { $0 } }

    func update(_ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void) {
        done(.success(batch))
    }

    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        let start = clock.now
        if duration > .zero { try? await clock.sleep(for: duration) }
        var slice = ExpiredSlice()
        slice.isLeftToOthers = isLeftToOthers
        let count = times.withLockedValue { times in
            times.append((start, clock.now))
            return times.count
        }
        if count % slicesOfAPass != 0 { slice.next = Cursor([0]) }
        end.yield()
        return slice
    }

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        ScannedSlice(entries: [], next: nil)
    }

    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {}

    func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        [Sighting?](repeating: nil, count: keys.count)
    }

    func remove(_ keys: [Key], from table: Table) async throws(StoreError) {}

    func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    func close() async {}
}
