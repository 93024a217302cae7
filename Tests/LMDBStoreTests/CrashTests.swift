import Foundation
import Greylist
import SampleOptions
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

/// A disk on which a store's writes are recorded, one by one, and from which any state of a crash is made.
///
/// A crash of the machine is a disk that has lost some writes; that of the process alone is one that has all of them.
struct CrashTests {
    /// What the files had after an answer, or after the tree took everything in.
    private struct Moment {
        var tree: Data
        var journals: [Data]
        var entries: [Key: Sighting]
        var isFlush: Bool
    }

    private let directory: TemporaryDirectory
    private let path: String
    private let reports = Reports()

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.lmdb")
    }

    /// Nothing but a request of the test has the tree take something in.
    private func open() throws -> LMDBStore {
        try LMDBStore(path: path, syncInterval: .seconds(3_600), at: Timestamp(seconds: 7), report: reports.add)
    }

    private func entries(_ store: some EntrySource) async throws -> [Key: Sighting] {
        var entries: [Key: Sighting] = [:]
        for table in Table.allCases {
            var cursor: Cursor?
            repeat {
                let slice = try await store.scan(table, from: cursor, limit: 7)
                for entry in slice.entries { entries[entry.key] = entry.sighting }
                cursor = slice.next
            } while cursor != nil
        }
        return entries
    }

    private func file(_ name: String) -> Data {
        (try? Data(contentsOf: URL(filePath: name))) ?? Data()
    }

    /// Records batches of first attempts and retries, with a flush after every seventh.
    ///
    /// The age is so short that each later use is recorded, too: every batch writes something.
    private func record(_ batches: Int) async throws -> [Moment] {
        let (store, model) = (try open(), MemoryStore())
        var moments: [Moment] = []
        func note(isFlush: Bool) async throws {
            moments.append(
                Moment(
                    tree: file(path), journals: Journal.names(beside: path).map(file),
                    entries: try await entries(model), isFlush: isFlush))
        }
        _ = try await store.count(.greylist)
        try await note(isFlush: true)
        for number in 0..<batches {
            let time = Int64(1_000 + 400 * number)
            let batch = (0...number % 3).map { index in
                StoreContract.query(
                    "192.0.2.0/24/\((number + index) % 9)", client: "198.51.100.0/24", isHashed: index != 1, at: time,
                    under: Rules.sample(maxAge: 32 * 400 - 1, clientCount: 1_000))
            }
            _ = try await store.answer(batch)
            _ = try await model.answer(batch)
            try await note(isFlush: false)
            if number % 7 == 6 {
                _ = try await store.count(.greylist)
                try await note(isFlush: true)
            }
        }
        await store.close()
        return moments
    }

    /// Opens what is on a disk after a crash; twice, as the first opening may have ended, too.
    private func survivors(tree: Data, journals: [Data]) async throws -> [Key: Sighting] {
        for name in directory.names { try FileManager.default.removeItem(atPath: directory.file(name)) }
        try tree.write(to: URL(filePath: path))
        for (name, journal) in zip(Journal.names(beside: path), journals) where !journal.isEmpty {
            try journal.write(to: URL(filePath: name))
        }
        try Data().write(to: URL(filePath: path + "-open"))
        let reader = try LMDBReader(path: path, isSalvaged: true)
        let read = try await entries(reader)
        await reader.close()
        let store = try open()
        let found = try await entries(store)
        #expect(read == found, "the reader sees what the store takes in")
        await store.close()
        let names = directory.names.filter { !$0.contains("-journal-") || !$0.contains(".corrupt-7") }
        #expect(Set(names).subtracting(["x.lmdb-lock"]) == ["x.lmdb"])
        let again = try open()
        #expect(try await entries(again) == found)
        await again.close()
        return found
    }

    @Test func aKilledProcessLosesNothingAndATornWriteOnlyItself() async throws {
        let moments = try await record(30)
        var random = SeededRandom(seed: 11)
        for (now, next) in zip(moments, moments.dropFirst()) {
            #expect(try await survivors(tree: now.tree, journals: now.journals) == now.entries)
            guard !next.isFlush else { continue }
            // The write that comes next, torn: at its ends, and somewhere within.
            let index = try #require([0, 1].first { now.journals[$0] != next.journals[$0] })
            let (old, new) = (now.journals[index], next.journals[index])
            let start = (0..<new.count).first { $0 >= old.count || old[$0] != new[$0] } ?? 0
            let end = (start..<new.count).last { $0 >= old.count || old[$0] != new[$0] } ?? 0
            for place in [start, start + 1, end, Int.random(in: start...end, using: &random)] {
                var journals = now.journals
                journals[index] = new[..<place] + (old.count > place ? old[place...] : Data())
                let found = try await survivors(tree: now.tree, journals: journals)
                #expect(found == now.entries || found == next.entries && place == end, "torn at \(place)")
                #expect(found == now.entries, "torn at \(place)")
            }
        }
    }

    /// Without a sync of its own, the journal may have lost any sectors since the tree was written; never what the tree
    /// has.
    @Test func lostAndReorderedWritesLoseNothingThatWasSynced() async throws {
        let moments = try await record(30)
        var random = SeededRandom(seed: 13)
        for (index, now) in moments.enumerated() where index > 0 {
            let synced = try #require(moments[...index].lastIndex { $0.isFlush })
            for _ in 0..<4 {
                let journals = zip(now.journals, moments[synced].journals).map { new, old in
                    var bytes = new
                    for start in stride(from: 0, to: new.count, by: 512) where Bool.random(using: &random) {
                        let range = start..<min(start + 512, new.count)
                        let former = range.map { $0 < old.count ? old[$0] : 0 }
                        bytes.replaceSubrange(range, with: former)
                    }
                    return bytes
                }
                let found = try await survivors(tree: now.tree, journals: journals)
                let possible = moments[synced...index]
                #expect(Set(moments[synced].entries.keys).isSubset(of: found.keys))
                for (key, sighting) in found { #expect(possible.contains { $0.entries[key] == sighting }) }
            }
        }
    }

    /// Journals that the tree has already, of whatever age, change nothing in it.
    @Test func anOlderGenerationIsNotReplayed() async throws {
        let moments = try await record(24)
        let last = try #require(moments.last { $0.isFlush })
        for former in moments where former.tree != last.tree {
            #expect(try await survivors(tree: last.tree, journals: former.journals) == last.entries)
        }
    }

    @Test func theJournalOfAnotherDatabaseIsQuarantined() async throws {
        let moment = try #require(try await record(3).last)
        for name in directory.names { try FileManager.default.removeItem(atPath: directory.file(name)) }
        for (name, journal) in zip(Journal.names(beside: path), moment.journals) where !journal.isEmpty {
            try journal.write(to: URL(filePath: name))
        }
        let store = try open()
        #expect(try await entries(store).isEmpty)
        await store.close()
        #expect(directory.names.count { $0.hasPrefix("x.lmdb-journal-") && $0.hasSuffix(".other-1") } == 1)
        #expect(reports.all.count { $0.contains("is not a journal of it: quarantined as") } == 1)
    }

    /// The tree is damaged, the journal is not.
    @Test func theJournalOfADamagedDatabaseIsReplayed() async throws {
        let moment = try #require(try await record(6).last)
        for name in directory.names { try FileManager.default.removeItem(atPath: directory.file(name)) }
        try Data(repeating: 0x61, count: 20_000).write(to: URL(filePath: path))
        var kept = 0
        for (name, journal) in zip(Journal.names(beside: path), moment.journals) where !journal.isEmpty {
            try journal.write(to: URL(filePath: name))
            kept += try #require(journal.withUnsafeBytes { JournalContents($0) }).all.count
        }
        try #require(kept > 0)
        let store = try open()
        let found = try await entries(store)
        for (key, sighting) in found { #expect(moment.entries[key] == sighting) }
        #expect(found.count == kept)
        await store.close()
        #expect(Set(directory.names).subtracting(["x.lmdb-lock"]) == ["x.lmdb", "x.lmdb.corrupt-7"])
        #expect(reports.all.contains { $0.contains("recovered \(kept) entries from the journal") })
        let again = try open()
        #expect(try await entries(again) == found)
        await again.close()
    }

    /// Bytes in the middle of a journal, and those of its header.
    @Test(arguments: [true, false])
    func whatADamagedJournalLosesIsTold(isHeader: Bool) async throws {
        let moment = try #require(try await record(6).last)
        let index = try #require([0, 1].max { moment.journals[$0].count < moment.journals[$1].count })
        var journals = moment.journals
        let place = isHeader ? 20 : JournalHeader.size + 30
        journals[index][journals[index].startIndex + place] ^= 0x10
        for name in directory.names { try FileManager.default.removeItem(atPath: directory.file(name)) }
        try moment.tree.write(to: URL(filePath: path))
        for (name, journal) in zip(Journal.names(beside: path), journals) where !journal.isEmpty {
            try journal.write(to: URL(filePath: name))
        }
        let refused = #expect(throws: StoreError.self) { try LMDBReader(path: path) }
        #expect(refused?.code == .corrupt)
        let store = try open()
        let found = try await entries(store)
        #expect(Set(found.keys).isSubset(of: moment.entries.keys))
        await store.close()
        let name = Journal.names(beside: path)[index]
        let message = try #require(reports.all.first { $0.contains("quarantined as \(name).corrupt-7") })
        #expect(message.contains("journal \(name)"))
        #expect(message.contains(" entries recovered, "))
        #expect(message.contains(" bytes dropped"))
        #expect(try Data(contentsOf: URL(filePath: "\(name).corrupt-7")) == journals[index])
        if !isHeader { #expect(!message.contains("damaged header")) }
    }
}
