import Foundation
import Greylist
import SampleOptions
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

struct LMDBStoreTests {
    let directory: TemporaryDirectory
    let reports = Reports()

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func open(
        _ name: String = "x.lmdb", mapSize: Int = 1 << 30, syncInterval: Duration? = nil, at now: Int64 = 7
    ) throws -> LMDBStore {
        try LMDBStore(
            path: directory.file(name), mapSize: mapSize, syncInterval: syncInterval, at: Timestamp(seconds: now),
            report: reports.add)
    }

    /// With the shortest interval most look-ups meet a tree that is being written.
    @Test(
        arguments: StoreContract.cases + StoreContract.identities + [StoreContract.networkPlaces],
        [nil, Duration.milliseconds(1), .seconds(3_600)])
    func keepsTheContract(_ promise: StoreContract, _ syncInterval: Duration?) async throws {
        let store = try open(syncInterval: syncInterval)
        try await promise.check(store)
        await store.close()
        #expect(Set(directory.names) == ["x.lmdb", "x.lmdb-lock"])
    }

    @Test(arguments: StoreContract.cases)
    func twoFilesKeepTheContractAsAPair(_ promise: StoreContract) async throws {
        let pair = JoinedStore(greylist: try open("grey.lmdb"), autoWhitelist: try open("awl.lmdb"))
        try await promise.check(pair)
        await pair.close()
    }

    @Test func itSaysHowLongItsFilesAreAndWhatIsInThem() async throws {
        let (store, clients) = (try open(syncInterval: .seconds(3_600)), try open("awl.lmdb"))
        let length = { @Sendable [directory] (name: String) throws -> Int in
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.file(name))
            return try #require(attributes[.size] as? Int)
        }
        for number in 0..<100 { _ = try await store.ask("\(number)", at: 1_000) }
        var figures = try await store.figures()
        #expect(figures.entries[.greylist] == 0 && figures.pending.count == 100)
        #expect(figures.files?.journal == (try length("x.lmdb-journal-1")))
        // Counted as a whole, they are in the tree.
        #expect(try await store.count(.greylist) == 100)
        figures = try await store.figures()
        #expect(figures.entries == PerTable(greylist: 100, autoWhitelist: 0, identity: 0))
        #expect(figures.files?.database == (try length("x.lmdb")))
        let pair = try await JoinedStore(greylist: store, autoWhitelist: clients).figures()
        #expect(pair.files?.database == (try length("x.lmdb") + length("awl.lmdb")))
        #expect(pair.files?.journal == figures.files?.journal)
        await store.close()
        await clients.close()
    }

    @Test func whatWasAnsweredIsThereAfterClosing() async throws {
        let first = try open()
        _ = try await first.ask("a", client: "net", at: 1_000, under: Rules.sample(clientCount: 9))
        _ = try await first.ask("a", client: "net", at: 1_400, under: Rules.sample(clientCount: 9))
        await first.close()
        let second = try open()
        #expect(try await second.ask("a", at: 1_500) == .known)
        #expect(try await second.everything(in: .autoWhitelist).map(\.sighting.passes) == [1])
        await second.close()
        #expect(reports.all.isEmpty)
    }

    /// A copy of the files is what a killed process leaves.
    @Test(arguments: [nil, Duration.seconds(3_600)])
    func whatWasRemovedStaysSo(_ syncInterval: Duration?) async throws {
        let store = try open(syncInterval: syncInterval)
        let keys = ["a", "b", "c", "d"].map { Key(Array($0.utf8).span, isHashed: true) }
        for text in ["a", "b"] { _ = try await store.ask(text, at: 1_000) }
        try await store.remove([keys[0]], from: .greylist)
        _ = try await store.ask("c", at: 1_000)
        try await store.remove([keys[3]], from: .greylist)
        let copy = try TemporaryDirectory()
        for name in directory.names where name.hasPrefix("x.lmdb") && name != "x.lmdb-lock" {
            try FileManager.default.copyItem(atPath: directory.file(name), toPath: copy.file(name))
        }
        let expected: [UInt32?] = [nil, 0, 0, nil]
        #expect(try await store.find(keys, in: .greylist).map { $0?.passes } == expected)
        await store.close()
        for path in [directory.file("x.lmdb"), copy.file("x.lmdb")] {
            let again = try LMDBStore(path: path, at: Timestamp(seconds: 8), report: { _ in })
            #expect(try await again.find(keys, in: .greylist).map { $0?.passes } == expected)
            #expect(try await again.count(.greylist) == 2)
            await again.close()
        }
    }

    /// The fixture is of a version that knew two tables; in it 192.0.2.7 has passed, and 198.51.100.7 is pending.
    @Test func aFileOfTwoTablesMeansTheSame() async throws {
        let path = directory.file("old.lmdb")
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/two-tables.database")
        try FileManager.default.copyItem(at: fixture, to: URL(fileURLWithPath: path))
        let reader = try LMDBReader(path: path)
        #expect(try await reader.count(.greylist) == 3)
        #expect(try await reader.count(.identity) == 0)
        #expect(try await reader.everything(in: .identity).isEmpty)
        await reader.close()

        let (now, rules) = (1_795_920_000 as Int64, Rules.sample(clientCount: 9))
        let store = try open("old.lmdb", at: now)
        #expect(try await store.ask("192.0.2.0/24/a@example.org/u@example.com", at: now, under: rules) == .known)
        let pending = try await store.ask("198.51.100.0/24/pending@example.org/u@example.com", at: now, under: rules)
        #expect(pending == .retried(delay: 3_179))
        #expect(try await store.everything(in: .autoWhitelist).map(\.sighting.passes) == [1])
        let identity = Entry(
            key: Key(Array("day:example.org".utf8).span, isHashed: false),
            sighting: Sighting(firstAt: Timestamp(seconds: now)))
        try await store.merge([identity], into: .identity, at: Timestamp(seconds: now), under: rules)
        #expect(try await store.everything(in: .identity) == [identity])
        await store.close()
        #expect(reports.all.isEmpty)
        let again = try LMDBReader(path: path)
        #expect(try await again.count(.identity) == 1)
        await again.close()
    }

    @Test func theMapGrowsByItself() async throws {
        let store = try open(mapSize: 1 << 20)
        for round in 0..<8 {
            let batch = (0..<5_000).map { StoreContract.query("triplet \(round) \($0)", at: 1_000) }
            let answered = try await store.answer(batch)
            #expect(answered.allSatisfy { $0.judgement?.verdict == .new(wait: 300) })
        }
        #expect(try await store.everything(in: .greylist, limit: 10_000).count == 40_000)
        await store.close()
        let size = try FileManager.default.attributesOfItem(atPath: directory.file("x.lmdb"))[.size] as? Int
        #expect(try #require(size) > 1 << 20)
    }

    @Test func aSecondOneOnTheSameFileIsRefused() async throws {
        let store = try open()
        let error = #expect(throws: StoreError.self) { try open() }
        #expect(error?.code == .inUse)
        #expect(try await store.ask("a", at: 1_000) == .new(wait: 300))
        await store.close()
    }

    static let foreign: [(String, Data)] = [
        ("text", Data("this is no database\n".utf8)),
        ("one byte", Data([0])),
        ("a page of zeros", Data(count: 4096)),
        ("64 KiB of noise", Data((0..<65_536).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })),
    ]

    @Test(arguments: foreign)
    func aForeignFileIsQuarantined(_ name: String, _ contents: Data) async throws {
        try contents.write(to: URL(filePath: directory.file("x.lmdb")))
        let store = try open(at: 1_234)
        #expect(try await store.ask("a", at: 1_000) == .new(wait: 300))
        await store.close()
        let quarantined = directory.file("x.lmdb.corrupt-1234")
        #expect(try Data(contentsOf: URL(filePath: quarantined)) == contents)
        #expect(reports.all.count == 1)
        #expect(reports.all.first?.contains(quarantined) == true)
    }

    /// Makes a database of some pages, changes its bytes, and opens it again.
    private func damage(_ change: (inout Data) -> Void) async throws -> LMDBStore {
        let store = try open()
        for round in 0..<4 {
            _ = try await store.answer((0..<500).map { StoreContract.query("triplet \(round) \($0)", at: 1_000) })
        }
        await store.close()
        let url = URL(filePath: directory.file("x.lmdb"))
        var bytes = try Data(contentsOf: url)
        change(&bytes)
        try bytes.write(to: url)
        return try open()
    }

    @Test(arguments: [2, 3, 5, 10])
    func aTruncatedFileIsQuarantined(_ divisor: Int) async throws {
        let store = try await damage { $0 = $0.prefix($0.count / divisor / 4096 * 4096) }
        #expect(try await store.ask("triplet 0 0", at: 1_010) == .new(wait: 300))
        await store.close()
        #expect(directory.names.contains("x.lmdb.corrupt-7"))
    }

    @Test func scribbledPagesAreQuarantined() async throws {
        let store = try await damage { bytes in
            for index in 2 * 4096..<bytes.count { bytes[index] = UInt8(truncatingIfNeeded: index &* 31 >> 3) }
        }
        #expect(try await store.ask("triplet 0 0", at: 1_010) == .new(wait: 300))
        await store.close()
        #expect(directory.names.contains("x.lmdb.corrupt-7"))
    }

    @Test func anUntouchedFileIsNotQuarantined() async throws {
        let store = try await damage { _ in }
        #expect(try await store.ask("triplet 0 0", at: 1_010) == .early(wait: 290, delay: 10))
        await store.close()
        #expect(reports.all.isEmpty)
    }

    @Test func aQuarantineNameThatIsTakenIsNotOverwritten() async throws {
        try Data("older".utf8).write(to: URL(filePath: directory.file("x.lmdb.corrupt-7")))
        try Data("newer".utf8).write(to: URL(filePath: directory.file("x.lmdb")))
        await (try open()).close()
        #expect(try Data(contentsOf: URL(filePath: directory.file("x.lmdb.corrupt-7"))) == Data("older".utf8))
        #expect(try Data(contentsOf: URL(filePath: directory.file("x.lmdb.corrupt-7-2"))) == Data("newer".utf8))
    }

    @Test func aPlaceThatIsNoFitForAFileIsRefused() throws {
        try FileManager.default.createDirectory(atPath: directory.file("directory"), withIntermediateDirectories: false)
        for name in ["directory", "missing/x.lmdb"] {
            let error = #expect(throws: StoreError.self) { try open(name) }
            #expect(error?.code == .cannotCreate)
            #expect(error?.description.contains(directory.file(name)) == true)
        }
    }

    @Test func recordsKeepTheirNumbers() {
        let times: [Int64] = [0, 1, 1_795_340_130, -1, 1 << 40]
        for first in times {
            for delta: Int64 in [0, 1, 3_024_000, -5, Int64(Int32.max)] {
                let sighting = Sighting(
                    passes: 7, first: Timestamp(seconds: first), last: Timestamp(seconds: first + delta))
                #expect(Self.stored(Record(sighting, network: 9))?.sighting == sighting)
            }
            let pending = Self.stored(Record(Sighting(firstAt: Timestamp(seconds: first)), network: .max))
            #expect(pending?.sighting == Sighting(firstAt: Timestamp(seconds: first)))
            #expect(pending?.network == .max)
        }
        #expect([UInt8](repeating: 0, count: 15).withUnsafeBytes { Record($0) == nil })
    }

    private static func stored(_ record: Record) -> Record? {
        var bytes = [UInt8](repeating: 0, count: Record.size)
        bytes.withUnsafeMutableBytes { record.write(to: $0) }
        return bytes.withUnsafeBytes { Record($0) }
    }

    /// Who fills the database, ends the process, and comes again has no more places than before.
    @Test func thePlacesThatAreTakenAreCountedAgainAfterARestart() async throws {
        let rules = Rules.sample(maxPending: 50, maxPendingPerNetwork: 20)
        let first = try open()
        let batch = (0..<20).map { StoreContract.query("a \($0)", network: 7, at: 1_000, under: rules) }
        _ = try await first.answer(batch)
        await first.close()
        let second = try open()
        _ = try await second.ask("b", network: 8, at: 2_000, under: rules)
        // The count goes on in slices behind the requests; it is over before all places could be taken again.
        var admitted = 0
        try await poll {
            admitted += 1
            let verdict = try await second.ask("c \(admitted)", network: 7, at: 2_000, under: rules)
            return verdict == .pendingLimitReached(wait: 300)
        }
        #expect(admitted < 20)
        await second.close()
    }

    /// What is dropped goes from the file, too, without waiting for maintenance.
    @Test func droppedEntriesAreRemoved() async throws {
        let rules = Rules.sample(maxPending: 100)
        let store = try open()
        for number in 0..<5_000 {
            _ = try await store.answer([
                StoreContract.query("a \(number)", at: 1_000 + Int64(number) * 10, under: rules)
            ])
        }
        try await poll { try await store.everything(in: .greylist, limit: 10_000).count <= 100 }
        await store.close()
    }

    /// Asks until it is so, at most a minute: each question gives the store's own tasks a turn.
    private func poll(_ isTrue: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await isTrue() { return }
        }
        Issue.record("it did not come true within a minute")
    }
}
