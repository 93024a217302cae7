import Foundation
import Greylist
import SampleOptions
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

/// Reading a file that no store has open; `StoreCopyTests` read those of running daemons.
struct LMDBReaderTests {
    private static let rules = Rules.sample()
    private static let now = Timestamp(seconds: 1_000)

    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.lmdb")
    }

    private func fill(_ count: Int, from start: Int = 0) async throws {
        let store = try LMDBStore(path: path, at: Self.now, report: { _ in })
        let entries = (start..<start + count).map { number in
            Entry(
                key: Key(Array("192.0.2.0/24/\(number)".utf8).span, isHashed: number.isMultiple(of: 2)),
                sighting: Sighting(firstAt: Timestamp(seconds: Int64(number))))
        }
        try await store.merge(entries, into: .greylist, at: Self.now, under: Self.rules)
        try await store.merge(Array(entries.prefix(3)), into: .autoWhitelist, at: Self.now, under: Self.rules)
        await store.close()
    }

    private func everything(in source: any EntrySource, _ table: Table, limit: Int) async throws -> [Entry] {
        var entries: [Entry] = []
        var cursor: Cursor?
        repeat {
            let slice = try await source.scan(table, from: cursor, limit: limit)
            #expect(slice.entries.count <= limit)
            entries += slice.entries
            cursor = slice.next
        } while cursor != nil
        return entries
    }

    @Test(arguments: [true, false])
    func itReadsWhatAStoreWouldAndMakesNoFile(hasLockFile: Bool) async throws {
        try await fill(2_500)
        if !hasLockFile { try FileManager.default.removeItem(atPath: path + "-lock") }
        let names = Set(directory.names)
        let reader = try LMDBReader(path: path)
        #expect(try await reader.count(.greylist) == 2_500)
        #expect(try await reader.count(.autoWhitelist) == 3)
        let read = try await everything(in: reader, .greylist, limit: 1_000)
        let clients = try await everything(in: reader, .autoWhitelist, limit: 1)
        #expect(Set(directory.names) == names)
        await reader.close()
        #expect(Set(directory.names) == names)

        let store = try LMDBStore(path: path, at: Self.now, report: { _ in })
        #expect(try await everything(in: store, .greylist, limit: 5_000) == read)
        #expect(try await everything(in: store, .autoWhitelist, limit: 5_000) == clients)
        await store.close()
    }

    @Test func aFileThatWasNotClosedIsReadAndItsMarkStays() async throws {
        try await fill(10)
        try Data().write(to: URL(filePath: path + "-open"))
        let reader = try LMDBReader(path: path)
        #expect(try await reader.count(.greylist) == 10)
        await reader.close()
        #expect(directory.names.contains("x.lmdb-open"))
    }

    @Test func whatMayNotBeWrittenCanBeRead() async throws {
        try await fill(10)
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path)
        let reader = try LMDBReader(path: path)
        #expect(try await everything(in: reader, .greylist, limit: 100).count == 10)
        await reader.close()
    }

    @Test func whatGrewOutOfTheMapIsOpenedAgain() async throws {
        try await fill(10)
        try FileManager.default.removeItem(atPath: path + "-lock")
        let reader = try LMDBReader(path: path, spareMap: 4_096)
        #expect(try await reader.count(.greylist) == 10)
        // Behind the reader's back: a writer that it isn't told of, as its lock file is gone again.
        try await fill(20_000, from: 10)
        try FileManager.default.removeItem(atPath: path + "-lock")
        #expect(try await reader.count(.greylist) == 20_010)
        #expect(try await everything(in: reader, .greylist, limit: 1_000).count == 20_010)
        await reader.close()
    }

    @Test func aWriterThatComesIsNoticed() async throws {
        try await fill(10)
        try FileManager.default.removeItem(atPath: path + "-lock")
        let reader = try LMDBReader(path: path)
        try await fill(100, from: 10)
        #expect(try await reader.count(.greylist) == 110)
        await reader.close()
    }

    @Test func whatIsNoDatabaseOfOursIsRefused() async throws {
        let cases: [(String, StoreError.Code, String)] = [
            (directory.file("missing"), .cannotCreate, "file does not exist"),
            (directory.file("missing/x"), .cannotCreate, "file does not exist"),
            (directory.file("empty"), .corrupt, "is not a database of TPRT, or is damaged"),
            (directory.file("text"), .corrupt, "is not a database of TPRT, or is damaged"),
            (directory.path, .corrupt, "is not a database of TPRT, or is damaged"),
            ("/dev/null", .corrupt, "is not a database of TPRT, or is damaged"),
        ]
        try Data().write(to: URL(filePath: directory.file("empty")))
        try Data(repeating: 0x61, count: 20_000).write(to: URL(filePath: directory.file("text")))
        for (path, code, message) in cases {
            let error = #expect(throws: StoreError.self) { try LMDBReader(path: path) }
            #expect(error == StoreError(code, "lmdb://\(path): \(message)"))
        }
        #expect(Set(directory.names) == ["empty", "text"])
    }

    @Test func nothingIsAskedOfAClosedOne() async throws {
        try await fill(1)
        let reader = try LMDBReader(path: path)
        await reader.close()
        let error = await #expect(throws: StoreError.self) { try await reader.count(.greylist) }
        #expect(error?.code == .unavailable)
    }

    /// A reader that is killed in the midst of reading keeps pages from being used again until it is forgotten.
    @Test func maintenanceForgetsReadersThatWereKilled() async throws {
        try await fill(1)
        let environment = try Environment(path: path, mapSize: 1 << 20, at: Self.now, report: { _ in })
        let store = try LMDBStore(environment)
        func killReader() async {
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                try ReadOnlyDatabase(path: path, spareMap: 1 << 20).read { _ in _ = raise(SIGKILL) }
            }
        }
        await killReader()
        #expect(try environment.write { (transaction) throws(LMDBError) in try transaction.forgetDeadReaders() } == 1)
        await killReader()
        _ = try await store.expire(.greylist, from: nil, limit: 10, at: Self.now, under: Self.rules)
        #expect(try environment.write { (transaction) throws(LMDBError) in try transaction.forgetDeadReaders() } == 0)
        await store.close()
    }
}
