import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

/// Damage that comes while the store is open.
struct RecoveryTests {
    let directory: TemporaryDirectory
    let reports = Reports()
    let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.lmdb")
    }

    private func open(report: @escaping @Sendable (String) -> Void) throws -> LMDBStore {
        try LMDBStore(path: path, mapSize: 1 << 30, at: Timestamp(seconds: 7), report: report)
    }

    /// Clears all pages but those that describe the database: none is a branch or a leaf any more.
    private func clearPages() throws {
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        let size = try file.seekToEnd()
        try file.seek(toOffset: 2 * 4096)
        try file.write(contentsOf: Data(count: Int(size) - 2 * 4096))
        try file.close()
    }

    @Test func aFileThatIsDamagedWhileOpenIsQuarantined() async throws {
        let store = try open(report: reports.add)
        try await Plenty.fill(store)
        // What isn't in the database yet would survive it.
        _ = try await store.count(.greylist)
        try clearPages()
        let answered = try await store.answer((0..<3).map { StoreContract.query(Plenty.key($0), at: 2_000) })
        #expect(answered.map { $0.judgement?.verdict } == Array(repeating: .new(wait: 300), count: 3))
        #expect(reports.all.count == 1)
        #expect(reports.all.first?.contains(path + ".corrupt-2000") == true)
        #expect(directory.names.contains("x.lmdb.corrupt-2000"))

        let error = #expect(throws: StoreError.self) { try open(report: reports.add) }
        #expect(error?.code == .inUse)
        #expect(try await store.ask(Plenty.key(1), at: 2_010) == .early(wait: 290, delay: 10))
        #expect(try await store.everything(in: .greylist).count == 3)
        await store.close()
        #expect(reports.all.count == 1)
        #expect(!directory.names.contains("x.lmdb-open"))
    }

    @Test func aPlaceThatIsTakenMeanwhileIsAFaultUntilItIsFree() async throws {
        let store = try open { [path, reports] message in
            reports.add(message)
            // The old file is away, the new one isn't made yet.
            try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
        try await Plenty.fill(store)
        try clearPages()
        for _ in 0..<2 {
            await #expect(throws: StoreError.self) { try await store.ask("a", at: 2_000) }
            await #expect(throws: StoreError.self) { try await store.everything(in: .greylist) }
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(try await store.ask("a", at: 2_000) == .new(wait: 300))
        let error = #expect(throws: StoreError.self) { try open(report: reports.add) }
        #expect(error?.code == .inUse)
        #expect(try await store.ask("a", at: 2_010) == .early(wait: 290, delay: 10))
        await store.close()
        #expect(reports.all.count == 1)
    }
}
