import Greylist
import LMDBStore
import SampleOptions
import Storage
import TestSupport
import Testing

@testable import tprtctl

@Suite("Copying")
struct CopierTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private static let now = Timestamp(seconds: 1_000_000)
    private static let ages = IdentityAges(earned: 2_000, learned: 4_000)

    private func entries(_ count: Int, isHashed: Bool = true) -> [Entry] {
        (0..<count).map { number in
            Entry(
                key: Key(Array("192.0.2.0/24/a\(number)@b/c@d".utf8).span, isHashed: isHashed),
                sighting: Sighting(
                    passes: UInt32(number % 3), first: Timestamp(seconds: 999_000),
                    last: Timestamp(seconds: 999_000 + (number % 3 == 0 ? 0 : 500))))
        }
    }

    private func copy(
        _ source: any EntrySource, to target: (any Store)?, table: Table = .greylist, keys: KeyScheme? = nil,
        patience: Duration = .zero
    ) async throws -> CopyCounts {
        let copier = Copier(
            source: source, target: target, rules: Rules.sample(), ages: Self.ages, keys: keys,
            now: { Self.now }, patience: patience)
        var counts = CopyCounts()
        var cursor: Cursor?
        repeat {
            cursor = try await copier.copySlice(of: table, from: cursor, counting: &counts)
        } while cursor != nil
        return counts
    }

    private func everything(in store: any EntrySource, _ table: Table = .greylist) async throws -> [Key: Sighting] {
        let entries = try await store.scan(table, from: nil, limit: 1_000_000).entries
        return Dictionary(entries.map { ($0.key, $0.sighting) }, uniquingKeysWith: { $1 })
    }

    private func lmdb(_ name: String) throws -> LMDBStore {
        try LMDBStore(path: directory.file(name), at: Self.now, report: { _ in })
    }

    @Test("all entries arrive, twice is as once, and what the target had stays")
    func arrive() async throws {
        let entries = entries(2_500)
        let source = MemoryStore()
        try await source.merge(entries, into: .greylist, at: Self.now, under: Rules.sample())
        let target = try lmdb("target")
        let own = Entry(key: Key(Array("own".utf8).span, isHashed: true), sighting: Sighting(firstAt: Self.now))
        var known = entries[1]
        known.sighting.passes = 9
        try await target.merge([own, known], into: .greylist, at: Self.now, under: Rules.sample())

        #expect(try await copy(source, to: target) == CopyCounts(read: 2_500, copied: 2_500))
        let once = try await everything(in: target)
        #expect(once.count == 2_501)
        #expect(once[own.key] == own.sighting)
        #expect(once[known.key]?.passes == 9)
        for entry in entries where entry != entries[1] { #expect(once[entry.key] == entry.sighting) }
        _ = try await copy(source, to: target)
        #expect(try await everything(in: target) == once)
        #expect(try await everything(in: target, .autoWhitelist).isEmpty)
        await target.close()
    }

    @Test("from the file of an LMDB store, table by table")
    func lmdbToLMDB() async throws {
        let store = try lmdb("source")
        try await store.merge(entries(1_000), into: .greylist, at: Self.now, under: Rules.sample())
        try await store.merge(entries(30, isHashed: false), into: .autoWhitelist, at: Self.now, under: Rules.sample())
        await store.close()
        let source = try LMDBReader(path: directory.file("source"))
        let target = try lmdb("target")
        #expect(try await copy(source, to: target).copied == 1_000)
        #expect(try await copy(source, to: target, table: .autoWhitelist).copied == 30)
        for table in Table.allCases {
            #expect(try await everything(in: source, table) == everything(in: target, table))
        }
        await source.close()
        await target.close()
    }

    @Test("what is expired is left out and counted")
    func expired() async throws {
        let rules = Rules.sample()
        let source = MemoryStore()
        var entries = entries(10)
        entries[0].sighting = Sighting(firstAt: Timestamp(seconds: Self.now.seconds - rules.retryWindow - 1))
        entries[1].sighting = Sighting(firstAt: Timestamp(seconds: Self.now.seconds - rules.retryWindow))
        entries[2].sighting = Sighting(passes: 1, first: .init(seconds: 0), last: .init(seconds: -3_000_000))
        try await source.merge(entries, into: .greylist, at: Self.now, under: rules)
        let target = MemoryStore()
        #expect(try await copy(source, to: target) == CopyCounts(read: 10, copied: 8, expired: 2))
        #expect(try await everything(in: target)[entries[0].key] == nil)
        #expect(try await everything(in: target)[entries[1].key] != nil)
    }

    @Test("plain keys are hashed on the way if that is wanted")
    func hashed() async throws {
        let source = MemoryStore()
        try await source.merge(entries(5, isHashed: false), into: .greylist, at: Self.now, under: Rules.sample())
        let (plain, hashed) = (MemoryStore(), MemoryStore())
        _ = try await copy(source, to: plain)
        _ = try await copy(source, to: hashed, keys: .hashed)
        #expect(try await Set(everything(in: plain).keys) == Set(entries(5, isHashed: false).map(\.key)))
        #expect(try await Set(everything(in: hashed).keys) == Set(entries(5).map(\.key)))
    }

    @Test("identities are kept by their own ages, and only correspondence is hashed on the way")
    func identities() async throws {
        func entry(_ text: String, age: Int64) -> Entry {
            let time = Timestamp(seconds: Self.now.seconds - age)
            return Entry(
                key: Key(Array(text.utf8).span, isHashed: false),
                sighting: Sighting(passes: 1, first: time, last: time))
        }
        let live = [
            entry("day:a", age: 2_000), entry("rcp:a", age: 1_900), entry("out:@a", age: 4_000),
            entry("lane:a", age: 900_000),
        ]
        let pair = entry("out:a@b/c@d", age: 3_999)
        let old = [
            entry("day:b", age: 2_001), entry("rcp:b", age: 2_001), entry("out:@b", age: 4_001),
            entry("out:a@b/@e", age: 4_001),
        ]
        let source = MemoryStore()
        try await source.merge(live + [pair] + old, into: .identity, at: Self.now, under: Rules.sample())
        let (target, hashed) = (MemoryStore(), MemoryStore())
        let counts = CopyCounts(read: 9, copied: 5, expired: 4)
        #expect(try await copy(source, to: target, table: .identity) == counts)
        #expect(try await Set(everything(in: target, .identity).keys) == Set((live + [pair]).map(\.key)))
        #expect(try await copy(source, to: hashed, table: .identity, keys: .hashed) == counts)
        let digest = Key(pair.key.bytes.span, isHashed: true)
        #expect(try await Set(everything(in: hashed, .identity).keys) == Set(live.map(\.key) + [digest]))
    }

    @Test("without a target it only counts")
    func counts() async throws {
        let source = MemoryStore()
        try await source.merge(entries(1_500), into: .greylist, at: Self.now, under: Rules.sample())
        #expect(try await copy(source, to: nil) == CopyCounts(read: 1_500, copied: 1_500))
    }

    @Test("a store that is away for a moment is asked again; a fault that stays has its side")
    func faults() async throws {
        let source = AbsentSource(faults: 2, code: .unavailable)
        #expect(try await copy(source, to: nil, patience: .seconds(60)) == CopyCounts())
        let gone = AbsentSource(faults: .max, code: .unavailable)
        let fault = await #expect(throws: CopyError.self) { try await copy(gone, to: nil, patience: .zero) }
        guard case .source = fault else { throw fault ?? CancellationError() }
        let refusing = AbsentSource(faults: .max, code: .misconfigured)
        await #expect(throws: CopyError.self) { try await copy(refusing, to: nil, patience: .seconds(60)) }
        #expect(refusing.asked == 1)
    }
}
