import Foundation
import TestSupport
import Testing

/// What an unprivileged user plants in a directory of its own isn't opened, made, changed or given away with root's rights.
@Suite("Planted files", .blocking)
struct PlantedFileTests {
    /// A file that `tprtd`, started by root with `server.user`, is told to use.
    struct Place: CustomTestStringConvertible {
        let name: String
        /// The file in the user's directory.
        let file: String
        /// The arguments that name it, given its path.
        let arguments: @Sendable (String) -> [String]
        /// What a start may end with; empty where it may go on.
        let statuses: Set<Int32>

        var testDescription: String { name }
    }

    private static func setting(_ key: String, _ value: String) -> [String] { ["-i", "\(key)=\(value)"] }

    private static func database(_ suffix: String, _ scheme: String = "lmdb") -> Place {
        Place(
            name: "\(scheme) database\(suffix)", file: "state/x.db\(suffix)",
            arguments: { setting("service.grey_db", "\(scheme)://\($0.dropLast(suffix.count))") }, statuses: [])
    }

    static let places: [Place] = [
        Place(
            name: "log file", file: "logs/tprt.log", arguments: { ["--log_type", "file", "--log_file", $0] },
            statuses: [73, 77, 78]),
        Place(name: "PID file", file: "run/tprtd.pid", arguments: { ["--pid_file_path", $0] }, statuses: [73, 77]),
        Place(
            name: "socket", file: "run/policy.sock", arguments: { setting("server.socket_path", $0) },
            statuses: [73, 77]),
        Place(
            name: "another socket", file: "run/more.sock",
            arguments: { setting("server.listen", "[\"unix:\($0)?group=nogroup\"]") }, statuses: [73, 77]),
        Place(
            name: "control socket", file: "run/control.sock", arguments: { setting("server.control_socket", $0) },
            statuses: [73, 77]),
        Place(
            name: "password file", file: "keys/password",
            arguments: { setting("service.grey_db", "redis://127.0.0.1:1/0?password_file=\($0)") }, statuses: [77]),
        Place(
            name: "ca_file", file: "keys/ca.pem",
            arguments: { setting("service.grey_db", "rediss://127.0.0.1:1/0?ca_file=\($0)") }, statuses: [77]),
        Place(
            name: "cert_file", file: "keys/cert.pem",
            arguments: { setting("service.grey_db", "rediss://127.0.0.1:1/0?cert_file=\($0)&key_file=\($0)") },
            statuses: [77]),
        Place(
            name: "key of the site", file: "keys/privacy.key",
            arguments: { setting("service.privacy", "keyed") + setting("service.privacy_key", $0) }, statuses: [77, 78]),
        Place(name: "configuration", file: "etc/tprt.conf", arguments: { ["-c", $0] }, statuses: [77, 78]),
        Place(
            name: "whitelist", file: "lists/list.json",
            arguments: { setting("service.wl_sources", "[\"file://\($0)\"]") }, statuses: []),
        Place(
            name: "syslog socket", file: "run/log", arguments: { ["--log_type", "syslog", "--log_syslog_dest", $0] },
            statuses: []),
        database(""), database("-lock"), database("-open"), database("-journal-0"), database("-journal-1"),
        database("", "gdbm"),
    ]

    @Test("tprtd, with a user to become", arguments: places, PlantedFile.Trap.allCases)
    func daemon(_ place: Place, _ trap: PlantedFile.Trap) throws {
        try withLab { lab in
            let planted = try PlantedFile(trap, at: place.file, in: lab)
            let state = try lab.directory.makeDirectory("state")
            try give(state, to: account("daemon"))
            let arguments =
                lab.arguments(at: lab.unixEndpoint, delay: 300, database: "\(state)/tprt.lmdb")
                + ["--user", "daemon"] + place.arguments(planted.file)
            let daemon = try lab.launch(arguments, listeningAt: [], allowsRoot: false)
            let ending = try end(daemon, listeningAt: lab.unixEndpoint)
            try planted.expectUntouched("\(daemon.lines)")
            #expect(!daemon.lines.contains { $0.contains("hunter2") }, "\(daemon.lines)")
            guard !place.statuses.isEmpty else { return }
            #expect(place.statuses.contains { ending == .exited($0) }, "\(ending) \(daemon.lines)")
            #expect(daemon.lines.contains { $0.contains(planted.directory) }, "\(daemon.lines)")
        }
    }

    /// Waits until a daemon ends, or answers and can be told to end.
    private func end(_ daemon: Daemon, listeningAt endpoint: Endpoint) throws -> ChildProcess.Ending {
        let ending = try eventually("it ends or answers") { () -> ChildProcess.Ending? in
            if let ending = daemon.process.poll() { return ending }
            // By its first reply it has read its whitelists and opened its log.
            guard let client = try? PolicyClient(to: endpoint),
                (try? client.ask(PolicyRequest(sender: "a@sender.example"))) != nil
            else {
                return nil
            }
            client.close()
            return try daemon.terminate()
        }
        _ = try? daemon.waitForEnd()
        return ending
    }

    @Test(
        "tprtd, in a chroot of the user's", arguments: ["etc/hosts", "etc/resolv.conf.tprtd", "proc/x"],
        PlantedFile.Trap.allCases)
    func chroot(_ file: String, _ trap: PlantedFile.Trap) throws {
        try withLab { lab in
            let planted = try PlantedFile(trap, at: file, in: lab)
            // A link within the chroot, since none leads out of it.
            let inner = "\(planted.directory)/inner"
            try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
            chmod(inner, 0o700)
            if trap == .directoryLink {
                let parent = "\(planted.directory)/\(file.split(separator: "/")[0])"
                unlink(parent)
                symlink("/inner", parent)
            }
            try give(lab.directory.makeDirectory("theirs/state"), to: account("daemon"))
            let socket = Endpoint.unix("\(planted.directory)/state/policy.sock")
            let arguments =
                lab.arguments(at: socket, delay: 300, database: "\(planted.directory)/state/tprt.lmdb")
                + ["--user", "daemon", "--chroot", "true", "--chroot_dir", planted.directory]
            let daemon = try lab.launch(arguments, listeningAt: [socket], allowsRoot: false)
            _ = try end(daemon, listeningAt: socket)
            try planted.expectUntouched("\(daemon.lines)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: inner).isEmpty)
        }
    }

    /// A file that `tprtctl`, run by root, is told to use.
    struct Tool: CustomTestStringConvertible {
        let name: String
        let file: String
        /// The arguments that name it, given its path and another directory of the user's.
        let arguments: @Sendable (String, String) -> [String]

        var testDescription: String { name }
    }

    private static func copy(_ suffix: String, isSource: Bool) -> Tool {
        Tool(name: "\(isSource ? "source" : "target")\(suffix)", file: "state/x.db\(suffix)") { file, other in
            let planted = "lmdb://\(file.dropLast(suffix.count))"
            return ["store", "copy"]
                + (isSource ? [planted, "lmdb://\(other)/y.db"] : ["lmdb://\(other)/seed.db", planted])
        }
    }

    static let tools: [Tool] = [
        copy("", isSource: true), copy("-lock", isSource: true), copy("", isSource: false),
        copy("-lock", isSource: false),
        copy("-open", isSource: false), copy("-journal-0", isSource: false), copy("-journal-1", isSource: false),
        Tool(name: "whitelist add", file: "lists/l.json") { file, _ in
            ["whitelist", "add", "file://\(file)", "--list", "l", "--name", "a.example"]
        },
        Tool(name: "migrate: the configuration", file: "etc/tprt.conf") { file, _ in
            ["migrate", "postgrey", "--options", "--inet=10023 --dbdir=/nowhere", "-o", file]
        },
        Tool(name: "migrate: the former configuration", file: "etc/tprt.conf.before-migration") { file, other in
            ["migrate", "postgrey", "--options", "--inet=10023 --dbdir=/nowhere", "-o", String(file.dropLast(17))]
        },
        Tool(name: "migrate: postgrey's options", file: "etc/default") { file, other in
            ["migrate", "postgrey", "--defaults", file, "-o", "\(other)/tprt.conf"]
        },
        Tool(name: "whitelist export", file: "lists/l.json") { file, other in
            ["whitelist", "export", "\(other)/good.json", "-o", file]
        },
        Tool(name: "whitelist list", file: "lists/l.json") { file, _ in ["whitelist", "list", "file://\(file)"] },
        Tool(name: "configuration", file: "etc/tprt.conf") { file, _ in ["whitelist", "list", "-c", file] },
        Tool(name: "control socket", file: "run/control.sock") { file, _ in ["reload", "--socket", file] },
        Tool(name: "history", file: "history/h.sqlite") { file, _ in ["history", "--history-db", file] },
        Tool(name: "password file", file: "keys/password") { file, _ in
            ["whitelist", "list", "redis://127.0.0.1:1/0?password_file=\(file)"]
        },
        Tool(name: "import of a text", file: "in/greylist.tsv") { file, other in
            ["import", "gld", file, "--to", "lmdb://\(other)/y.db"]
        },
        Tool(name: "import of sqlgrey's file", file: "in/sqlgrey.db") { file, other in
            ["import", "sqlgrey", file, "--to", "lmdb://\(other)/y.db"]
        },
        Tool(name: "import of postgrey's directory", file: "in/postgrey.db") { file, other in
            ["import", "postgrey", String(file.dropLast("/postgrey.db".count)), "--to", "lmdb://\(other)/y.db"]
        },
        Tool(name: "import of greylistd's directory", file: "in/triplets") { file, other in
            ["import", "greylistd", String(file.dropLast("/triplets".count)), "--to", "lmdb://\(other)/y.db"]
        },
        Tool(name: "whitelist of an import", file: "in/list.json") { file, other in
            ["import", "gld", "\(other)/whitelist.tsv", "--whitelist-file", file, "--to", "lmdb://\(other)/y.db"]
        },
    ]

    @Test("tprtctl, run by root", arguments: tools, PlantedFile.Trap.allCases)
    func tool(_ tool: Tool, _ trap: PlantedFile.Trap) async throws {
        try await withLab { lab in
            let planted = try PlantedFile(trap, at: tool.file, in: lab)
            let user = try account("daemon")
            let other = try lab.directory.makeDirectory("other")
            let seed = "\(other)/seed.db"
            try await StoreFile.write(StoreFile.entries(10), at: seed)
            try lab.directory.write(#"{"l": [{"type": "remote_name", "domain": "b.example"}]}"#, to: "other/good.json")
            try lab.directory.write("bob@x.org\tfriend\n", to: "other/whitelist.tsv")
            for name in try FileManager.default.contentsOfDirectory(atPath: other) {
                try give("\(other)/\(name)", to: user)
            }
            try give(other, to: user)
            // A source is there; only what is beside it was planted.
            let database = "\(planted.directory)/state/x.db"
            if tool.file.hasPrefix("state/"), tool.file != "state/x.db", trap != .directoryLink {
                try FileManager.default.copyItem(atPath: seed, toPath: database)
                try give(database, to: user)
            }
            let run = try lab.tprtctl(tool.arguments(planted.file, other))
            let ending = try run.waitForEnd()
            try planted.expectUntouched("\(run.errors)")
            let said = run.errors + run.output
            #expect(!said.contains { $0.contains("hunter2") }, "\(said)")
            // Where the user may do it, it is done as the user: a new file in the place of a link, say.
            guard ending != .exited(0) else { return }
            #expect([64, 65, 66, 69, 73, 77, 78].contains { ending == .exited($0) }, "\(ending) \(said)")
            #expect(run.errors.contains { $0.contains(planted.directory) }, "\(run.errors)")
        }
    }

    @Test("tprtctl keeps no place of a copy in a directory that a link leads to")
    func place() async throws {
        try await withLab { lab in
            let planted = try PlantedFile(.directoryLink, at: "st/copy", in: lab)
            let source = lab.directory.file("a.db")
            try await StoreFile.write(StoreFile.entries(10), at: source)
            let run = try Tprtctl(
                ["store", "copy", "lmdb://\(source)", "lmdb://\(lab.directory.file("b.db"))"],
                stateDirectory: "\(planted.directory)/st")
            try run.succeed()
            try planted.expectUntouched()
        }
    }

    @Test("A copy by root is done as the owner of the database, whose the new file is then")
    func owner() async throws {
        try await withLab { lab in
            let user = try account("daemon")
            let (source, target) = (lab.directory.file("one/a.db"), lab.directory.file("two/b.db"))
            for name in ["one", "two"] { try give(lab.directory.makeDirectory(name), to: user) }
            try await StoreFile.write(StoreFile.entries(10), at: source)
            for suffix in ["", "-lock"] { try give(source + suffix, to: user) }
            try lab.tprtctl(["store", "copy", "lmdb://\(source)", "lmdb://\(target)"]).succeed()
            var status = stat()
            #expect(lstat(target, &status) == 0 && status.st_uid == user.uid)
            #expect(try await StoreFile.read(at: target).count == 10)

            // Two users, and a directory of root's that others may write to.
            try give(lab.directory.file("two"), to: account("nobody"))
            let two = try lab.tprtctl(["store", "copy", "lmdb://\(source)", "lmdb://\(target)"])
            #expect(try two.waitForEnd() == .exited(77))
            #expect(two.errors.joined().contains("belongs to daemon and lmdb://\(target) to nobody"), "\(two.errors)")
            try give(lab.directory.file("two"), to: (0, 0))
            chmod(lab.directory.file("two"), 0o777)
            let shared = try lab.tprtctl(["store", "copy", "lmdb://\(source)", "lmdb://\(target)"])
            #expect(try shared.waitForEnd() == .exited(77))
            #expect(shared.errors.joined().contains("others may write to it"), "\(shared.errors)")
        }
    }

    @Test("In a directory of the user's, log, PID file and sockets work, and are the user's")
    func ordinary() throws {
        try withLab { lab in
            let user = try account("daemon")
            let state = try lab.directory.makeDirectory("state")
            try give(state, to: user)
            let socket = Endpoint.unix("\(state)/policy.sock")
            for round in 1...2 {
                let daemon = try lab.launch(
                    lab.arguments(at: socket, delay: 300, database: "\(state)/tprt.lmdb") + [
                        "--user", "daemon", "--log_type", "file", "--log_file", "\(state)/log",
                        "--pid_file_path", "\(state)/pid", "-i", "server.socket_group=nogroup",
                        "-i", "server.control_socket=\(state)/control.sock",
                    ], listeningAt: [socket], allowsRoot: false)
                try daemon.waitUntilReachable()
                // Its answer comes from the database; a connection doesn't need that yet.
                #expect(try daemon.ask(PolicyRequest(sender: "a@sender.example")).isGreylisted)
                for name in ["policy.sock", "control.sock", "log", "pid", "tprt.lmdb"] {
                    var status = stat()
                    #expect(
                        lstat("\(state)/\(name)", &status) == 0 && status.st_uid == user.uid,
                        "\(name) in round \(round)")
                }
                var status = stat()
                #expect(
                    lstat(state + "/policy.sock", &status) == 0 && status.st_gid == getgrnam("nogroup")?.pointee.gr_gid)
                try lab.tprtctl(["reload", "--socket", "\(state)/control.sock"]).succeed()
                if round == 1 { try daemon.kill() } else { #expect(try daemon.terminate() == .exited(0)) }
            }
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: state).sorted() == [
                    "log", "tprt.lmdb", "tprt.lmdb-lock",
                ])
        }
    }

    @Test("Root that stays root opens no database of another user's")
    func staysRoot() throws {
        try withLab { lab in
            let state = try lab.directory.makeDirectory("state")
            try give(state, to: account("daemon"))
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300, database: "\(state)/tprt.lmdb")
            let daemon = try lab.launch(arguments, listeningAt: [])
            #expect(try daemon.waitForEnd() == .exited(77))
            #expect(daemon.lines.joined().contains("set server.user to daemon"), "\(daemon.lines)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: state).isEmpty)
        }
    }
}
