import Foundation
import Greylist
import Logging
import NIOConcurrencyHelpers
import Storage
import Testing

@testable import Server

/// What maintenance removes, and what it says.
struct MaintenanceTests {
    /// Keeps the lines that are logged.
    private struct Lines: LogHandler {
        let lines: NIOLockedValueBox<[String]>
        var logLevel = Logger.Level.debug
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.withLockedValue { $0.append("\(event.level) \(event.message)") }
        }
    }

    private let lines = NIOLockedValueBox<[String]>([])

    private func maintenance(
        of store: any Store, _ tables: [Table] = Table.allCases,
        isStoreUnavailable: @escaping @Sendable () -> Bool = { false }
    ) -> Maintenance {
        Maintenance(
            store: store, options: Maintenance.Options(tables: tables, rules: Rules(), interval: .seconds(3_600)),
            now: { Timestamp(seconds: 1_000_000) }, isStoreUnavailable: isStoreUnavailable,
            logger: Logger(label: "test") { [lines] _ in Lines(lines: lines) })
    }

    /// The lines so far, without the figures of time.
    private var told: [String] {
        lines.withLockedValue { $0.map { $0.replacing(/, [0-9.]+ s$/, with: "") } }
    }

    private func fill(_ store: some Store, expired: Int, living: Int) async throws {
        let entries = (0..<expired + living).map { number in
            let text = Array("192.0.2.0/24 s\(number)@example.org u@example.com".utf8)
            let first = Timestamp(seconds: number < expired ? 0 : 1_000_000)
            return Entry(key: Key(text.span, isHashed: true), sighting: Sighting(firstAt: first))
        }
        try await store.merge(entries, into: .greylist, at: Timestamp(seconds: 0), under: Rules())
    }

    @Test func eachTableIsReported() async throws {
        let store = MemoryStore()
        try await fill(store, expired: 3_000, living: 500)
        await maintenance(of: store).pass()
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
        let maintenance = maintenance(of: store, [.greylist])
        for _ in 0..<3 { await maintenance.pass() }
        store.mood = .fails(StoreError(.writeRefused, "no room"))
        for _ in 0..<3 { await maintenance.pass() }
        store.mood = .answers
        await maintenance.pass()
        store.mood = .fails(StoreError(.writeRefused, "no room"))
        await maintenance.pass()
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
        await maintenance(of: store, isStoreUnavailable: { true }).pass()
        #expect(told.isEmpty)
        #expect(try await store.scan(.greylist, from: nil, limit: .max).entries.count == 10)
    }

    /// A clock that is a year ahead for a moment must not empty a database.
    @Test func nothingIsRemovedWhileTheClockIsInDoubt() async throws {
        let store = MemoryStore()
        try await fill(store, expired: 3_000, living: 10)
        let looks = NIOLockedValueBox(0)
        let maintenance = Maintenance(
            store: store, options: Maintenance.Options(tables: [.greylist], rules: Rules(), interval: .seconds(3_600)),
            now: { Timestamp(seconds: 1_000_000) },
            isClockDoubtful: {
                looks.withLockedValue { looks in
                    looks += 1
                    // In the midst of the pass, and all the while during the second one.
                    return looks > 2
                }
            }, logger: Logger(label: "test") { [lines] _ in Lines(lines: lines) })
        await maintenance.pass()
        let left = try await store.scan(.greylist, from: nil, limit: .max).entries.count
        #expect(left > 10)
        await maintenance.pass()
        #expect(try await store.scan(.greylist, from: nil, limit: .max).entries.count == left)
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
        try await store.merge(entries + [newest, own], into: .greylist, at: Timestamp(seconds: 0), under: Rules())
        let maintenance = Maintenance(
            store: store, options: Maintenance.Options(tables: [.greylist], rules: Rules(), interval: .seconds(3_600)),
            now: { Timestamp(seconds: start + ahead) }, checksClock: true,
            logger: Logger(label: "test") { [lines] _ in Lines(lines: lines) })
        for _ in 0..<2 { await maintenance.pass() }
        #expect(try await store.scan(.greylist, from: nil, limit: .max).entries.count == (isTrusted ? 2 : 7))
        #expect(told.allSatisfy { $0.contains("is put off for a day") } == !isTrusted)
    }

    @Test func aTableThatIsLeftToOthersIsNoNews() async throws {
        await maintenance(of: BusyStore(), [.greylist]).pass()
        #expect(told == ["debug maintenance: the greylist is left to another instance"])
    }

    /// The size of the next slice, and how many milliseconds it takes.
    @Test(arguments: [
        ([], 1_000), ([6], 500), ([5, 4, 2], 1_000), ([1], 1_125), ([6, 6, 1], 281),
        ([Int](repeating: 60, count: 100), 250), ([Int](repeating: 1, count: 100), 10_000),
    ])
    func slicesFollowTheTimeTheyTake(_ milliseconds: [Int], _ limit: Int) {
        var size = SliceSize()
        for took in milliseconds { size.follow(.milliseconds(took)) }
        #expect(size.limit == limit)
    }
}

/// A store whose tables another instance goes through.
private struct BusyStore: Store {
    func update(_ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void) {
        done(.success(batch))
    }

    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        var slice = ExpiredSlice()
        slice.isLeftToOthers = true
        return slice
    }

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        ScannedSlice(entries: [], next: nil)
    }

    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {}

    func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    func close() async {}
}
