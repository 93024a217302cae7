import Foundation
import Greylist
import SampleOptions
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

struct WriteBehindTests {
    static let intervals: [Int?] = [nil, 1, 3_600_000]

    let directory: TemporaryDirectory
    let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.lmdb")
    }

    private static func open(
        _ path: String, _ milliseconds: Int? = nil, report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> LMDBStore {
        try LMDBStore(
            path: path, syncInterval: milliseconds.map { .milliseconds($0) }, at: Timestamp(seconds: 7), report: report)
    }

    private static func fill(_ store: LMDBStore, _ numbers: Range<Int>) async throws {
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 100) {
            _ = try await store.answer((start..<start + 100).map { StoreContract.query("a \($0)", at: 1_000) })
        }
    }

    /// LMDB takes a write that is cut short for a broken disk, and a limit doesn't show on the file system.
    private static let refusals: [StoreError.Code?] = [.writeRefused, .unavailable]

    private static func known(to store: LMDBStore, _ numbers: Range<Int>) async throws -> Int {
        try await store.answer(numbers.map { StoreContract.query("a \($0)", at: 1_010) })
            .count { $0.judgement?.verdict == .early(wait: 290, delay: 10) }
    }

    /// However far the tree has come.
    @Test(arguments: intervals, [100, 20_000, 40_000])
    func aKilledProcessLosesNothingThatWasAnswered(_ interval: Int?, _ count: Int) async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, interval, count] in
            let store = try Self.open(path, interval)
            try await Self.fill(store, 0..<count)
            withExtendedLifetime(store) { _ = raise(SIGKILL) }
        }
        let reports = Reports()
        let store = try Self.open(path, interval, report: reports.add)
        #expect(try await Self.known(to: store, 0..<count) == count)
        #expect(try await store.count(.greylist) == count)
        await store.close()
        #expect(reports.all.first?.contains("was not closed properly") == true)
        #expect(Set(directory.names) == ["x.lmdb", "x.lmdb-lock"])
    }

    @Test func whatIsInTheJournalIsReadWhileNobodyHasTheStoreOpen() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = try Self.open(path, 3_600_000)
            try await Self.fill(store, 0..<1_000)
            _ = try await store.count(.greylist)
            try await Self.fill(store, 1_000..<3_000)
            withExtendedLifetime(store) { _ = raise(SIGKILL) }
        }
        let names = Set(directory.names)
        let reader = try LMDBReader(path: path)
        #expect(try await reader.count(.greylist) == 3_000)
        var (cursor, keys): (Cursor?, [Key]) = (nil, [])
        repeat {
            let slice = try await reader.scan(.greylist, from: cursor, limit: 77)
            keys += slice.entries.map(\.key)
            cursor = slice.next
        } while cursor != nil
        await reader.close()
        #expect(keys.count == 3_000)
        #expect(Set(keys).count == 3_000)
        #expect(Set(directory.names) == names)
    }

    /// The tree gets what was answered without being asked for it.
    @Test(arguments: [nil, 20])
    func theTreeCatchesUpByItself(_ interval: Int?) async throws {
        let environment = try Environment(path: path, mapSize: 1 << 30, at: Timestamp(seconds: 7), report: { _ in })
        let store = try LMDBStore(environment, syncInterval: interval.map { .milliseconds($0) })
        let before = try Data(contentsOf: URL(filePath: path))
        try await Self.fill(store, 0..<100)
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, try Data(contentsOf: URL(filePath: path)) == before {
            await Task.yield()
        }
        #expect(try Data(contentsOf: URL(filePath: path)) != before)
        #expect(try await Self.known(to: store, 0..<100) == 100)
        await store.close()
    }

    /// A slice of maintenance doesn't wait until there are no requests any more.
    @Test func errandsGetTheirTurnUnderLoad() async throws {
        let store = try Self.open(path, 1)
        let load = Task {
            var number = 0
            while !Task.isCancelled {
                try await Self.fill(store, number..<number + 100)
                number += 100
            }
        }
        for _ in 0..<20 {
            _ = try await store.expire(
                .greylist, from: Cursor([0]), limit: 100, at: Timestamp(seconds: 1_000), under: Rules.sample())
        }
        load.cancel()
        try await load.value
        await store.close()
    }

    @Test(arguments: intervals)
    func aJournalThatCannotBeMadeIsDoneWithout(_ interval: Int?) async throws {
        let reports = Reports()
        for name in Journal.names(beside: path) {
            try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: false)
        }
        let store = try Self.open(path, interval, report: reports.add)
        try await Self.fill(store, 0..<500)
        #expect(reports.all.count == 1)
        #expect(reports.all.first?.contains("can't write its journal") == true)
        for name in Journal.names(beside: path) { try FileManager.default.removeItem(atPath: name) }
        try await Self.fill(store, 500..<1_000)
        #expect(directory.names.contains { $0.hasPrefix("x.lmdb-journal-") })
        await store.close()
        let again = try Self.open(path)
        #expect(try await Self.known(to: again, 0..<1_000) == 1_000)
        await again.close()
    }

    /// At whatever byte the disk is full, be it in the journal or in the tree: what was answered stays known, what can't
    /// be kept is refused, and it goes on when there is room again.
    @Test(arguments: intervals, [30_000, 40_000, 70_003, 200_000, 600_001, 1_200_007])
    func aFullDiskLosesNothing(_ interval: Int?, _ size: Int) async throws {
        await #expect(processExitsWith: .success) { [path = path as String, interval, size] in
            let store = try Self.open(path, interval)
            limitFiles(to: size)
            var count = 0
            do {
                while count < 100_000 {
                    try await Self.fill(store, count..<count + 100)
                    count += 100
                }
            } catch {
                #expect(Self.refusals.contains((error as? StoreError)?.code))
            }
            #expect((100..<100_000).contains(count))
            for _ in 0..<2 {
                let fault = await #expect(throws: StoreError.self) { try await Self.fill(store, 200_000..<200_100) }
                #expect(Self.refusals.contains(fault?.code))
            }
            limitFiles(to: nil)
            #expect(try await Self.known(to: store, 0..<count) == count)
            #expect(try await store.count(.greylist) == count)
            try await Self.fill(store, count..<count + 5_000)
            await store.close()
            let again = try Self.open(path)
            #expect(try await Self.known(to: again, 0..<count + 5_000) == count + 5_000)
            await again.close()
        }
    }

    /// A store that was killed starts on a full disk, too, knows everything, and takes it in when there is room.
    @Test func aJournalThatCannotBeTakenInIsKept() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = try Self.open(path, 3_600_000)
            try await Self.fill(store, 0..<2_000)
            withExtendedLifetime(store) { _ = raise(SIGKILL) }
        }
        await #expect(processExitsWith: .success) { [path = path as String] in
            limitFiles(to: 20_000)
            let store = try Self.open(path, 3_600_000)
            let fault = await #expect(throws: StoreError.self) { try await Self.fill(store, 2_000..<2_100) }
            #expect(Self.refusals.contains(fault?.code))
            await store.close()
        }
        #expect(directory.names.contains { $0.hasPrefix("x.lmdb-journal-") })
        let store = try Self.open(path)
        #expect(try await Self.known(to: store, 0..<2_000) == 2_000)
        await store.close()
        #expect(Set(directory.names) == ["x.lmdb", "x.lmdb-lock"])
    }

    /// Its number lies among the entries of the auto-whitelist, and is none of them.
    @Test func theGenerationIsNoEntry() async throws {
        let store = try Self.open(path)
        let entry = Entry(key: .text(Generation.key), sighting: Sighting(firstAt: Timestamp(seconds: 1)))
        try await store.merge([entry], into: .autoWhitelist, at: Timestamp(seconds: 1), under: Rules.sample())
        #expect(try await store.count(.autoWhitelist) == 0)
        #expect(try await store.everything(in: .autoWhitelist).isEmpty)
        let slice = try await store.expire(
            .autoWhitelist, from: nil, limit: 10, at: Timestamp(seconds: 1 << 40), under: Rules.sample())
        #expect(slice == ExpiredSlice())
        await store.close()
    }
}

/// A limit on the length of files is like a full disk, for one process.
private func limitFiles(to size: Int?) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    limit.rlim_cur = size.map { rlim_t($0) } ?? limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
}
