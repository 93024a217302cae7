import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport
import Testing

@testable import GDBMStore

struct DamageTests {
    static let count = 5_000

    let stage: Stage

    init() throws {
        stage = try Stage()
    }

    static let foreign: [(String, Data)] = [
        ("text", Data("this is no database\n".utf8)),
        ("one byte", Data([0])),
        ("a page of zeros", Data(count: 4096)),
        ("64 KiB of noise", Data((0..<65_536).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })),
        ("a header and nothing else", Data([0xcf, 0x9a, 0x57, 0x13]) + Data(count: 4092)),
    ]

    @Test(arguments: foreign)
    func aForeignFileIsQuarantined(_ name: String, _ contents: Data) async throws {
        try stage.write(contents)
        let store = try stage.open(at: 1_234)
        #expect(try await store.ask("a", at: 1_000) == .new(wait: 300))
        await store.close()
        let quarantined = stage.directory.file("grey.corrupt-1234")
        #expect(try Data(contentsOf: URL(filePath: quarantined)) == contents)
        #expect(stage.reports.all.count == 1)
        #expect(stage.reports.all.first?.contains(quarantined) == true)
        #expect(Set(stage.directory.names) == ["grey", "grey.corrupt-1234"])
    }

    @Test func anEmptyFileIsAFreshDatabase() async throws {
        try stage.write(Data())
        let store = try stage.open()
        #expect(try await store.ask("a", at: 1_000) == .new(wait: 300))
        await store.close()
        #expect(stage.reports.all.isEmpty)
    }

    @Test func aQuarantineNameThatIsTakenIsNotOverwritten() async throws {
        try Data("older".utf8).write(to: URL(filePath: stage.directory.file("grey.corrupt-7")))
        try stage.write(Data("newer".utf8))
        await (try stage.open()).close()
        #expect(
            try Data(contentsOf: URL(filePath: stage.directory.file("grey.corrupt-7"))) == Data("older".utf8))
        #expect(try Data(contentsOf: URL(filePath: stage.directory.file("grey.corrupt-7-2"))) == Data("newer".utf8))
    }

    @Test func aPlaceThatIsNotFitForAFileIsRefused() throws {
        try FileManager.default.createDirectory(
            atPath: stage.directory.file("directory"), withIntermediateDirectories: false)
        for name in ["directory", "missing/grey"] {
            let error = #expect(throws: StoreError.self) { try stage.open(name) }
            #expect(error?.code == .cannotCreate)
            #expect(error?.description.hasPrefix("gdbm://\(stage.directory.file(name)): ") == true)
        }
    }

    /// Makes a database, changes its bytes, opens it again, and returns how many entries it still has.
    private func left(after change: (inout Data) -> Void) async throws -> Int {
        let store = try stage.open()
        try await stage.fill(store, 0..<Self.count)
        await store.close()
        var bytes = try stage.contents
        change(&bytes)
        try stage.write(bytes)
        let again = try stage.open()
        // Asked twice: the first time may meet the damage.
        _ = try await stage.known(to: again, 0..<Self.count)
        #expect(try await stage.known(to: again, 0..<Self.count) <= Self.count)
        let entries = try await again.everything(in: .greylist, limit: 1_000)
        await again.close()
        return entries.count { $0.sighting.last == Timestamp(seconds: 1_000) }
    }

    @Test(arguments: [100, 50, 20, 10, 5, 2])
    func aTruncatedFileIsQuarantinedAndItsEntriesAreSaved(_ divisor: Int) async throws {
        let left = try await left { $0 = $0.prefix($0.count - $0.count / divisor) }
        #expect(left < Self.count)
        #expect(divisor == 2 || left > Self.count / 3)
        #expect(stage.reports.all.count == 1)
        #expect(stage.reports.all.first?.contains("grey.corrupt-") == true)
        #expect(!stage.directory.names.contains("grey-rebuild"))
    }

    @Test(arguments: 0..<10)
    func scribbledPagesAreQuarantined(_ seed: Int) async throws {
        let left = try await left { bytes in
            let pages = bytes.count / 4096
            for number in 0..<5 {
                let page = (seed * 7 + number * 13 + 3) % pages
                for index in page * 4096..<page * 4096 + 4096 {
                    bytes[index] = UInt8(truncatingIfNeeded: (index &+ seed) &* 2_654_435_761 >> 11)
                }
            }
        }
        #expect(left < Self.count)
        #expect(left > 0)
        #expect(stage.reports.all.count == 1)
        #expect(stage.reports.all.first?.contains("grey.corrupt-") == true)
    }

    @Test func anUntouchedFileIsNotQuarantined() async throws {
        #expect(try await left { _ in } == Self.count)
        #expect(stage.reports.all.isEmpty)
    }

    @Test func aFileThatIsDamagedWhileOpenIsQuarantined() async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<Self.count)
        let file = try #require(FileHandle(forUpdatingAtPath: stage.path))
        let size = Int(try file.seekToEnd())
        try file.truncate(atOffset: UInt64(size * 2 / 3))
        try file.close()
        let kept = try await stage.known(to: store, 0..<Self.count)
        #expect(kept > 0)
        #expect(kept < Self.count)
        #expect(stage.reports.all.count == 1)
        #expect(stage.directory.names.contains("grey.corrupt-1010"))
        let error = #expect(throws: StoreError.self) { try stage.open() }
        #expect(error?.code == .inUse)
        // What was answered before the damage was met may be lost.
        let left = try await stage.known(to: store, 0..<Self.count)
        #expect((1...kept).contains(left))
        #expect(try await stage.known(to: store, 0..<Self.count) == left)
        await store.close()
        #expect(Set(stage.directory.names) == ["grey", "grey.corrupt-1010"])
    }

    @Test func aFileThatIsCutToNothingWhileOpenIsQuarantined() async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<Self.count)
        #expect(truncate(stage.path, 0) == 0)
        #expect(try await store.ask("a", at: 2_000) == .new(wait: 300))
        // What was written before the damage was met may be lost with the file.
        let second = try await store.ask("a", at: 2_010)
        #expect([.early(wait: 290, delay: 10), .new(wait: 300)].contains(second))
        let isLost = second == .new(wait: 300)
        #expect(try await store.ask("a", at: 2_020) == .early(wait: isLost ? 290 : 280, delay: isLost ? 10 : 20))
        await store.close()
    }

    @Test func aPlaceThatIsTakenMeanwhileIsAFaultUntilItIsFree() async throws {
        let store = try GDBMStore(
            path: stage.path, holding: .greylist, at: Timestamp(seconds: 7),
            report: { [path = stage.path, reports = stage.reports] message in
                reports.add(message)
                // The old file is away, the new one isn't made yet.
                try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            })
        try await stage.fill(store, 0..<Self.count)
        #expect(truncate(stage.path, 0) == 0)
        for _ in 0..<2 {
            await #expect(throws: StoreError.self) { try await stage.known(to: store, 0..<Self.count) }
            await #expect(throws: StoreError.self) { try await store.everything(in: .greylist) }
        }
        try FileManager.default.removeItem(atPath: stage.path)
        #expect(try await store.ask("a", at: 2_000) == .new(wait: 300))
        #expect(try await store.ask("a", at: 2_010) == .early(wait: 290, delay: 10))
        await store.close()
    }

    /// A reader of entries goes round what is damaged; whoever copies them has to be told.
    @Test(arguments: 0..<12)
    func aSnapshotTellsWhatIsDamaged(_ seed: Int) async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<Self.count)
        await store.close()
        let sound = try GDBMSnapshot(of: stage.path, holding: .greylist)
        #expect(sound.flaw == nil)
        await sound.close()
        var bytes = try stage.contents
        switch seed % 4 {
        case 0: bytes = bytes.prefix(bytes.count - 5_000 * (seed + 1))
        case 1: bytes.replaceSubrange(4_096 * (seed + 2)..<4_096 * (seed + 3), with: Data(count: 4_096))
        case 2:
            // A single bit of a key.
            let key = Array(Stage.key(seed * 100).utf8)
            let range = try #require(bytes.firstRange(of: key))
            bytes[range.lowerBound + 20] ^= 1
        default:
            // A place of the directory leads elsewhere.
            let directory = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: Int64.self) }
            for index in 0..<8 { bytes[Int(directory) + 8 * seed + index] = 0 }
        }
        try stage.write(Data(bytes))
        let refused = #expect(throws: StoreError.self) { try GDBMSnapshot(of: stage.path, holding: .greylist) }
        #expect(refused?.code == .corrupt)
        let salvaged = try GDBMSnapshot(of: stage.path, holding: .greylist, isSalvaged: true)
        #expect(salvaged.flaw?.contains("damaged: ") == true)
        let entries = try await salvaged.scan(.greylist, from: nil, limit: 2 * Self.count).entries
        #expect(entries.count < Self.count)
        await salvaged.close()
    }

    @Test func aFileThatIsDamagedBeforeItIsOpenedIsToldAtTheStart() async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<Self.count)
        await store.close()
        var bytes = try stage.contents
        bytes.replaceSubrange(8_192..<16_384, with: Data(count: 8_192))
        try stage.write(bytes)
        let again = try stage.open()
        #expect(stage.reports.all.count == 1)
        let words = try #require(
            stage.reports.all.first?.firstMatch(
                of: /going on with the ([0-9]+) entries that can be read; ([0-9]+) entries/))
        let (kept, lost) = (try #require(Int(words.1)), try #require(Int(words.2)))
        #expect(0 < kept && kept < Self.count)
        #expect(lost > 0)
        await again.close()
    }

    @Test(arguments: ["removed", "replaced"])
    func aFileThatIsNotThereAnyMoreIsNoticed(_ kind: String) async throws {
        let other = try stage.open("other")
        _ = try await other.ask("b", at: 1_000)
        await other.close()
        let store = try stage.open()
        _ = try await store.ask("a", at: 1_000)
        try await store.checkFiles(at: Timestamp(seconds: 1_001))
        #expect(stage.reports.all.isEmpty)
        if kind == "removed" { unlink(stage.path) } else { rename(stage.directory.file("other"), stage.path) }
        try await store.checkFiles(at: Timestamp(seconds: 1_002))
        #expect(stage.reports.all.count == 1)
        #expect(stage.reports.all.first?.contains("\(kind) while in use") == true)
        #expect(throws: StoreError.self) { try stage.open() }
        let known = kind == "replaced"
        #expect(try await store.ask("b", at: 1_010) == (known ? .early(wait: 290, delay: 10) : .new(wait: 300)))
        await store.close()
    }
}
