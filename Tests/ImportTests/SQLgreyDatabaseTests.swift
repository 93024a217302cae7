import Foundation
import GRDB
import Greylist
import Storage
import TestSupport
import Testing

@testable import Import

/// What is read of sqlgrey's SQLite file.
struct SQLgreyDatabaseTests {
    private static let tables = [
        "CREATE TABLE connect (sender_name, sender_domain, src, rcpt, first_seen)",
        "CREATE TABLE from_awl (sender_name, sender_domain, src, first_seen, last_seen)",
        "CREATE TABLE domain_awl (sender_domain, src, first_seen, last_seen)",
        "CREATE TABLE optin_email (email)", "CREATE TABLE optout_domain (domain)",
    ]

    private static func read(
        _ path: String, options: ImportOptions = ImportOptions(now: now), patience: Double = 5
    ) throws -> (entries: [ImportedEntry], counts: ImportCounts) {
        var database = try SQLgreyDatabase(path: path, options: options, patience: patience)
        let count = try database.count()
        var entries: [ImportedEntry] = []
        while let slice = try database.next() { entries += slice }
        #expect(database.counts.lines == count)
        return (entries, database.counts)
    }

    private static func make(_ path: String, _ statements: [String]) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            for statement in tables + statements { try database.execute(sql: statement) }
        }
    }

    @Test func allTablesAreRead() throws {
        let directory = try TemporaryDirectory()
        try Self.make(
            directory.file("db"),
            [
                "INSERT INTO connect VALUES ('bob', 'x.org', '192.0.2', 'u@y.org', \(before(9)))",
                "INSERT INTO connect VALUES ('bob', 'x.org', '192.0.2', 'u@y.org', '2026-11-30 00:53:00')",
                "INSERT INTO connect VALUES (NULL, 'x.org', '192.0.2', 'u@y.org', 5)",
                "INSERT INTO connect VALUES ('bob', 'x.org', '192.0.2', 'u@y.org', 'x')",
                "INSERT INTO connect VALUES (x'00ff', 'x.org', '192.0.2', 'u@y.org', \(before(9)))",
                "INSERT INTO connect VALUES (zeroblob(100000000), 'x.org', '192.0.2', 'u@y.org', \(before(9)))",
                "INSERT INTO from_awl VALUES ('bob', 'x.org', '192.0.2.7', \(before(9)), \(before(8)))",
                "INSERT INTO domain_awl VALUES ('x.org', '2001:0db8:0001:0002', \(before(9)), \(before(7)))",
                "INSERT INTO optin_email VALUES ('u@y.org')", "INSERT INTO optout_domain VALUES ('y.org')",
            ])
        let (entries, counts) = try Self.read(directory.file("db"))
        #expect(
            entries.map(\.short) == [
                "192.0.2.0/24 <bob@x.org> u@y.org 9 9 pending", "192.0.2.0/24 <bob@x.org> u@y.org 20 20 pending",
                "192.0.2.7/32 +1 9 8", "2001:db8:1:2::/64 +1 9 7", "greylist recipient u@y.org", "recipient @y.org",
            ])
        #expect(counts.leftOut == [.malformed: 2, .time: 1, .mailbox: 1])
        #expect(counts.lines == counts.takenLines + counts.leftOutLines)
    }

    @Test func slicesMissNothing() throws {
        let directory = try TemporaryDirectory()
        let rows = """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12345)
            INSERT INTO connect SELECT 'u' || i, 'x.org', '192.0.2', 'u@y.org', \(before(9)) FROM n
            """
        try Self.make(directory.file("db"), [rows, "DELETE FROM connect WHERE rowid % 5 = 0"])
        let (entries, _) = try Self.read(directory.file("db"))
        #expect(entries.count == 12_345 - 2_469)
        #expect(Set(entries.map(\.short)).count == entries.count)
    }

    @Test func whatCannotBeReadIsSaid() throws {
        let directory = try TemporaryDirectory()
        func fault(_ name: String) -> ImportError? {
            #expect(throws: ImportError.self) { _ = try Self.read(directory.file(name), patience: 0.1) }
        }
        #expect(fault("missing")?.code == .unreadable)
        try directory.write(String(repeating: "# a whitelist\n", count: 100), to: "text")
        #expect(fault("text")?.code == .otherFormat)
        try directory.write("", to: "empty")
        #expect(fault("empty")?.description.contains("no table connect") == true)
        let queue = try DatabaseQueue(path: directory.file("columns"))
        try queue.write { try $0.execute(sql: "CREATE TABLE connect (a, b)") }
        #expect(fault("columns")?.code == .otherColumns)
        try Self.make(directory.file("db"), ["INSERT INTO optin_email VALUES (zeroblob(20000))"])
        let whole = try Data(contentsOf: URL(filePath: directory.file("db")))
        try whole.prefix(8_192).write(to: URL(filePath: directory.file("half")))
        #expect(fault("half")?.code == .incomplete)
    }

    @Test func aLockIsSaid() throws {
        let directory = try TemporaryDirectory()
        try Self.make(directory.file("db"), [])
        let writer = try DatabaseQueue(path: directory.file("db"))
        try writer.inDatabase { database in
            try database.execute(sql: "BEGIN EXCLUSIVE")
            let error = #expect(throws: ImportError.self) { _ = try Self.read(directory.file("db"), patience: 0.1) }
            #expect(error?.code == .locked)
            #expect(error?.description.contains("stop sqlgrey") == true)
            try database.execute(sql: "ROLLBACK")
        }
        #expect(try Self.read(directory.file("db")).entries.isEmpty)
    }

    @Test func everyTruncationEnds() throws {
        let directory = try TemporaryDirectory()
        try Self.make(
            directory.file("db"),
            (0..<200).map { "INSERT INTO connect VALUES ('u\($0)', 'x.org', '192.0.2', 'u@y.org', \(before(9)))" })
        let whole = try Data(contentsOf: URL(filePath: directory.file("db")))
        for count in stride(from: 0, to: whole.count, by: 509) {
            try whole.prefix(count).write(to: URL(filePath: directory.file("part")))
            var counts = ImportCounts()
            do throws(ImportError) {
                var database = try SQLgreyDatabase(path: directory.file("part"), options: ImportOptions(now: now))
                while try database.next() != nil { counts = database.counts }
            } catch {
                #expect(!error.description.isEmpty)
            }
            #expect(counts.lines == counts.takenLines + counts.skippedLines + counts.leftOutLines)
        }
    }
}
