import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

/// What an administrator may do to the files of a store that is in use.
struct ReplacedFileTests {
    let directory: TemporaryDirectory
    let reports = Reports()
    let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.lmdb")
    }

    private func open(_ name: String = "x.lmdb") throws -> LMDBStore {
        try LMDBStore(
            path: directory.file(name), mapSize: 1 << 30, syncInterval: .seconds(3_600), at: Timestamp(seconds: 7),
            report: reports.add)
    }

    private func cut(_ name: String, to size: Int = 0) {
        truncate(directory.file(name), off_t(size))
    }

    /// What is read from the map is gone, and the process goes on.
    @Test(arguments: [0, 4_096, 8_192, 100_000])
    func aFileThatIsTruncatedIsQuarantined(_ size: Int) async throws {
        let store = try open()
        try await Plenty.fill(store)
        _ = try await store.count(.greylist)
        cut("x.lmdb", to: size)
        #expect(try await store.ask("a", at: 2_000) == .new(wait: 300))
        #expect(try await store.ask("a", at: 2_010) == .early(wait: 290, delay: 10))
        #expect(directory.names.contains("x.lmdb.corrupt-2000"))
        #expect(reports.all.count { $0.contains("quarantined as \(path).corrupt-2000") } == 1)
        await store.close()
        let again = try open()
        #expect(try await again.ask("a", at: 2_020) == .early(wait: 280, delay: 20))
        await again.close()
    }

    /// As `cp other x.lmdb` does: the file is the same, its contents are another database's.
    @Test(arguments: [true, false])
    func aFileThatIsWrittenOverIsQuarantined(isLarger: Bool) async throws {
        let other = try open("other")
        if isLarger { try await Plenty.fill(other) }
        _ = try await other.ask("b", at: 1_000)
        await other.close()
        let store = try open()
        if !isLarger { try await Plenty.fill(store) }
        _ = try await store.ask("a", at: 1_900)
        _ = try await store.count(.greylist)
        let bytes = try Data(contentsOf: URL(filePath: directory.file("other")))
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: bytes)
        try file.close()
        #expect(try await store.ask("c", at: 2_000) == .new(wait: 300))
        #expect(try await store.ask("c", at: 2_010) == .early(wait: 290, delay: 10))
        #expect(directory.names.contains("x.lmdb.corrupt-2000"))
        await store.close()
    }

    @Test func whatWasOnItsWayIsWrittenToTheFreshFile() async throws {
        let store = try open()
        try await Plenty.fill(store)
        _ = try await store.count(.greylist)
        #expect(try await store.ask("a", at: 1_900) == .new(wait: 300))
        cut("x.lmdb")
        #expect(try await store.ask("a", at: 2_000) == .early(wait: 200, delay: 100))
        await store.close()
        let again = try open()
        #expect(try await again.ask("a", at: 2_010) == .early(wait: 190, delay: 110))
        await again.close()
    }

    @Test func aLockFileThatIsTruncatedIsMadeAgain() async throws {
        let store = try open()
        try await Plenty.fill(store)
        _ = try await store.count(.greylist)
        cut("x.lmdb-lock")
        #expect(try await store.ask("a", at: 2_000) == .new(wait: 300))
        try await store.checkFiles(at: Timestamp(seconds: 2_005))
        #expect(try await store.ask("a", at: 2_010) == .early(wait: 290, delay: 10))
        #expect(!directory.names.contains { $0.contains("corrupt") })
        await store.close()
    }

    @Test(arguments: ["x.lmdb", "x.lmdb-lock"])
    func aFileThatIsRemovedIsNoticed(_ name: String) async throws {
        let store = try open()
        _ = try await store.ask("a", at: 1_000)
        _ = try await store.count(.greylist)
        _ = try await store.ask("b", at: 1_000)
        try await store.checkFiles(at: Timestamp(seconds: 1_005))
        #expect(reports.all.isEmpty)
        unlink(directory.file(name))
        try await store.checkFiles(at: Timestamp(seconds: 1_006))
        #expect(reports.all.count == 1)
        #expect(reports.all.first?.contains("while in use") == true)
        #expect(directory.names.contains(name))
        // The database has a lock of its own again.
        #expect(throws: StoreError.self) { try open() }
        #expect(try await store.ask("b", at: 1_010) == .early(wait: 290, delay: 10))
        try await store.checkFiles(at: Timestamp(seconds: 1_020))
        #expect(reports.all.count == 1)
        await store.close()
        let again = try open()
        #expect(try await again.ask("b", at: 1_020) == .early(wait: 280, delay: 20))
        await again.close()
    }

    @Test func aJournalThatIsRemovedIsWrittenAgain() async throws {
        let store = try open()
        _ = try await store.ask("a", at: 1_000)
        for name in Journal.names(beside: path) { unlink(name) }
        try await store.checkFiles(at: Timestamp(seconds: 1_005))
        #expect(reports.all.count == 1)
        #expect(reports.all.first?.contains("journal") == true)
        #expect(try await store.ask("b", at: 1_010) == .new(wait: 300))
        #expect(directory.names.contains { $0.hasPrefix("x.lmdb-journal-") })
        #expect(try await store.ask("a", at: 1_010) == .early(wait: 290, delay: 10))
        try await store.checkFiles(at: Timestamp(seconds: 1_015))
        #expect(reports.all.count == 1)
        await store.close()
    }

    @Test func aFileThatTakesItsPlaceIsOpened() async throws {
        let other = try open("other")
        _ = try await other.ask("b", at: 1_000)
        await other.close()
        let store = try open()
        _ = try await store.ask("a", at: 1_000)
        unlink(directory.file("other-lock"))
        rename(directory.file("other"), path)
        try await store.checkFiles(at: Timestamp(seconds: 1_005))
        #expect(reports.all.count == 1)
        #expect(reports.all.first?.contains("replaced while in use") == true)
        #expect(try await store.ask("b", at: 1_010) == .early(wait: 290, delay: 10))
        // What was on its way to the old file comes along.
        #expect(try await store.ask("a", at: 1_010) == .early(wait: 290, delay: 10))
        await store.close()
    }
}
