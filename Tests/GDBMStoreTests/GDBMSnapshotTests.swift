import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport
import Testing

@testable import GDBMStore

struct GDBMSnapshotTests {
    let stage: Stage

    init() throws {
        stage = try Stage()
    }

    private func everything(in snapshot: GDBMSnapshot, _ table: Table = .greylist) async throws -> [Entry] {
        var entries: [Entry] = []
        var cursor: Cursor?
        repeat {
            let slice = try await snapshot.scan(table, from: cursor, limit: 70)
            entries += slice.entries
            cursor = slice.next
        } while cursor != nil
        return entries
    }

    @Test func aFileIsReadWhileWeHaveIt() async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<1_000)
        let snapshot = try GDBMSnapshot(of: stage.path, holding: .greylist)
        #expect(snapshot.isSteady)
        #expect(Set(stage.directory.names) == ["grey", "grey-open"])
        try await stage.fill(store, 1_000..<1_100)
        #expect(try await snapshot.count(.greylist) == 1_000)
        #expect(Set(try await everything(in: snapshot).map(\.key)).count == 1_000)
        #expect(try await everything(in: snapshot, .autoWhitelist).isEmpty)
        await snapshot.close()
        await #expect(throws: StoreError.self) { try await snapshot.scan(.greylist, from: nil, limit: 1) }
        await store.close()
    }

    @Test func aFileIsReadWhileTheOriginalHasIt() async throws {
        let fill = """
            d = dbm.gnu.open(args[0], 'c')
            for n in range(1000): d['key %d' % n] = '%d,1000' % (n % 2)
            """
        let other = try Python.Waiting(fill, stage.path)
        let snapshot = try GDBMSnapshot(of: stage.path, holding: .greylist)
        let entries = try await everything(in: snapshot)
        #expect(entries.count == 1_000)
        #expect(entries.count { $0.sighting.passes == 1 } == 500)
        await snapshot.close()
        try other.end()
    }

    @Test func entriesOfBeforeAreThereWhileOthersAreWritten() async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<2_000)
        let writing = Task { [stage] in
            for round in 1...20 { try await stage.fill(store, round * 10_000..<round * 10_000 + 200) }
        }
        let wanted = Set((0..<2_000).map { Key(Array(Stage.key($0).utf8).span, isHashed: false) })
        for _ in 0..<5 {
            let snapshot = try GDBMSnapshot(of: stage.path, holding: .greylist)
            let seen = Set(try await everything(in: snapshot).map(\.key))
            if snapshot.isSteady { #expect(seen.isSuperset(of: wanted)) }
            #expect(seen.intersection(wanted).count > 1_500)
            await snapshot.close()
        }
        try await writing.value
        await store.close()
    }

    @Test func whatIsNoDatabaseIsRefused() async throws {
        func code(_ name: String) -> StoreError.Code? {
            #expect(throws: StoreError.self) {
                try GDBMSnapshot(of: stage.directory.file(name), holding: .greylist)
            }?.code
        }
        #expect(code("missing") == .cannotCreate)
        try stage.write(Data("text".utf8))
        #expect(code("grey") == .corrupt)
        #expect(code(".") == .cannotCreate)
        try stage.write(Data())
        let empty = try GDBMSnapshot(of: stage.path, holding: .greylist, in: stage.directory.path)
        #expect(try await empty.count(.greylist) == 0)
        #expect(try await everything(in: empty).isEmpty)
    }
}
