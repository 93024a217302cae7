import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport
import Testing

@testable import LMDBStore

/// What is read from a journal's file after anything that a crash may leave of it.
struct JournalTests {
    /// What the entries were after each frame; the first is the state before any.
    private typealias History = [[Key: Sighting]]

    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.lmdb")
    }

    private static func key(_ number: Int) -> Key {
        // Plain texts, as a sender may choose them, and digests.
        Key(Array("192.0.2.0/24/\(number)@sender.example".utf8).span, isHashed: number.isMultiple(of: 2))
    }

    /// Appends frames of one to three changes, each of which counts on.
    private func write(_ count: Int, from start: Int, to journal: inout Journal) throws -> History {
        var history: History = [[:]]
        for number in start..<start + count {
            var frame = JournalFrame()
            var state = history[history.count - 1]
            for change in 0...number % 3 {
                let sighting = Sighting(
                    passes: UInt32(number), first: Timestamp(seconds: 1_000), last: Timestamp(seconds: Int64(number)))
                let key = Self.key((number + change) % 7).stored
                frame.append(WriteBuffer.Slot(table: .greylist, key: key), Record(sighting, network: 0))
                state[key] = Record(sighting, network: 0).sighting
            }
            try #require(journal.append(&frame, isSynced: false))
            history.append(state)
        }
        return history
    }

    private func bytes(_ generation: UInt64) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: Journal.names(beside: path)[Int(generation & 1)])))
    }

    private func state(_ contents: JournalContents?) -> [Key: Sighting] {
        var state: [Key: Sighting] = [:]
        for entry in contents?.buffer.sorted() ?? [] { state[entry.slot.key] = entry.record.sighting }
        return state
    }

    private func read(_ bytes: [UInt8]) -> JournalContents? {
        bytes.withUnsafeBytes { JournalContents($0) }
    }

    /// Made by Python's hashlib and hmac from what is said of the format.
    @Test func theFormatIsAsDescribed() {
        let header = JournalHeader(database: 5, generation: 3, salt: 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100)
        #expect(
            hexadecimal(header.bytes) == "545052544a4e4c32050000000000000003000000000000000001020304050607"
                + "08090a0b0c0d0e0f000000000000000000927b155a663f11e03ef0dbeeecd3a3")
        var frame = JournalFrame()
        let sighting = Sighting(passes: 7, first: Timestamp(seconds: 1_000), last: Timestamp(seconds: 1_400))
        frame.append(
            WriteBuffer.Slot(
                table: .greylist, key: Key(Array("192.0.2.0/24/a@b/c@d".utf8).span, isHashed: false).stored),
            Record(sighting, network: 0))
        frame.seal(number: 9, for: header)
        #expect(
            hexadecimal(frame.bytes) == "948956457afac8c13adb67891c1d276009000000000000002700000000140031"
                + "39322e302e322e302f32342f6140622f63406407000000e80300000000000090010000")
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test func whatWasAppendedIsRead() throws {
        var journal = Journal(beside: path, database: 5, generation: 3)
        let history = try write(40, from: 0, to: &journal)
        journal.close()
        let contents = try Journal.find(beside: path, of: 5).contents
        #expect(contents.map(\.header.generation) == [3])
        #expect(contents.map(\.header.database) == [5])
        #expect(state(contents.first) == history.last)
    }

    @Test func aTornWriteAtEveryByteLeavesTheFramesBeforeIt() throws {
        var journal = Journal(beside: path, database: 5, generation: 3)
        var ends: [Int] = []
        var history: History = [[:]]
        for number in 0..<20 {
            // The numbers of frames go on, the history as well.
            let step = try write(1, from: number, to: &journal)
            history.append(history[number].merging(step[1]) { $1 })
            ends.append(try bytes(3).count)
        }
        let whole = try bytes(3)
        // Zeros, as of a file that grew and wasn't written, and what a disk makes up.
        for filling in [nil, UInt8(0), 0xff] {
            for length in 0..<whole.count {
                let rest = filling.map { [UInt8](repeating: $0, count: whole.count - length) } ?? []
                let frames = ends.count { $0 <= length }
                let found = state(read(whole[..<length] + rest))
                // The rest may happen to be what was to be written.
                #expect(found == history[frames] || filling != nil && found == history[frames + 1], "at \(length)")
            }
        }
    }

    @Test func aFlippedBitAnywhereEndsTheJournalThere() throws {
        var journal = Journal(beside: path, database: 5, generation: 3)
        let history = try write(12, from: 0, to: &journal)
        let whole = try bytes(3)
        for index in whole.indices {
            for bit in 0..<8 {
                var bytes = whole
                bytes[index] ^= 1 << bit
                let found = read(bytes)
                if found == nil { #expect(index < JournalHeader.size) }
                #expect(history.dropLast().contains(state(found)), "bit \(bit) of byte \(index)")
            }
        }
    }

    /// The second use of a file is written over the first one; any sectors of it may be lost at a power cut.
    @Test func whatIsLeftOfAnEarlierUseIsNeverTakenForTheLaterOne() throws {
        var random = SeededRandom(seed: 7)
        var journal = Journal(beside: path, database: 5, generation: 3)
        let former = try write(60, from: 0, to: &journal)
        let old = try bytes(3)
        journal.turn(isAllApplied: true)
        journal.turn(isAllApplied: true)
        let latter = try write(45, from: 100, to: &journal)
        let new = try bytes(5)
        #expect(new.count == old.count)
        #expect(state(read(new)) == latter.last)
        for size in [512, 4_096] {
            let sectors = (new.count + size - 1) / size
            for _ in 0..<1_000 {
                let lost = random.next()
                var bytes = new
                for sector in 0..<sectors where lost >> UInt64(sector % 64) & 1 == 1 {
                    let range = sector * size..<min((sector + 1) * size, old.count)
                    bytes.replaceSubrange(range, with: old[range])
                }
                let found = read(bytes)
                let history = found?.header.generation == 3 ? former : latter
                #expect(history.contains(state(found)))
            }
        }
    }

    /// The same generation again, as after a power cut that lost its header: only the salt tells the two apart.
    @Test func framesOfTheSameGenerationWithAnotherSaltAreStrangers() throws {
        var first = Journal(beside: path, database: 5, generation: 3)
        _ = try write(6, from: 0, to: &first)
        let old = try bytes(3)
        first.removeFiles()
        var second = Journal(beside: path, database: 5, generation: 3)
        let history = try write(3, from: 0, to: &second)
        let new = try bytes(3)
        #expect(state(read(new + old[new.count...])) == history.last)
    }

    @Test func whatIsInTheWayIsAFaultAndIsLetBe() throws {
        let name = Journal.names(beside: path)[1]
        for make in [
            { try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: false) },
            { try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: path) },
        ] {
            try make()
            var journal = Journal(beside: path, database: 5, generation: 3)
            var frame = JournalFrame()
            frame.append(
                WriteBuffer.Slot(table: .greylist, key: Self.key(1)),
                Record(Sighting(firstAt: Timestamp(seconds: 1)), network: 0))
            #expect(!journal.append(&frame, isSynced: true))
            #expect(journal.fault != nil)
            #expect(try Journal.find(beside: path, of: 5).contents.isEmpty)
            journal.removeFiles()
            #expect(directory.names == ["x.lmdb-journal-1"])
            try FileManager.default.removeItem(atPath: name)
        }
    }

    /// Never read, never written over: somebody else may want them yet.
    @Test(arguments: ["text", "a later version", "another database"])
    func aStrangeFileInItsPlaceIsQuarantined(_ kind: String) throws {
        var (other, own) = (
            Journal(beside: path, database: 6, generation: 4), Journal(beside: path, database: 5, generation: 3)
        )
        _ = try write(5, from: 0, to: &other)
        let history = try write(5, from: 0, to: &own)
        let name = Journal.names(beside: path)[0]
        var bytes = try bytes(4)
        if kind == "a later version" { bytes[7] += 1 }
        if kind == "text" { bytes = Array("Dear diary\n".utf8) }
        try Data(bytes).write(to: URL(filePath: name))
        let found = try Journal.find(beside: path, of: 5)
        #expect(found.strange == [name])
        #expect(state(found.contents.first) == history.last)
        #expect(try Journal.quarantine(foreign: name) == "\(name).other-1")
        try Data().write(to: URL(filePath: name))
        #expect(try Journal.quarantine(foreign: name) == "\(name).other-2")
        #expect(try Data(contentsOf: URL(filePath: "\(name).other-1")) == Data(bytes))
        #expect(try Journal.find(beside: path, of: 5).strange.isEmpty)
    }

    /// A journal of the format before this one: a header of 64 bytes, and frames.
    private func writeFormer(frames: Int) throws -> String {
        let name = Journal.names(beside: path)[1]
        let bytes = Array("TPRTJNL1".utf8) + (0..<56 + UInt8(frames)).map { $0 }
        try Data(bytes).write(to: URL(filePath: name))
        return name
    }

    @Test func aFormerJournalWithFramesIsRefusedAndNothingIsChanged() async throws {
        func open() throws -> LMDBStore {
            try LMDBStore(path: path, at: Timestamp(seconds: 7)) { Issue.record("reported: \($0)") }
        }
        let before = try open()
        _ = try await before.ask("a", at: 1_000)
        await before.close()
        let name = try writeFormer(frames: 1)
        func contents() throws -> [String: Data] {
            let names = directory.names.map { ($0, directory.file($0)) }
            return Dictionary(uniqueKeysWithValues: try names.map { ($0, try Data(contentsOf: URL(filePath: $1))) })
        }
        let files = try contents()
        let error = #expect(throws: StoreError.self) { try open() }
        #expect(error?.code == .corrupt)
        #expect(error?.description.contains(name) == true)
        #expect(error?.description.contains("start that version once and stop it properly first") == true)
        let refused = #expect(throws: StoreError.self) { try LMDBReader(path: path) }
        #expect(refused == error)
        #expect(try contents() == files)
        let reader = try LMDBReader(path: path, isSalvaged: true)
        #expect(reader.flaw == error?.description)
        #expect(try await reader.scan(.greylist, from: nil, limit: 10).entries.count == 1)
        await reader.close()
        try FileManager.default.removeItem(atPath: name)
        let after = try open()
        #expect(try await after.ask("a", at: 1_010) == .early(wait: 290, delay: 10))
        await after.close()
    }

    @Test func aFormerJournalWithoutFramesIsQuarantined() async throws {
        let name = try writeFormer(frames: 0)
        let reports = Reports()
        let store = try LMDBStore(path: path, at: Timestamp(seconds: 7), report: reports.add)
        #expect(try await store.ask("a", at: 1_000) == .new(wait: 300))
        await store.close()
        #expect(reports.all.contains { $0.contains("\(name) is not a journal of it: quarantined as \(name).other-1") })
    }

    @Test(arguments: [(0, 0), (0, 100), (1, 0), (7, 0), (8, 0), (8, 100), (63, 100)])
    func whatACrashLeavesOfAHeaderIsNotStrange(_ count: Int, _ zeros: Int) throws {
        var journal = Journal(beside: path, database: 5, generation: 4)
        _ = try write(5, from: 0, to: &journal)
        let bytes = try bytes(4)
        let rest = [UInt8](repeating: 0, count: zeros)
        try Data(bytes.prefix(count) + rest).write(to: URL(filePath: Journal.names(beside: path)[0]))
        let found = try Journal.find(beside: path, of: 5)
        #expect(found.contents.isEmpty)
        #expect(found.strange.isEmpty)
    }

    @Test func itBelongsToTheOwnerOfTheTree() throws {
        try Data().write(to: URL(filePath: path))
        chmod(path, 0o640)
        try #require(chown(path, 65_534, 65_534) == 0)
        var journal = Journal(beside: path, database: 5, generation: 3)
        _ = try write(1, from: 0, to: &journal)
        var status = stat()
        try #require(stat(Journal.names(beside: path)[1], &status) == 0)
        #expect(status.st_uid == 65_534)
        #expect(status.st_gid == 65_534)
        #expect(status.st_mode & 0o777 == 0o640)
    }
}
