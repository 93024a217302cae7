import Foundation
import TestSupport
import Testing

/// Going to the background, and the PID file.
@Suite("Background", .blocking)
struct BackgroundTests {
    private let request = PolicyRequest(sender: "a@sender.example")

    /// The arguments of a daemon that goes to the background, with its PID file in the directory.
    private func arguments(_ lab: Lab, at endpoint: Endpoint? = nil) -> [String] {
        lab.arguments(at: endpoint ?? lab.unixEndpoint, delay: 300)
            + ["--daemonize", "true", "--log_type", "none", "--pid_file_path", lab.directory.file("tprtd.pid")]
    }

    @Test("The command ends with 0 when the daemon listens, which has nothing of its caller's any more")
    func success() throws {
        try withLab { lab in
            endBackground(of: lab)
            let command = try lab.launch(arguments(lab), listeningAt: [lab.unixEndpoint])
            #expect(try command.process.wait() == .exited(0))
            // At once, without another try.
            let client = try command.client()
            #expect(try client.ask(request).isGreylisted)
            client.close()
            let text = try String(contentsOfFile: lab.directory.file("tprtd.pid"), encoding: .utf8)
            #expect(text.hasSuffix("\n"))
            let daemon = RunningProcess(id: try #require(pid_t(text.dropLast())))
            // Its standard error was ours; the end of it comes while the daemon runs.
            #expect(try command.waitForEnd() == .exited(0))
            #expect(command.lines.isEmpty)

            #expect(try daemon.status("Name") == ["tprtd"])
            #expect(try daemon.link("cwd") == "/")
            let session = getsid(daemon.id)
            #expect(session != getsid(0) && session != daemon.id)
            // Whoever takes in orphans.
            let parent = try #require(pid_t(try daemon.status("PPid").joined()))
            #expect(parent != command.process.id && parent != getpid())
            let open = try daemon.descriptors()
            #expect((0...2).allSatisfy { open[$0] == "/dev/null" }, "\(open)")
            #expect(!open.values.contains { $0.hasPrefix("pipe:") }, "\(open)")

            kill(daemon.id, SIGTERM)
            try daemon.waitForEnd()
            #expect(lab.directory.names(beginningWith: "") == ["tprt.lmdb", "tprt.lmdb-lock"])
        }
    }

    /// Ends what still runs in the background when the test is over.
    private func endBackground(of lab: Lab) {
        let path = lab.directory.file("tprtd.pid")
        lab.atEnd {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8), let id = pid_t(text.dropLast()),
                !RunningProcess(id: id).hasEnded
            else { return }
            kill(id, SIGKILL)
        }
    }

    /// Why a start fails.
    enum Obstacle: String, CaseIterable {
        case port = "the port is taken"
        case directory = "the directory of the socket is missing"
        case rights = "the database may not be made"
        case setting = "a setting makes no sense"
        case user = "there is no such user"
        case group = "there is no such group"
        case database = "another daemon has the database"
        case pidFile = "another daemon has the PID file"
        case log = "nobody would read the log"
    }

    @Test("The command ends with status and line of what went wrong in the background", arguments: Obstacle.allCases)
    func failure(_ obstacle: Obstacle) throws {
        try withLab { lab in
            endBackground(of: lab)
            var held: [Any] = []
            var arguments = arguments(lab)
            let expected: (status: Int32, words: [String])
            switch obstacle {
            case .port:
                let endpoint = Endpoint.inet(try Ports.free())
                held.append(try ListeningSocket(at: endpoint))
                arguments = self.arguments(lab, at: endpoint)
                expected = (69, ["server.socket_listen_host", "\(endpoint)", "listens there already: stop it"])
            case .directory:
                let path = lab.directory.file("none/policy.sock")
                arguments += ["-i", "server.socket_path=\(path)"]
                expected = (73, ["server.socket_path", path, "create its directory"])
            case .rights:
                arguments += ["--user", "nobody"]
                expected = (77, ["service.grey_db", lab.database, "give its directory"])
            case .setting:
                arguments += ["--delay", "sometimes"]
                expected = (78, ["--delay"])
            case .user:
                arguments += ["--user", "no-such-user"]
                expected = (78, ["server.user", "no-such-user", "create it"])
            case .group:
                arguments += ["--user", "nobody", "--group", "no-such-group"]
                expected = (78, ["server.group", "no-such-group", "create it"])
            case .database:
                held.append(try lab.start(at: .unix(lab.directory.file("first.sock"))))
                expected = (69, ["service.grey_db", lab.database, "stop that one"])
            case .pidFile:
                let path = lab.directory.file("tprtd.pid")
                let first = try lab.start(
                    at: .unix(lab.directory.file("first.sock")), extra: ["--pid_file_path", path])
                held.append(first)
                expected = (69, ["server.pid_file_path", path, "already running (process \(first.process.id))"])
            case .log:
                arguments += ["--log_type", "stderr"]
                expected = (78, ["server.daemonize", "log_type"])
            }
            let command = try lab.launch(arguments, listeningAt: [])
            // The end of its standard error comes when the process in the background is gone, too.
            #expect(try command.waitForEnd() == .exited(expected.status), "\(command.lines)")
            #expect(command.lines.count == 1, "\(command.lines)")
            let line = command.lines.first ?? ""
            #expect(line.hasPrefix("tprtd: ") && expected.words.allSatisfy { line.contains($0) }, "\(line)")
            // Who has dropped its privileges can't take away what lies in root's directory: it is stale.
            if obstacle == .rights { return }
            #expect(!FileManager.default.fileExists(atPath: lab.directory.file("policy.sock")))
            #expect(FileManager.default.fileExists(atPath: lab.directory.file("tprtd.pid")) == (obstacle == .pidFile))
            withExtendedLifetime(held) {}
        }
    }

    @Test("A PID file is locked as long as it runs, and gone afterwards; a stale one is taken over")
    func pidFile() throws {
        try withLab { lab in
            let path = try lab.directory.write("4711\n", to: "tprtd.pid")
            let daemon = try lab.start(extra: ["--pid_file_path", path])
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "\(daemon.process.id)\n")
            let file = open(path, O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            #expect(flock(file, LOCK_EX | LOCK_NB) != 0)
            // Nothing can be written through what it keeps open.
            let own = try RunningProcess(id: daemon.process.id).descriptors().first { $0.value == path }
            let info = "/proc/\(daemon.process.id)/fdinfo/\(try #require(own).key)"
            let flags = try String(contentsOfFile: info, encoding: .utf8).split(separator: "\n")
                .first { $0.hasPrefix("flags:") }
            #expect(flags?.last == "0")
            #expect(try daemon.terminate() == .exited(0))
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }
}
