import FileStorage
import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

struct UncleanEndTests {
    let directory: TemporaryDirectory
    let reports = Reports()
    let path: String
    let marker: String

    private static let boots = ["0123456789abcdef0123456789abcdef", "11111111-2222-3333-4444-555555555555"].map {
        BootID($0.utf8)
    }

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.lmdb")
        marker = path + "-open"
    }

    private func open(boot: BootID? = nil) throws -> LMDBStore {
        try Self.open(path, boot: boot, report: reports.add)
    }

    /// Opens with no patience for a look at more than the first entries.
    private static func open(
        _ path: String, boot: BootID?, report: @escaping @Sendable (String) -> Void
    ) throws -> LMDBStore {
        let environment = try Environment(
            path: path, mapSize: 1 << 30, checkLimit: 0, boot: boot, at: Timestamp(seconds: 7), report: report)
        return try LMDBStore(environment, report: report)
    }

    private var checks: Int { reports.all.count { $0.contains("was not closed properly") } }

    private func endUncleanly() throws {
        try Data().write(to: URL(filePath: marker))
    }

    private func isKnown(_ number: Int, to store: LMDBStore) async throws -> Bool {
        try await store.ask(Plenty.key(number), isHashed: false, at: 1_010) == .early(wait: 290, delay: 10)
    }

    @Test func theMarkerIsThereWhileTheStoreIsOpen() async throws {
        let store = try open()
        #expect(directory.names.contains("x.lmdb-open"))
        await store.close()
        #expect(!directory.names.contains("x.lmdb-open"))
        #expect(reports.all.isEmpty)
    }

    @Test func damageBeyondTheLookIsFoundAfterAnUncleanEnd() async throws {
        let first = try open()
        try await Plenty.fill(first)
        await first.close()
        try Plenty.scribble(on: Plenty.count - 1, in: path)
        await (try open()).close()
        #expect(reports.all.isEmpty)

        try endUncleanly()
        let healed = try open()
        #expect(try await !isKnown(0, to: healed))
        await healed.close()
        #expect(reports.all.count == 2)
        #expect(directory.names.contains("x.lmdb.corrupt-7"))
        #expect(!directory.names.contains("x.lmdb-open"))
    }

    @Test func aHealthyFileSurvivesAnUncleanEnd() async throws {
        let first = try open()
        try await Plenty.fill(first)
        await first.close()
        try endUncleanly()
        let second = try open()
        #expect(try await second.everything(in: .greylist, limit: 10_000).count == Plenty.count)
        #expect(try await isKnown(Plenty.count - 1, to: second))
        await second.close()
        #expect(reports.all == ["lmdb://\(path): was not closed properly; checking all of it"])
        await (try open()).close()
        #expect(reports.all.count == 1)
    }

    @Test func anEmptyFileNeedsNoLook() async throws {
        try Data().write(to: URL(filePath: path))
        try endUncleanly()
        await (try open()).close()
        #expect(reports.all.isEmpty)
        #expect(!directory.names.contains("x.lmdb-open"))
    }

    @Test(arguments: [(0, 0), (1, 1), (nil, 1)] as [(Int?, Int)])
    func aKilledProcessNeedsNoCheckInTheSameBoot(_ boot: Int?, _ expected: Int) async throws {
        let first = try open()
        try await Plenty.fill(first)
        await first.close()
        let path = path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = try Self.open(path, boot: Self.boots[0], report: { _ in })
            _ = try await store.ask("a", at: 1_000)
            kill(getpid(), SIGKILL)
        }
        let store = try open(boot: boot.flatMap { Self.boots[$0] })
        #expect(checks == expected)
        #expect(try await store.ask("a", at: 1_010) == .early(wait: 290, delay: 10))
        await store.close()
        #expect(!directory.names.contains("x.lmdb-open"))
    }

    /// What a kill leaves is what there is while the store is open.
    @Test func anIDCountsOnceBetweenTwoChecks() async throws {
        var found: [Int] = []
        let first = try open(boot: Self.boots[0])
        try await Plenty.fill(first)
        var left = try Data(contentsOf: URL(filePath: marker))
        await first.close()
        for _ in 0..<4 {
            try left.write(to: URL(filePath: marker))
            let store = try open(boot: Self.boots[0])
            left = try Data(contentsOf: URL(filePath: marker))
            found.append(checks)
            await store.close()
        }
        #expect(found == [0, 1, 1, 2])
    }

    /// The start after the first end goes without a check.
    @Test func damageThatEndsTheProcessIsFoundAtTheSecondStart() async throws {
        let first = try open()
        try await Plenty.fill(first)
        await first.close()
        try Plenty.scribble(on: Plenty.count - 1, in: path) { _ in 0 }
        let path = path
        for _ in 0..<2 {
            await #expect(processExitsWith: .signal(SIGABRT)) { [path = path as String] in
                let store = try Self.open(path, boot: Self.boots[0], report: { _ in exit(3) })
                _ = try await store.everything(in: .greylist, limit: 10_000)
            }
        }
        let healed = try open(boot: Self.boots[0])
        #expect(checks == 1)
        #expect(reports.all.count == 2)
        #expect(directory.names.contains("x.lmdb.corrupt-7"))
        await healed.close()
    }

    @Test func whatBearsTheNameOfTheMarkerIsLetBe() async throws {
        try Data("mine".utf8).write(to: URL(filePath: marker))
        for _ in 0..<2 {
            let store = try open()
            _ = try await store.ask("a", at: 1_000)
            await store.close()
        }
        #expect(reports.all.isEmpty)
        #expect(try Data(contentsOf: URL(filePath: marker)) == Data("mine".utf8))
    }
}
