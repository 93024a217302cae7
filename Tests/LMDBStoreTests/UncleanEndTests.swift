import Foundation
import Greylist
import Storage
import StoreContract
import Testing

@testable import LMDBStore

struct UncleanEndTests {
    let folder: TemporaryFolder
    let reports = Reports()
    let path: String
    let mark: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("x.lmdb")
        mark = path + "-open"
    }

    /// Opens with no patience for a look at more than the first entries.
    private func open() throws -> LMDBStore {
        try LMDBStore(
            Environment(
                path: path, mapSize: 1 << 30, inspectionLimit: 0, at: Timestamp(seconds: 7), report: reports.add))
    }

    private func endUncleanly() throws {
        try Data().write(to: URL(filePath: mark))
    }

    private func isKnown(_ number: Int, to store: LMDBStore) async throws -> Bool {
        try await store.ask(Plenty.key(number), isHashed: false, at: 1_010) == .early(wait: 290, delay: 10)
    }

    @Test func theMarkIsThereWhileTheStoreIsOpen() async throws {
        let store = try open()
        #expect(folder.names.contains("x.lmdb-open"))
        await store.close()
        #expect(!folder.names.contains("x.lmdb-open"))
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
        #expect(folder.names.contains("x.lmdb.corrupt-7"))
        #expect(!folder.names.contains("x.lmdb-open"))
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
        #expect(reports.all == ["lmdb://\(path): was not closed properly; looking through it"])
        await (try open()).close()
        #expect(reports.all.count == 1)
    }

    @Test func anEmptyFileNeedsNoLook() async throws {
        try Data().write(to: URL(filePath: path))
        try endUncleanly()
        await (try open()).close()
        #expect(reports.all.isEmpty)
        #expect(!folder.names.contains("x.lmdb-open"))
    }

    @Test func whatBearsTheNameOfTheMarkIsLetBe() async throws {
        try Data("mine".utf8).write(to: URL(filePath: mark))
        for _ in 0..<2 {
            let store = try open()
            _ = try await store.ask("a", at: 1_000)
            await store.close()
        }
        #expect(reports.all.isEmpty)
        #expect(try Data(contentsOf: URL(filePath: mark)) == Data("mine".utf8))
    }
}
