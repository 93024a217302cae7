import Foundation
import Greylist
import NIOConcurrencyHelpers
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

/// No process has a map of 2^60 bytes: asking for it fails as asking for less does under `ulimit -v`.
struct AddressSpaceTests {
    static let tooMuch = 1 << 60

    let directory: TemporaryDirectory
    let reports = Reports()
    let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.lmdb")
    }

    private func open(mapSize: Int, growth: @escaping @Sendable (Int) -> Int = { $0 * 2 }) throws -> LMDBStore {
        try LMDBStore(
            Environment(
                path: path, mapSize: mapSize, growth: growth, at: Timestamp(seconds: 7), report: reports.add))
    }

    private func fault(_ store: LMDBStore, round: Int) async -> StoreError? {
        do {
            _ = try await store.answer((0..<1_000).map { StoreContract.query("\(round) \($0)", at: 1_000) })
            return nil
        } catch {
            return error as? StoreError
        }
    }

    @Test func aMapThatCannotGrowIsAFaultUntilItCan() async throws {
        let isTight = NIOLockedValueBox(true)
        let store = try open(mapSize: 1 << 20) { size in isTight.withLockedValue { $0 } ? Self.tooMuch : size * 2 }
        var rounds = 0
        while await fault(store, round: rounds) == nil, rounds < 100 { rounds += 1 }
        try #require((1..<100).contains(rounds))
        for _ in 0..<3 {
            let fault = await fault(store, round: rounds)
            #expect(fault?.code == .unavailable)
            #expect(fault?.description.contains("address space") == true)
        }
        isTight.withLockedValue { $0 = false }
        #expect(await fault(store, round: rounds) == nil)
        #expect(try await store.everything(in: .greylist, limit: 10_000).count == (rounds + 1) * 1_000)
        await store.close()
        #expect(reports.all.isEmpty)
    }

    @Test func aMapOfALesserSizeDoes() async throws {
        let store = try open(mapSize: Self.tooMuch)
        #expect(try await store.ask("a", at: 1_000) == .new(wait: 300))
        await store.close()
    }

    @Test(arguments: [false, true])
    func aDatabaseTooLargeToMapIsRefusedAndKept(_ wasEndedUncleanly: Bool) async throws {
        let store = try open(mapSize: 1 << 30)
        _ = try await store.ask("a", at: 1_000)
        await store.close()
        let url = URL(filePath: path)
        let whole = try Data(contentsOf: url)
        var large = whole
        // The number of the last page, in both of the pages that describe the database.
        for page in [0, 4096] { large[page + 136 + 6] = 4 }
        try large.write(to: url)
        if wasEndedUncleanly { try Data().write(to: URL(filePath: path + "-open")) }
        let error = #expect(throws: StoreError.self) { try open(mapSize: 1 << 30) }
        #expect(error?.code == .unavailable)
        #expect(error?.description.contains("address space") == true)
        #expect(directory.names.contains("x.lmdb-open") == wasEndedUncleanly)
        #expect(try Data(contentsOf: url) == large)
        #expect(!directory.names.contains("x.lmdb.corrupt-7"))

        try whole.write(to: url)
        let again = try open(mapSize: 1 << 30)
        #expect(try await again.ask("a", at: 1_010) == .early(wait: 290, delay: 10))
        await again.close()
    }
}
