import Foundation
import Greylist
import SampleOptions
import Storage
import StoreContract
import SystemPackage
import Testing

@testable import GDBMStore

struct EntryWalkTests {
    let stage: Stage

    init() throws {
        stage = try Stage()
    }

    @Test func everyEntryIsVisitedOnceWhileOthersAreWrittenAndRemoved() async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<2_000)
        let before = Set(try await store.everything(in: .greylist).map(\.key))
        #expect(before.count == 2_000)
        var seen: [Key] = []
        var cursor: Cursor?
        var round = 0
        repeat {
            let slice = try await store.scan(.greylist, from: cursor, limit: 37)
            #expect(slice.entries.count <= 37)
            seen += slice.entries.map(\.key)
            cursor = slice.next
            round += 1
            // Buckets are split, and entries of theirs go to other places.
            try await stage.fill(store, 10_000 * round..<10_000 * round + 100)
            let young = Rules.sample(delay: 1, retryWindow: 1_000)
            _ = try await store.expire(.greylist, from: cursor, limit: 1, at: Timestamp(seconds: 1_500), under: young)
        } while cursor != nil
        #expect(Set(seen).isSuperset(of: before))
        #expect(Set(seen).count == seen.count)
        await store.close()
    }

    @Test func aTableThatWasEmptiedIsGoneThroughInSlicesToo() async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<10_000)
        let (removed, slices) = try await store.maintain(.greylist, at: 9_000_000, limit: 100)
        #expect(removed == 10_000)
        #expect(slices >= 100)
        #expect(try await store.everything(in: .greylist).isEmpty)
        await store.close()
    }

    @Test func theHeaderOfAnythingElseIsRefused() throws {
        try stage.write(Data(count: 4096))
        let descriptor = try FileDescriptor.open(stage.path, .readOnly)
        defer { try? descriptor.close() }
        #expect(FileHeader(descriptor) == nil)
        #expect(Bucket([UInt8](repeating: 0xff, count: 4096), directoryBits: 9) == nil)
    }

    static let networks: [(String, String?)] = [
        ("192.0.2.0/24/a@b/c@d", "192.0.2.0/24"), ("2001:db8::/48/a@b/c@d", "2001:db8::/48"),
        ("192.0.2.0/24", "192.0.2.0/24"), ("3f786850e387550fdab836ed7e6dc881de23001b", nil), ("x/24/y/z", nil),
        ("192.0.2.0/x/y/z", nil), ("", nil),
    ]

    @Test(arguments: networks)
    func aPlainKeyTellsItsNetwork(_ key: String, _ network: String?) throws {
        let entry = StoredEntry(hash: 0, key: Array(key.utf8), value: [])
        let expected = try network.map { text in
            let parts = text.split(separator: "/")
            return Network(try #require(Address(String(parts[0]))), prefixLength: try #require(Int(parts[1]))).tag
        }
        #expect(entry.network == expected ?? 0)
    }
}
