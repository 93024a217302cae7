import Foundation
import Greylist
import Storage
import TestSupport
import Testing

/// What `tprtctl import` says of sources that are no good; each time nothing is imported.
@Suite("Sources that can't be imported", .blocking)
struct ImportFaultTests {
    struct BadSource: Sendable, CustomTestStringConvertible {
        let kind: String
        let text: String
        let status: Int32
        let message: String

        init(_ kind: String, _ text: String, _ status: Int32, _ message: String) {
            (self.kind, self.text, self.status, self.message) = (kind, text, status, message)
        }

        var testDescription: String { "\(kind): \(message)" }
    }

    private static let moment = ForeignDatabase.ago(1_000)
    private static let whole = ForeignDatabase.postgrey(
        (0..<50).map { ("192.0.2.0/s\($0)@sender.example/user@test.invalid", "\(moment),\(moment)") })
    private static let whitelist = "# a whitelist\nmail.x.org\n*.y.org\n"

    static let sources: [BadSource] = [
        BadSource(
            "postgrey", String(whole.dropLast(10)), 65,
            "the dump is cut off (expected DATA=END); what was read is whole: dump the database again and rerun"),
        BadSource("postgrey", String(whole.prefix(60)), 65, "the dump is cut off (expected DATA=END)"),
        BadSource("postgrey", "", 65, ": the file is empty (expected a db_dump)"),
        BadSource("postgrey", "VERSION=2\n", 65, ":1: a db_dump of version \"2\": use db5.3_dump"),
        BadSource(
            "postgrey", "VERSION=3\nformat=print\ntype=recno\nHEADER=END\nDATA=END\n", 65,
            ":3: not a dump of postgrey's"),
        BadSource("postgrey", whitelist, 65, ":1: not a db_dump"),
        BadSource("postgrey", "VERSION=3\nHEADER=END\n 61\n 62\nDATA=END\n", 65, ":3: not a db_dump of postgrey"),
        BadSource("postgrey", "{\"list\": []}\n", 65, "it is JSON: whitelists are for \"tprtctl whitelist import\""),
        BadSource("sqlgrey", "a,b,c\n1,2,3\n", 65, ":1: the columns are a, b, c; expected those of connect"),
        BadSource("sqlgrey", whitelist, 65, ":1: not a table of sqlgrey"),
        BadSource("sqlgrey", whole, 65, "it is a db_dump: import it as postgrey"),
        BadSource("gld", "192.0.2.1\t1\t2\n", 65, ":1: there are 3 columns; expected those of"),
        BadSource(
            "iredapd", "sender,recipient,passed\na@x,b@y,1\n", 65, ":1: the columns are sender, recipient, passed;"),
        BadSource("cbpolicyd", "INSERT INTO greylisting_tracking VALUES (1);\n", 65, "it has SQL statements"),
        BadSource("milter-greylist", whitelist, 65, "none of 2 lines could be read"),
        BadSource("spamdb", "<html>\n", 65, "none of 1 lines could be read"),
        BadSource(
            "postgrey-log", whitelist, 65, ":1: not a mail log with postgrey's lines: no line begins with a time"),
        BadSource("greylistd", whitelist, 65, "none of 2 lines could be read"),
        BadSource("gld", whitelist, 65, ":1: not a table of gld; it looks like a whitelist"),
        BadSource("iredapd", whitelist, 65, ":1: not a table of iRedAPD; it looks like a whitelist"),
        BadSource("cbpolicyd", whitelist, 65, ":1: not a table of cbpolicyd; it looks like a whitelist"),
        BadSource("spamdb", whitelist, 65, "none of 3 lines could be read"),
        BadSource("greylistd", "[white]\n1 = \(moment) \(moment) 1\n", 65, "have no hash in common: both are needed"),
    ]

    @Test("A sentence with the file and the line, and the status", arguments: sources)
    func something(source: BadSource) throws {
        try withLab { lab in
            let path = try lab.directory.write(source.text, to: "source")
            let tool = try lab.tprtctl(["import", source.kind, path, "--to", "lmdb://\(lab.database)"])
            #expect(try tool.waitForEnd() == .exited(source.status))
            #expect(tool.output.isEmpty && tool.errors.count == 1)
            let message = try #require(tool.errors.first)
            #expect(message.hasPrefix("tprtctl: \(path)") && message.contains(source.message), "\(message)")
            #expect(message.hasSuffix("; nothing was imported"))
            #expect(lab.directory.names(beginningWith: "tprt.lmdb").isEmpty)
        }
    }

    @Test("Files that are missing, closed to us, directories or databases of another kind are named")
    func files() throws {
        try withLab { lab in
            func end(_ kind: String, _ source: String) throws -> (ChildProcess.Ending, String) {
                let tool = try lab.tprtctl(["import", kind, source, "--to", "lmdb://\(lab.database)"])
                let ending = try tool.waitForEnd()
                #expect(tool.output.isEmpty && tool.errors.count == 1)
                return (ending, tool.errors.first ?? "")
            }
            let missing = try end("postgrey", lab.directory.file("none"))
            #expect(missing.0 == .exited(66) && missing.1.hasSuffix("none: No such file or directory"), "\(missing)")
            let empty = try end("postgrey", try lab.directory.makeDirectory("empty"))
            #expect(
                empty.0 == .exited(65) && empty.1.contains("postgrey.db does not exist in this directory"), "\(empty)")
            let directory = try end("gld", lab.directory.file("empty"))
            #expect(directory.0 == .exited(66) && directory.1.contains("is a directory; name files"), "\(directory)")
            let states = try end("greylistd", lab.directory.file("empty"))
            #expect(states.0 == .exited(66) && states.1.contains("empty/triplets: No such file"), "\(states)")
            let compressed = lab.directory.file("dump.gz")
            try Data([0x1f, 0x8b, 8, 0]).write(to: URL(filePath: compressed))
            let unpacked = try end("postgrey", compressed)
            #expect(unpacked.0 == .exited(65) && unpacked.1.contains("it is compressed: unpack it first"))

            let database = lab.directory.file("sqlgrey.db")
            try run([
                "/usr/bin/python3", "-c",
                "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('create table t (a)')",
                database,
            ])
            let other = try end("sqlgrey", database)
            #expect(other.0 == .exited(65) && other.1.contains("not sqlgrey's database: it has no table connect"))
            let asOther = try end("gld", database)
            #expect(asOther.0 == .exited(65) && asOther.1.contains("an SQLite database, of which only sqlgrey's"))
            let cut = lab.directory.file("cut.db")
            try Data(try Data(contentsOf: URL(filePath: database)).prefix(2_000)).write(to: URL(filePath: cut))
            let damaged = try end("sqlgrey", cut)
            #expect(damaged.0 == .exited(65) && damaged.1.contains(cut), "\(damaged)")

            let noDatabase = lab.directory.file("noise.db")
            try Data("SQLite format 3\0".utf8 + (0..<3_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                .write(to: URL(filePath: noDatabase))
            let noise = try end("sqlgrey", noDatabase)
            #expect(noise.0 == .exited(65) && noise.1.contains("\(noDatabase): not an SQLite database"), "\(noise)")

            let berkeley = try lab.directory.makeDirectory("bdb")
            var header = [UInt8](repeating: 0, count: 512)
            header.replaceSubrange(12..<20, with: [0x62, 0x31, 0x05, 0, 10, 0, 0, 0])
            try Data(header).write(to: URL(filePath: "\(berkeley)/postgrey.db"))
            let version = try end("postgrey", berkeley)
            #expect(version.0 == .exited(65) && version.1.contains("a Btree of version 10"), "\(version)")
            #expect(lab.directory.names(beginningWith: "tprt.lmdb").isEmpty)
        }
    }

    @Test("An SQLite file that is locked is waited for, then said to be")
    func locked() throws {
        try withLab { lab in
            let database = lab.directory.file("sqlgrey.db")
            let script = """
                import sqlite3, sys, time
                db = sqlite3.connect(sys.argv[1], isolation_level=None)
                db.execute("create table connect (sender_name, sender_domain, src, rcpt, first_seen)")
                db.execute("begin exclusive")
                print("ready", flush=True)
                time.sleep(600)
                """
            let said = try LineReader()
            let holder = try ChildProcess.start(
                ["/usr/bin/python3", "-c", script, database], output: said.writeEnd, errors: said.writeEnd)
            defer { holder.end() }
            close(said.writeEnd)
            said.start()
            try eventually("it is locked") { said.lines.contains("ready") ? () : nil }
            let tool = try lab.tprtctl(["import", "sqlgrey", database, "--to", "lmdb://\(lab.database)"])
            #expect(try tool.waitForEnd() == .exited(69))
            #expect(tool.errors.first?.contains("\(database): another program has locked it: stop sqlgrey") == true)
            #expect(lab.directory.names(beginningWith: "tprt.lmdb").isEmpty)
        }
    }

    @Test("A pipe is read, and a file that ends in the middle imports nothing of it")
    func pipe() async throws {
        try await withLab { lab in
            let dump = try lab.directory.write(Self.whole, to: "dump")
            let program = try program("tprtctl", orIn: "TPRTCTL_BINARY")
            let command = "'\(program)' import postgrey - --json --to 'lmdb://\(lab.database)'"
            let half = try await run(["/bin/sh", "-c", "head -c 1000 '\(dump)' | \(command) 2>&1; echo status $?"])
            #expect(
                half.contains("-:") && half.contains("the dump is cut off") && half.contains("status 65"), "\(half)")
            #expect(!FileManager.default.fileExists(atPath: lab.database))
            let whole = try await run(["/bin/sh", "-c", "cat '\(dump)' | \(command)"])
            #expect(whole.contains("\"imported\": 50, \"new\": 50"))
            #expect(try await StoreFile.read(at: lab.database).count == 50)
        }
    }

    @Test("A signal while the source is read ends it before anything is written")
    func early() throws {
        try withLab { lab in
            let pipe = lab.directory.file("pipe")
            guard mkfifo(pipe, 0o600) == 0 else { throw TestError.system("mkfifo") }
            let writer = open(pipe, O_RDWR | O_CLOEXEC)
            defer { close(writer) }
            let program = try program("tprtctl", orIn: "TPRTCTL_BINARY")
            let said = try LineReader()
            let words = ["postgrey", "-", "--to", "lmdb://\(lab.database)"]
            let tool = try ChildProcess.start(
                ["/bin/sh", "-c", "pipe=$1; shift; exec \"$@\" <\"$pipe\"", "sh", pipe, program, "import"] + words,
                output: said.writeEnd, errors: said.writeEnd)
            defer { tool.end() }
            close(said.writeEnd)
            said.start()
            let copies = "/proc/\(tool.id)/task/\(tool.id)/children"
            try eventually("it reads") { () -> Void? in
                let child = try? String(contentsOfFile: copies, encoding: .utf8).split(separator: " ").first
                guard let child, let call = try? String(contentsOfFile: "/proc/\(child)/wchan", encoding: .utf8) else {
                    return nil
                }
                return call.contains("pipe") ? () : nil
            }
            try tool.signal(SIGTERM)
            #expect(try tool.wait() == .exited(143))
            try eventually("it says so") { said.ended ? () : nil }
            #expect(said.lines == ["tprtctl: stopped before anything was written"])
            #expect(lab.directory.names(beginningWith: "tprt.lmdb").isEmpty)
        }
    }

    @Test("Its whitelist entries go to a file that must not exist, or are counted")
    func whitelists() throws {
        try withLab { lab in
            let list = try lab.directory.write("bob@x.org\tfriend\n192.0.2\t\n", to: "whitelist.tsv")
            let arguments = ["import", "gld", list, "--to", "lmdb://\(lab.database)"]
            let plain = try lab.tprtctl(arguments).succeed()
            #expect(plain.contains("2 whitelist entries: left out (--whitelist-file writes them)"))
            let file = lab.directory.file("imported.json")
            let written = try lab.tprtctl(arguments + ["--whitelist-file", file]).succeed()
            #expect(written.contains("2 whitelist entries: in \(file)"))
            let shown = try lab.tprtctl(["whitelist", "list", "file://\(file)"]).succeed()
            #expect(shown.contains("pass where the sender is bob@x.org") && shown.contains("192.0.2.0/24"), "\(shown)")
            let again = try lab.tprtctl(arguments + ["--whitelist-file", file])
            #expect(try again.waitForEnd() == .exited(73))
            #expect(again.errors.first?.contains("exists; name another file, or move it away") == true)
        }
    }

    @Test(
        "What is stopped goes on by itself when it is run again",
        arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
    func interrupted(_ signal: Int32, _ status: Int32) async throws {
        try await withLab { lab in
            let dump = lab.directory.file("dump")
            let entries = (0..<150_000).map { number in
                (
                    key: "10.\(number >> 8 & 0xff).\(number & 0xff).0/s\(number)@x.org/u@y.org",
                    value: "\(Self.moment),\(Self.moment)"
                )
            }
            try Data(ForeignDatabase.postgrey(entries).utf8).write(to: URL(filePath: dump))
            let arguments = ["import", "postgrey", dump, "--to", "lmdb://\(lab.database)", "--json"]
            let first = try lab.tprtctl(arguments)
            try eventually("the database is made") { FileManager.default.fileExists(atPath: lab.database) ? () : nil }
            try eventually("it has grown") {
                let size = try? FileManager.default.attributesOfItem(atPath: lab.database)[.size] as? Int
                return (size ?? 0) > 200_000 ? () : nil
            }
            try first.process.signal(signal)
            #expect(try first.waitForEnd() == .exited(status))
            let message = try #require(first.errors.first)
            #expect(
                message.hasPrefix("tprtctl: stopped after ") && message.hasSuffix("stays as it is"), "\(message)")
            let report = try lab.tprtctl(arguments).succeed()
            #expect(report.contains("\"imported\": 150000"))
            #expect(try await StoreFile.read(at: lab.database).count == 150_000)
        }
    }
}
