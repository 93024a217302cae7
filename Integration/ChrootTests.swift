import Foundation
import RedisLab
import TestSupport
import Testing

/// Life in a chroot.
@Suite("Chroot", .blocking)
struct ChrootTests {
    /// A jail with a directory for the user's files.
    private struct Jail {
        let path: String
        var state: String { "\(path)/state" }
        var socket: Endpoint { .unix("\(path)/state/policy.sock") }

        init(_ lab: Lab) throws {
            path = try lab.directory.makeDirectory("jail")
            try give(lab.directory.makeDirectory("jail/state"), to: account("nobody"))
        }

        func arguments(_ lab: Lab) -> [String] {
            lab.arguments(at: socket, delay: 300, database: "\(state)/tprt.lmdb")
                + ["--user", "nobody", "--chroot", "true", "--chroot_dir", path]
        }
    }

    private func whitelist(_ network: String) -> String {
        #"{"friends": [{"type": "ipv4_net", "net": "\#(network)", "mask": "24"}]}"#
    }

    private func request(_ network: Int) -> PolicyRequest {
        PolicyRequest(clientAddress: "10.9.\(network).7", sender: "a@sender.example")
    }

    @Test("Whitelists are read anew, the database grows, and everything is put away in the end")
    func life() throws {
        try withLab { lab in
            let jail = try Jail(lab)
            // A file and a directory outside, a file inside.
            let outside = try lab.directory.write(whitelist("10.9.1.0"), to: "outside.json")
            let directory = try lab.directory.makeDirectory("lists")
            let inside = try lab.directory.write(whitelist("10.9.2.0"), to: "jail/inside.json")
            for path in [outside, inside] { chmod(path, 0o644) }
            let pidFile = "\(jail.state)/tprtd.pid"
            let sources = #"service.wl_sources=["file://\#(outside)", "file://\#(inside)", "dir://\#(directory)"]"#
            let daemon = try lab.launch(
                jail.arguments(lab) + ["-i", sources, "--pid_file_path", pidFile],
                listeningAt: [jail.socket], allowsRoot: false)
            try daemon.waitUntilReady()
            let process = RunningProcess(id: daemon.process.id)
            #expect(try process.link("root") == jail.path)
            #expect(try process.link("cwd") == jail.path)
            // Its own /proc is there for itself, and for nobody else.
            #expect(FileManager.default.fileExists(atPath: "/proc/\(process.id)/root/proc/\(process.id)/stat"))
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(process.id)/root/proc/meminfo"))
            #expect(try lab.directory.names(in: "jail/proc").isEmpty)
            #expect(try process.status("Uid").first == "\(account("nobody").uid)")
            #expect(try String(contentsOfFile: pidFile, encoding: .utf8) == "\(process.id)\n")
            #expect(try [1, 2, 3].map { try daemon.ask(request($0)).passes } == [true, true, false])

            // By a signal, and by themselves.
            try lab.directory.write(whitelist("10.9.3.0"), to: "outside.json")
            chmod(outside, 0o644)
            try daemon.process.signal(SIGHUP)
            try eventually("the file outside is in force") { try daemon.ask(request(3)).passes ? () : nil }
            #expect(try daemon.ask(request(1)).isGreylisted)
            try lab.directory.write(whitelist("10.9.4.0"), to: "lists/more.json")
            chmod("\(directory)/more.json", 0o644)
            try eventually("the file in the directory is in force") { try daemon.ask(request(4)).passes ? () : nil }
            try lab.directory.write(whitelist("10.9.5.0"), to: "jail/inside.json")
            chmod(inside, 0o644)
            try eventually("the file inside is in force") { try daemon.ask(request(5)).passes ? () : nil }

            let before = try size(of: "\(jail.state)/tprt.lmdb")
            let client = try daemon.client()
            for number in 1...1_000 { #expect(try client.ask(.numbered(number)).isGreylisted) }
            client.close()
            try eventually("the database has them") {
                try size(of: "\(jail.state)/tprt.lmdb") > before + 32_768 ? () : nil
            }

            let helper = try #require(try process.children().first)
            #expect(try daemon.terminate() == .exited(0))
            try helper.waitForEnd()
            #expect(try lab.directory.names(in: "jail/state") == ["tprt.lmdb", "tprt.lmdb-lock"])
            #expect(!daemon.lines.contains { $0.hasPrefix("warning: ") }, "\(daemon.lines)")
            #expect(daemon.lines.contains("running as user nobody, in the chroot \(jail.path)"), "\(daemon.lines)")

            // And once more, with everything there.
            let next = try lab.launch(
                jail.arguments(lab) + ["-i", sources], listeningAt: [jail.socket], allowsRoot: false)
            try next.waitUntilReady()
            #expect(try next.ask(.numbered(1)).isGreylisted)
        }
    }

    @Test("The process outside is the same user, has nothing open, and ends with the daemon")
    func helper() throws {
        try withLab { lab in
            let jail = try Jail(lab)
            let list = try lab.directory.write(whitelist("10.9.1.0"), to: "list.json")
            chmod(list, 0o644)
            let pidFile = lab.directory.file("tprtd.pid")
            let daemon = try lab.launch(
                jail.arguments(lab) + ["-i", "service.wl_sources=[\"file://\(list)\"]", "--pid_file_path", pidFile],
                listeningAt: [jail.socket], allowsRoot: false)
            try daemon.waitUntilReady()
            let helper = try #require(try RunningProcess(id: daemon.process.id).children().first)
            let nobody = try account("nobody")
            #expect(try helper.status("Uid") == Array(repeating: "\(nobody.uid)", count: 4))
            #expect(try helper.status("CapPrm") == ["0000000000000000"])
            #expect(try helper.status("NoNewPrivs") == ["1"])
            #expect(try helper.link("root") == "/")
            #expect(try helper.link("cwd") == "/")
            let open = try helper.descriptors()
            #expect((0...2).allSatisfy { open[$0] == "/dev/null" })
            #expect(open.filter { $0.key > 2 }.map { $0.value.prefix(7) } == ["socket:"], "\(open)")

            // Signals to the whole service don't take it away before its time.
            for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { kill(helper.id, signal) }
            try lab.directory.write(whitelist("10.9.2.0"), to: "list.json")
            chmod(list, 0o644)
            try daemon.process.signal(SIGHUP)
            try eventually("the file is in force") { try daemon.ask(request(2)).passes ? () : nil }
            try daemon.kill()
            try helper.waitForEnd()

            // The PID file of one that was killed is stale.
            let next = try lab.launch(
                jail.arguments(lab) + ["--pid_file_path", pidFile], listeningAt: [jail.socket], allowsRoot: false)
            try next.waitUntilReady()
            #expect(try String(contentsOfFile: pidFile, encoding: .utf8) == "\(next.process.id)\n")
        }
    }

    @Test("It goes to the background, too, and leaves its streams")
    func background() throws {
        try withLab { lab in
            let jail = try Jail(lab)
            let pidFile = "\(jail.state)/tprtd.pid"
            let more = ["--daemonize", "true", "--log_type", "none", "--pid_file_path", pidFile]
            let command = try lab.launch(jail.arguments(lab) + more, listeningAt: [jail.socket], allowsRoot: false)
            #expect(try command.process.wait() == .exited(0))
            let daemon = RunningProcess(
                id: try #require(pid_t(String(contentsOfFile: pidFile, encoding: .utf8).dropLast())))
            lab.atEnd { if !daemon.hasEnded { kill(daemon.id, SIGKILL) } }
            #expect(try command.ask(request(1)).isGreylisted)
            // There is nothing to be reached outside.
            #expect(try daemon.children().isEmpty)
            #expect(try command.waitForEnd() == .exited(0))
            let open = try daemon.descriptors()
            #expect((0...2).allSatisfy { open[$0] == "/dev/null" }, "\(open)")
            kill(daemon.id, SIGTERM)
            try daemon.waitForEnd()
            #expect(try lab.directory.names(in: "jail/state") == ["tprt.lmdb", "tprt.lmdb-lock"])
        }
    }

    @Test("A log file outside is opened anew, settings are reloaded, and its level with them")
    func log() throws {
        try withLab { lab in
            let jail = try Jail(lab)
            let directory = try lab.directory.makeDirectory("logs")
            let nobody = try account("nobody")
            chown(directory, nobody.uid, nobody.gid)
            let path = "\(directory)/tprt.log"
            let file = lab.directory.file("tprt.conf")
            func configure(_ level: Int, _ text: String) throws {
                try lab.directory.write(
                    #"{"log": {"log_level": \#(level)}, "service": {"grey_text": "\#(text)"}}"#, to: "tprt.conf")
                chmod(file, 0o644)
            }
            func logged(_ text: String) throws {
                try eventually("\(text) in \(path)") {
                    (try? String(contentsOfFile: path, encoding: .utf8))?.contains(text) == true ? () : nil
                }
            }
            try configure(2, "Greylisted once")
            let daemon = try lab.launch(
                jail.arguments(lab) + ["-c", file, "--log_type", "file", "--log_file", path],
                listeningAt: [jail.socket], allowsRoot: false)
            try daemon.waitUntilReachable()
            #expect(try daemon.ask(request(1)).description.hasSuffix("Greylisted once"))
            try logged("reason=new")

            guard rename(path, path + ".1") == 0 else { throw TestError.system("rename") }
            try daemon.process.signal(SIGUSR1)
            try configure(1, "Greylisted twice")
            try daemon.process.signal(SIGHUP)
            try logged("settings reloaded: log.log_level, service.grey_text changed")
            #expect(try daemon.ask(request(2)).description.hasSuffix("Greylisted twice"))
            try configure(1, "{nonsense}")
            try daemon.process.signal(SIGHUP)
            try logged("warning: the settings stay as they were")
            #expect(try String(contentsOfFile: path, encoding: .utf8).contains("action=") == false)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_uid == nobody.uid)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("A syslog daemon outside that has restarted is found again")
    func syslog() throws {
        try withLab { lab in
            let jail = try Jail(lab)
            let path = lab.directory.file("log")
            func receiver() throws -> LogReceiver {
                let receiver = try LogReceiver(path: path)
                chmod(path, 0o666)
                return receiver
            }
            var first: LogReceiver? = try receiver()
            let daemon = try lab.launch(
                jail.arguments(lab) + ["--log_type", "syslog", "--log_syslog_dest", path],
                listeningAt: [jail.socket], allowsRoot: false)
            try daemon.waitUntilReachable()
            _ = try daemon.ask(request(1))
            _ = try first?.message(with: "client_address=10.9.1.7")
            first = nil
            unlink(path)
            let second = try receiver()
            _ = try eventually("a message to the one that took its place") {
                _ = try daemon.ask(request(2))
                return try? second.message(with: "client_address=10.9.2.7", within: 1)
            }
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("A log in a directory of root's is opened before, given to the user, and found again there")
    func logOfRoot() throws {
        try withLab { lab in
            let jail = try Jail(lab)
            let directory = try lab.directory.makeDirectory("logs")
            chmod(directory, 0o755)
            let path = "\(directory)/tprt.log"
            let daemon = try lab.launch(
                jail.arguments(lab) + ["--log_type", "file", "--log_file", path], listeningAt: [jail.socket],
                allowsRoot: false)
            try daemon.waitUntilReachable()
            // As logrotate does it with `create`.
            guard rename(path, path + ".1") == 0 else { throw TestError.system("rename") }
            try lab.directory.write("", to: "logs/tprt.log")
            let nobody = try account("nobody")
            chown(path, nobody.uid, nobody.gid)
            try daemon.process.signal(SIGUSR1)
            try eventually("decisions in the new file") {
                _ = try daemon.ask(request(1))
                return try String(contentsOfFile: path, encoding: .utf8).contains("action=greylist") ? () : nil
            }
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("When the process outside is gone, the whitelists stay as they are, and the log says so")
    func helperGone() throws {
        try withLab { lab in
            let jail = try Jail(lab)
            let list = try lab.directory.write(whitelist("10.9.1.0"), to: "list.json")
            chmod(list, 0o644)
            let daemon = try lab.launch(
                jail.arguments(lab) + ["-i", "service.wl_sources=[\"file://\(list)\"]"], listeningAt: [jail.socket],
                allowsRoot: false)
            try daemon.waitUntilReady()
            let helper = try #require(try RunningProcess(id: daemon.process.id).children().first)
            kill(helper.id, SIGKILL)
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("the fault") { $0.contains(list) && $0.contains("its last good reading stays") }
            #expect(try daemon.ask(request(1)).passes)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("A Redis is found by its name, with TLS files that only root can read outside, again and again")
    func redis() async throws {
        try await withServer(.tls) { server in
            try await withLab { lab in
                let jail = try Jail(lab)
                let authority = try #require(server.certificates).authority
                let readable = lab.directory.file("ca.pem")
                try FileManager.default.copyItem(atPath: authority, toPath: readable)
                chmod(readable, 0o600)
                let url = "rediss://localhost:\(server.port)/0?ca_file=\(readable)"
                let daemon = try lab.launch(
                    jail.arguments(lab) + ["-i", "service.grey_db=\(url)", "-i", "service.awl_db=\(url)"],
                    listeningAt: [jail.socket],
                    allowsRoot: false)
                try daemon.waitUntilReady()
                try eventually("entries are kept in Redis") {
                    try daemon.ask(PolicyRequest(sender: "a@sender.example")).isGreylisted ? () : nil
                }
                #expect(try await server.command("DBSIZE").hasSuffix("1"))
                await server.stop()
                try daemon.waitForLine("that Redis is away") { _ in
                    (try? daemon.ask(PolicyRequest(sender: "b@sender.example")).passes) == true
                }
                try await server.restart()
                try eventually("entries are kept again", every: 0.2) {
                    try daemon.ask(PolicyRequest(sender: "c@sender.example")).isGreylisted ? () : nil
                }
                #expect(try daemon.terminate() == .exited(0))
            }
        }
    }

    @Test(
        "What couldn't work inside is refused, in a line that names setting and remedy",
        arguments: [
            (["--user", ""], 78, "server.chroot: a chroot needs dropped privileges"),
            (["--user", "root"], 78, "server.user: root is root"),
            (["--chroot_dir", ""], 78, "set server.chroot_dir"), (["--chroot_dir", "/"], 78, "set server.chroot_dir"),
            (["--chroot_dir", "jail"], 78, "not an absolute path"),
            (["--chroot_dir", "/no/such/directory"], 78, "create it"),
            (
                ["-i", "service.grey_db=lmdb:///var/lib/tprt.lmdb"], 78,
                "service.grey_db: /var/lib/tprt.lmdb can't be reached"
            ),
            (
                ["-i", #"service.wl_sources=["redis-unix:///run/redis.sock"]"#], 78,
                "service.wl_sources: /run/redis.sock can't be reached"
            ),
        ] as [([String], Int32, String)])
    func refused(_ extra: [String], _ status: Int32, _ complaint: String) throws {
        try withLab { lab in
            let jail = try Jail(lab)
            let daemon = try lab.launch(
                jail.arguments(lab) + extra, listeningAt: [jail.socket], allowsRoot: false)
            #expect(try daemon.waitForEnd() == .exited(status))
            #expect(daemon.lines.contains { $0.contains(complaint) }, "\(daemon.lines)")
            #expect(try lab.directory.names(in: "jail") == ["state"])
            #expect(try lab.directory.names(in: "jail/state").isEmpty)
        }
    }

    private func size(of path: String) throws -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { throw TestError.system(path) }
        return Int(status.st_size)
    }
}

extension TemporaryDirectory {
    /// The names in a directory in this one.
    fileprivate func names(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: file(directory)).sorted()
    }
}
