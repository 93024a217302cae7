import Foundation
import Greylist
import Storage
import TestSupport
import Testing

/// `tprtctl import`, the real program.
@Suite("Importing from other greylisters", .blocking)
struct ImportingTests {
    private let known = PolicyRequest(clientAddress: "192.0.2.9", sender: "relay@sender.example")
    private let new = PolicyRequest(clientAddress: "192.0.2.77", sender: "new@sender.example")
    private let stranger = PolicyRequest(clientAddress: "198.51.100.9", sender: "relay@sender.example")

    private func write(_ kind: String, in lab: Lab) throws -> [String] {
        try ForeignDatabase.texts(kind).map { try lab.directory.write($0.text, to: $0.name) }
    }

    @Test(
        "Who had passed there passes here, a retry is known as one, and the second import adds nothing",
        arguments: [
            "postgrey", "postgrey-log", "sqlgrey", "greylistd", "gld", "iredapd", "cbpolicyd", "milter-greylist",
            "spamdb",
        ])
    func kinds(kind: String) async throws {
        try await withLab { lab in
            let configuration = try lab.configureImport()
            let arguments = ["import", kind] + (try write(kind, in: lab)) + configuration + ["--json"]
            let dry = try lab.tprtctl(arguments + ["--dry-run"]).succeed()
            #expect(dry.contains("\"dry_run\": true") && !FileManager.default.fileExists(atPath: lab.database))

            let first = try lab.tprtctl(arguments)
            let report = try first.succeed()
            #expect(first.errors.isEmpty && report.contains("\"left_out\": []"), "\(report)")
            let before = try await StoreFile.read(at: lab.database)
            let clients = try await StoreFile.read(.autoWhitelist, at: lab.database)
            let again = try lab.tprtctl(arguments).succeed()
            #expect(again.components(separatedBy: "\"new\": 0").count == 3, "\(again)")
            #expect(try await StoreFile.read(at: lab.database) == before)
            #expect(try await StoreFile.read(.autoWhitelist, at: lab.database) == clients)

            let daemon = try lab.start(extra: configuration)
            #expect(try daemon.ask(known).passes)
            #expect(try daemon.ask(new).passes == (kind != "postgrey-log"))
            #expect(try daemon.ask(stranger).isGreylisted)
        }
    }

    @Test("A running daemon gets the entries through its control socket, and answers meanwhile")
    func running() async throws {
        try await withLab { lab in
            let socket = lab.directory.file("control.sock")
            let configuration = try lab.configureImport("", "\"control_socket\": \"\(socket)\"")
            let daemon = try lab.start(extra: configuration)
            let entries = (0..<60_000).map { number in
                (
                    key: "10.\(number >> 8 & 0xff).\(number & 0xff).0/s\(number)@sender.example/user@test.invalid",
                    value: "\(ForeignDatabase.ago(90_000)),\(ForeignDatabase.ago(50_000))"
                )
            }
            let dump = try lab.directory.write(ForeignDatabase.postgrey(entries), to: "dump")
            let client = try daemon.client()
            let tool = try lab.tprtctl(["import", "postgrey", dump, "--json"] + configuration)
            var (asked, slowest) = (0, Duration.zero)
            while tool.process.poll() == nil {
                let start = ContinuousClock.now
                #expect(try client.ask(.numbered(asked, series: "live")).isGreylisted)
                slowest = max(slowest, ContinuousClock.now - start)
                asked += 1
            }
            let report = try tool.succeed()
            #expect(report.contains("\"to\": \"tprtd at unix:\(socket)\""))
            #expect(report.contains("\"imported\": 60000, \"new\": 60000"))
            #expect(asked > 0 && slowest < .seconds(5), "\(asked) answers, the slowest after \(slowest)")
            let again = try lab.tprtctl(["import", "postgrey", dump, "--json"] + configuration).succeed()
            #expect(again.contains("\"imported\": 60000, \"new\": 0"))
            let request = PolicyRequest(clientAddress: "10.0.7.7", sender: "s7@sender.example")
            #expect(try client.ask(request).passes)

            // Other settings would make other keys.
            let other = try lab.configureImport(", \"ipv4_mask\": 25", "\"control_socket\": \"\(socket)\"")
            let refused = try lab.tprtctl(["import", "postgrey", dump] + other)
            #expect(try refused.waitForEnd() == .exited(78))
            #expect(refused.errors.first?.contains("the daemon makes its keys by other settings: ipv4_mask 24") == true)

            // Its database can't be opened beside it.
            let taken = try lab.tprtctl(["import", "postgrey", dump, "--to", "lmdb://\(lab.database)"])
            #expect(try taken.waitForEnd() == .exited(69))
            #expect(taken.errors.first?.contains("already in use by process \(daemon.process.id)") == true)
            #expect(try daemon.terminate() == .exited(0))
            #expect(try await StoreFile.read(at: lab.database).count == 60_000 + asked)
        }
    }

    @Test("What is expired, what a whitelist lets pass and what can't be an entry is left out and counted")
    func leftOut() async throws {
        try await withLab { lab in
            let list = try lab.directory.write("192.0.2.0/24 permit\n", to: "list.cidr")
            let configuration = try lab.configureImport(", \"wl_sources\": [\"cidr://\(list)\"]")
            let (long, now) = (ForeignDatabase.ago(200_000), ForeignDatabase.now())
            let sender = "@sender.example/user@test.invalid"
            let dump = try lab.directory.write(
                ForeignDatabase.postgrey([
                    ("198.51.100.0/a\(sender)", "\(long),\(now - 100)"),
                    ("198.51.100.0/b\(sender)", "\(long),\(long)"),
                    ("198.51.100.0/c\(sender)", "\(now - 90 * 86_400),\(now - 60 * 86_400)"),
                    ("192.0.2.0/d\(sender)", "\(long),\(now - 100)"),
                    ("198.51.100.0/e\(sender)", "\(now),\(now + 900_000)"),
                    ("198.51.100.0/f\(sender)", "5,500"),
                    ("elsewhere/g\(sender)", "\(long),\(now)"),
                    ("198.51.100.0/\(String(repeating: "h", count: 4_096))\(sender)", "\(long),\(now)"),
                    ("198.51.100.7", "9,\(now - 100)"), ("192.0.2.7", "9,\(now - 100)"),
                    ("198.51.100.8", "9,\(now - 60 * 86_400)"), ("elsewhere", "9,\(now)"),
                    (String(repeating: "0a", count: 20), "\(long),\(now - 100)"),
                ]), to: "dump")
            let tool = try lab.tprtctl(["import", "postgrey", dump] + configuration)
            let report = try tool.succeed()
            #expect(tool.errors.isEmpty)
            for line in [
                "into lmdb://\(lab.database):",
                "greylist           5         1    1        2            1",
                "auto-whitelist     3         1    1        1            1",
                "left out: 6 entries",
                "  2: invalid client address (first: \(dump):18, \"elsewhere/g@sender.example/user@test.invalid\")",
                "  1: the sender or the recipient is too long (first: \(dump):20)",
                "  1: the time lies in the future (first: \(dump):14)",
                "  1: the time lies before the year 2000 (first: \(dump):16)",
                "  1: only a digest is known (postgrey --privacy): set service.postgrey_digests",
            ] { #expect(tool.output.contains(line), "\(line)\n\(report)") }
            #expect(try await StoreFile.read(at: lab.database).count == 1)
            #expect(try await StoreFile.read(.autoWhitelist, at: lab.database).count == 1)
        }
    }

    @Test("Who is known by postgrey's digests alone passes where the settings say how they were made")
    func digests() async throws {
        try await withLab { lab in
            let (long, now) = (ForeignDatabase.ago(200_000), ForeignDatabase.now())
            let keys = [
                "192.0.2.0/relay@sender.example/user@test.invalid",
                "198.51.100.7/32/relay@sender.example/user@test.invalid",
                "203.0.113.5",
            ]
            let sums = try await run(
                ["/usr/bin/perl", "-MDigest::SHA=sha1_hex", "-e", "print join ' ', map { sha1_hex($_) } @ARGV"] + keys)
            let digests = sums.split(separator: " ").map(String.init)
            let dump = try lab.directory.write(
                ForeignDatabase.postgrey([
                    (digests[0], "\(long),\(now - 100)"), (digests[1], "\(long),\(now - 100)"),
                    (digests[2], "9,\(now - 100)"),
                ]), to: "dump")
            let configuration = try lab.configureImport(", \"postgrey_digests\": \"24/64\"")
            let report = try lab.tprtctl(["import", "postgrey", dump, "--json"] + configuration).succeed()
            #expect(report.contains("\"left_out\": []") && report.contains("\"imported\": 2, \"new\": 2"), "\(report)")
            let again = try lab.tprtctl(["import", "postgrey", dump, "--json"] + configuration).succeed()
            #expect(again.components(separatedBy: "\"new\": 0").count == 3, "\(again)")

            let daemon = try lab.start(extra: configuration)
            #expect(try daemon.ask(known).passes)
            let client = PolicyRequest(clientAddress: "203.0.113.5", sender: "anybody@sender.example")
            #expect(try daemon.ask(client).passes)
            let neighbour = PolicyRequest(clientAddress: "203.0.113.6", sender: "anybody@sender.example")
            #expect(try daemon.ask(neighbour).isGreylisted)
            try lab.configureImport(", \"postgrey_digests\": \"host\"")
            try daemon.process.signal(SIGHUP)
            _ = try daemon.waitForLine("the reload") { $0.contains("service.postgrey_digests changed") }
            let host = PolicyRequest(clientAddress: "198.51.100.7", sender: "Relay+x@sender.example")
            #expect(try daemon.ask(host).passes)
            #expect(try daemon.ask(new).isGreylisted)
        }
    }

    @Test("What the store knows better stays; what the other greylister knows better comes in")
    func merged() async throws {
        try await withLab { lab in
            let configuration = try lab.configureImport(", \"hash_grey_db\": false")
            let now = ForeignDatabase.now()
            func key(_ name: String) -> Key {
                .text(Array("192.0.2.0/24/\(name)@sender.example/user@test.invalid".utf8))
            }
            func sighting(_ passes: UInt32, _ first: Int, _ last: Int) -> Sighting {
                Sighting(
                    passes: passes, first: Timestamp(seconds: Int64(first)), last: Timestamp(seconds: Int64(last)))
            }
            try await StoreFile.write(
                [
                    Entry(key: key("a"), sighting: sighting(7, now - 9_000, now - 10)),
                    Entry(key: key("b"), sighting: sighting(0, now - 500, now - 500)),
                ], at: lab.database)
            let dump = try lab.directory.write(
                ForeignDatabase.postgrey([
                    ("192.0.2.0/a@sender.example/user@test.invalid", "\(now - 8_000),\(now - 1_000)"),
                    ("192.0.2.0/b@sender.example/user@test.invalid", "\(now - 8_000),\(now - 1_000)"),
                ]), to: "dump")
            try lab.tprtctl(["import", "postgrey", dump] + configuration).succeed()
            let found = try await StoreFile.read(at: lab.database)
            #expect(found[key("a")] == sighting(7, now - 9_000, now - 10))
            #expect(found[key("b")] == sighting(1, now - 8_000, now - 1_000))
        }
    }

    @Test("Root reads what other users have with their rights, and writes as the owner of the database")
    func root() async throws {
        try await withLab { lab in
            try #require(geteuid() == 0, "these tests run as root")
            let (theirs, ours) = (try account("nobody"), try account("daemon"))
            let directory = try lab.directory.makeDirectory("postgrey")
            let postgrey = try Postgrey(in: directory, clients: "/dev/null", recipients: "/dev/null")
            let client = try postgrey.client()
            for number in 0..<5 {
                _ = try postgrey.ask(client, .numbered(number), "request \(number)")
            }
            postgrey.end()
            let sqlgrey = "\(try lab.directory.makeDirectory("sqlgrey"))/sqlgrey.db"
            let script = """
                import sqlite3, sys, time
                db = sqlite3.connect(sys.argv[1])
                db.execute("create table connect (sender_name, sender_domain, src, rcpt, first_seen)")
                db.execute("insert into connect values ('a', 'x.org', '192.0.2', 'u@y.org', ?)", (int(time.time()) - 60,))
                db.commit()
                """
            try await run(["/usr/bin/python3", "-c", script, sqlgrey])
            for parent in [directory, lab.directory.file("sqlgrey")] {
                for name in try FileManager.default.contentsOfDirectory(atPath: parent) {
                    try give("\(parent)/\(name)", to: theirs)
                    chmod("\(parent)/\(name)", 0o600)
                }
                try give(parent, to: theirs)
                chmod(parent, 0o700)
            }
            let state = try lab.directory.makeDirectory("state")
            try give(state, to: ours)
            let to = ["--to", "lmdb://\(state)/tprt.lmdb", "--json"]
            let first = try lab.tprtctl(["import", "postgrey", directory] + to)
            #expect(try first.succeed().contains("\"imported\": 5, \"new\": 5"))
            let second = try lab.tprtctl(["import", "sqlgrey", sqlgrey] + to)
            #expect(try second.succeed().contains("\"imported\": 1, \"new\": 1"))
            #expect(first.errors.isEmpty && second.errors.isEmpty, "\(first.errors) \(second.errors)")
            var status = stat()
            #expect(lstat("\(state)/tprt.lmdb", &status) == 0 && status.st_uid == ours.uid)
            #expect(try await StoreFile.read(at: "\(state)/tprt.lmdb").count == 6)
        }
    }
}
