import Engine
import Foundation
import GRDB
import Greylist
import TestSupport
import Testing

@testable import History

/// What becomes of a history that can't be used.
struct FaultTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("history.sqlite") }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func writer(patience: Double = 0.05) throws -> HistoryWriter {
        try HistoryWriter(.sample(path), at: noon, patience: patience)
    }

    private func batch(_ numbers: Range<Int> = 0..<1) throws -> DecisionBatch {
        try DecisionBatch(
            numbers.map { number in
                Said(.new(wait: 300), after: Int64(number)) { $0.sender = "s\(number)x@example.org" }
            })
    }

    private func cases() throws -> Int { try Self.cases(of: path) }

    private static func cases(of path: String) throws -> Int {
        try HistoryReader(path: path).look { try Int.fetchOne($0, sql: "SELECT count(*) FROM cases") ?? 0 }
    }

    @Test func openingAgainLosesNothing() throws {
        for number in 0..<3 {
            var writer = try writer()
            #expect(writer.openingNotice == nil)
            #expect(writer.write(try batch(number..<number + 1), dropped: 0, at: noon) == nil)
            writer.close()
        }
        #expect(directory.names == ["history.sqlite"])
        #expect(try cases() == 3)
        let settings = try DatabaseQueue(path: path).read { database in
            try ["auto_vacuum", "journal_mode", "application_id", "user_version"].map { name in
                try String.fetchOne(database, sql: "SELECT CAST(\(name) AS TEXT) FROM pragma_\(name)")
            }
        }
        #expect(settings == ["2", "wal", "\(HistorySchema.applicationID)", "\(HistorySchema.version)"])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o640)
    }

    @Test(arguments: ["nothing of SQLite's", String(repeating: "x", count: 50_000)])
    func aDamagedFileIsQuarantined(_ text: String) throws {
        for (suffix, text) in ["": text, "-wal": "w", "-shm": "s"] {
            try directory.write(text, to: "history.sqlite" + suffix)
        }
        try directory.write("earlier", to: "history.sqlite.corrupt-\(noon.seconds)")
        var writer = try writer()
        let name = "\(path).corrupt-\(noon.seconds)-2"
        guard case .quarantined(let error, name)? = writer.openingNotice else {
            Issue.record("\(String(describing: writer.openingNotice))")
            return
        }
        #expect(error.code == .damaged)
        #expect(error.description.hasPrefix("\(path): damaged ("))
        #expect(try String(contentsOfFile: name, encoding: .utf8) == text)
        #expect(directory.names(beginningWith: "history.sqlite.corrupt").count >= 3)
        #expect(writer.write(try batch(), dropped: 0, at: noon) == nil)
        #expect(try cases() == 1)
    }

    /// A file that is damaged while it is written is replaced; a disk that damages each new one gets no second chance at once.
    @Test func damageIsFoundLater() throws {
        var writer = try writer()
        #expect(writer.write(try batch(0..<3_000), dropped: 0, at: noon) == nil)
        writer.close()
        func damage() throws {
            let file = try FileHandle(forUpdating: URL(filePath: path))
            let size = try file.seekToEnd()
            for page in 1..<size / 4096 {
                try file.seek(toOffset: page * 4096)
                try file.write(contentsOf: Data(repeating: 0xa5, count: 4096))
            }
            try file.close()
        }
        try damage()
        #expect(throws: HistoryError.self) { try HistoryReader(path: path).search("", limit: 9) }
        var notices: [HistoryNotice?] = []
        writer = try HistoryWriter(.sample(path), at: noon)
        notices.append(writer.openingNotice)
        notices.append(writer.write(try batch(0..<10), dropped: 0, at: noon))
        let quarantined = notices.compactMap { if case .quarantined(let error, _)? = $0 { error.code } else { nil } }
        #expect(quarantined == [.damaged])
        #expect(writer.write(try batch(10..<20), dropped: 0, at: noon) == nil)
        #expect(try cases() >= 10)
        writer.close()
        try damage()
        #expect(
            writer.write(try batch(20..<30), dropped: 0, at: Timestamp(seconds: noon.seconds + 60)).isFailing(.damaged))
        #expect(writer.write(try batch(20..<30), dropped: 0, at: Timestamp(seconds: noon.seconds + 61)) == nil)
        #expect(
            directory.names(beginningWith: "history.sqlite.corrupt").filter { !$0.hasSuffix("l") && !$0.hasSuffix("m") }
                .count == 1)
        #expect(writer.write(try batch(30..<40), dropped: 0, at: Timestamp(seconds: noon.seconds + 3_601)) != nil)
        #expect(writer.write(try batch(30..<40), dropped: 0, at: Timestamp(seconds: noon.seconds + 3_602)) == nil)
        #expect(try cases() == 10)
    }

    @Test func aNewerVersionIsLeftAlone() throws {
        var writer = try writer()
        #expect(writer.write(try batch(), dropped: 0, at: noon) == nil)
        writer.close()
        try DatabaseQueue(path: path).inDatabase { try $0.execute(sql: "PRAGMA user_version = 2") }
        let before = try Data(contentsOf: URL(filePath: path))
        let failure = #expect(throws: HistoryError.self) { _ = try self.writer() }
        #expect(failure?.code == .newerVersion)
        #expect(failure?.description.contains("made by a newer version of TPRT (format 2): upgrade") == true)
        let refusal = #expect(throws: HistoryError.self) { _ = try HistoryReader(path: path) }
        #expect(refusal?.code == .newerVersion)
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
    }

    @Test func anotherProgramsDatabaseIsLeftAlone() throws {
        try DatabaseQueue(path: path).inDatabase {
            try $0.execute(sql: "CREATE TABLE mail (id); INSERT INTO mail VALUES (1)")
        }
        let before = try Data(contentsOf: URL(filePath: path))
        #expect(#expect(throws: HistoryError.self) { _ = try writer() }?.code == .otherFormat)
        #expect(#expect(throws: HistoryError.self) { _ = try HistoryReader(path: path) }?.code == .otherFormat)
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
    }

    @Test func whatIsMissingIsSaid() throws {
        let failure = #expect(throws: HistoryError.self) { _ = try HistoryReader(path: path) }
        #expect(failure?.code == .missing)
        #expect(failure?.description == "\(path): no history: tprtd makes it where service.history_db names it")
        try directory.write("", to: "history.sqlite")
        #expect(#expect(throws: HistoryError.self) { _ = try HistoryReader(path: path) }?.code == .missing)
        let elsewhere = HistoryOptions.sample(directory.file("none/history.sqlite"))
        #expect(#expect(throws: HistoryError.self) { _ = try HistoryWriter(elsewhere, at: noon) }?.code == .missing)
        let here = HistoryOptions.sample(directory.path)
        #expect(#expect(throws: HistoryError.self) { _ = try HistoryWriter(here, at: noon) }?.code == .otherFormat)
        // An empty file becomes one.
        _ = try writer()
        #expect(try cases() == 0)
    }

    /// Another program's transaction costs records, which are counted, and two messages.
    @Test func aLockCostsRecords() throws {
        var writer = try writer()
        let other = try DatabaseQueue(path: path)
        try other.inDatabase { database in
            try database.execute(sql: "BEGIN EXCLUSIVE")
            #expect(writer.write(try batch(0..<5), dropped: 2, at: noon).isFailing(.locked))
            #expect(writer.write(try batch(5..<7), dropped: 0, at: noon) == nil)
            #expect(writer.tidy(at: noon) == nil)
            #expect(try cases() == 0)
            try database.execute(sql: "ROLLBACK")
        }
        #expect(writer.counts.dropped == 9)
        #expect(writer.write(try batch(7..<9), dropped: 0, at: noon) == .recovered(dropped: 7))
        #expect(writer.write(try batch(9..<10), dropped: 0, at: noon) == nil)
        #expect(try cases() == 3)
        #expect(writer.counts.attempts == 3)
    }

    @Test func aLockedFileIsntOpened() throws {
        _ = try writer()
        let other = try DatabaseQueue(path: path)
        try other.inDatabase { database in
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE lock (id)")
            for open in [{ _ = try writer() }, { _ = try HistoryReader(path: path, patience: 0.05).oldest() }]
                as [() throws -> Void]
            {
                let error = #expect(throws: HistoryError.self) { try open() }
                #expect(error?.code == .locked)
                #expect(error?.description.contains("locked by another program: end its transaction") == true)
            }
        }
    }

    @Test func aReaderSeesWhatIsWritten() throws {
        var writer = try writer()
        let reader = try HistoryReader(path: path)
        var last: Int64 = 0
        for number in 0..<20 {
            #expect(writer.write(try batch(10 * number..<10 * number + 10), dropped: 0, at: noon) == nil)
            var filter = HistoryFilter(limit: 100)
            filter.afterID = last
            let new = try reader.decisions(filter)
            #expect(new.map(\.sender) == (10 * number..<10 * number + 10).map { "s\($0)x@example.org" })
            last = new.last?.id ?? last
        }
    }

    /// A program that reads for long can't make the disk full.
    @Test func aReaderThatNeverEndsPausesWriting() throws {
        let options = HistoryOptions.sample(path, maxSize: 8 << 20)
        var writer = try HistoryWriter(options, at: noon, patience: 0.02)
        #expect(writer.write(try batch(), dropped: 0, at: noon) == nil)
        let bounds = SizeBounds(maxSize: options.maxSize)
        var largest = 0
        try DatabaseQueue(path: path).inDatabase { database in
            try database.execute(sql: "BEGIN; SELECT count(*) FROM cases")
            var notices: [HistoryNotice] = []
            for number in 0..<40 {
                if let notice = writer.write(try batch(500 * number..<500 * number + 500), dropped: 0, at: noon) {
                    notices.append(notice)
                }
                let attributes = try FileManager.default.attributesOfItem(atPath: path + "-wal")
                largest = max(largest, attributes[.size] as? Int ?? 0)
            }
            #expect(notices.count == 1 && notices[0].isFailing(.heldByReader))
            try database.execute(sql: "COMMIT")
        }
        #expect((bounds.walBytes..<2 * bounds.walBytes).contains(largest))
        #expect(writer.counts.dropped > 500)
        #expect(writer.counts.dropped + writer.counts.attempts == 20_001)
        let dropped = writer.counts.dropped
        #expect(writer.write(try batch(30_000..<30_001), dropped: 0, at: noon) == .recovered(dropped: dropped))
        #expect(writer.counts.bytes < 8 << 20)
        #expect(try HistoryReader(path: path).search("s30000x@example.org", limit: 9).cases.count == 1)
    }

    @Test func aFileThatIsRemovedIsMadeAgain() throws {
        var writer = try writer()
        #expect(writer.write(try batch(), dropped: 0, at: noon) == nil)
        for name in directory.names { try FileManager.default.removeItem(atPath: directory.file(name)) }
        #expect(writer.write(try batch(1..<3), dropped: 0, at: noon) == .replaced)
        #expect(try cases() == 2)
    }

    @Test func aClosedWriterOpensAgain() throws {
        var writer = try writer()
        writer.close()
        #expect(writer.write(try batch(), dropped: 0, at: noon) == nil)
        #expect(try cases() == 1)
    }

    /// At whatever byte the disk is full, the file stays whole and goes on when there is room again.
    @Test(arguments: [200_000, 300_001, 1_048_576, 1_500_007])
    func aFullDiskCostsRecords(_ size: Int) async throws {
        await #expect(processExitsWith: .success) { [path = path as String, size] in
            var writer = try HistoryWriter(.sample(path), at: noon)
            limitFiles(to: size)
            var notices: [HistoryNotice] = []
            for number in 0..<30 {
                let batch = try DecisionBatch(
                    (0..<200).map { index in
                        Said(.new(wait: 300)) { $0.sender = "n\(number)x\(index)x@example.org" }
                    })
                if let notice = writer.write(batch, dropped: 0, at: noon) { notices.append(notice) }
            }
            #expect(notices.count == 1 && notices[0].isFailing(.noRoom), "\(notices)")
            let counts = writer.counts
            #expect(counts.dropped > 0 && counts.dropped + counts.attempts == 6_000)
            #expect(try Self.cases(of: path) == counts.cases)
            limitFiles(to: nil)
            let last = try DecisionBatch([Said(.new(wait: 300)) { $0.sender = "last@example.org" }])
            #expect(writer.write(last, dropped: 0, at: noon) == .recovered(dropped: counts.dropped))
            #expect(try Self.cases(of: path) == counts.cases + 1)
            writer.close()
            let check = try DatabaseQueue(path: path).read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
            #expect(check == "ok")
        }
    }

    /// A user who may not write beside the file reads it all the same, whether it is open elsewhere or not.
    @Test(arguments: [true, false])
    func aReaderNeedsNoRightToWrite(_ isOpen: Bool) async throws {
        await #expect(processExitsWith: .success) {
            [path = path as String, directory = directory.path as String, isOpen] in
            var writer = try HistoryWriter(.sample(path), at: noon)
            let batch = try DecisionBatch([Said(.new(wait: 300))])
            #expect(writer.write(batch, dropped: 0, at: noon) == nil)
            if !isOpen { writer.close() }
            for suffix in ["", "-wal", "-shm"] { chmod(path + suffix, 0o644) }
            chmod(directory, 0o555)
            if geteuid() == 0 { seteuid(65_534) }
            let reader = try HistoryReader(path: path)
            #expect(try reader.search("bob@example.org", limit: 9).cases.count == 1)
            let failure = #expect(throws: HistoryError.self) { _ = try HistoryWriter(.sample(path), at: noon) }
            #expect(failure?.code == .denied)
            let elsewhere = HistoryOptions.sample(directory + "/other")
            let refusal = #expect(throws: HistoryError.self) { _ = try HistoryWriter(elsewhere, at: noon) }
            #expect(refusal?.code == .denied)
            #expect(refusal?.description.contains("give its directory to the user that tprtd runs as") == true)
            seteuid(0)
            chmod(directory, 0o755)
            _ = consume writer
        }
    }
}

extension HistoryNotice? {
    func isFailing(_ code: HistoryError.Code) -> Bool {
        self.map { $0.isFailing(code) } ?? false
    }
}

extension HistoryNotice {
    func isFailing(_ code: HistoryError.Code) -> Bool {
        if case .failing(let error) = self { error.code == code } else { false }
    }
}

/// A limit on the length of files is like a full disk, for one process.
private func limitFiles(to size: Int?) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    limit.rlim_cur = size.map { rlim_t($0) } ?? limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
}
