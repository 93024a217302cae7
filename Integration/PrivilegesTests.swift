import Foundation
import TestSupport
import Testing

/// What becomes of root.
@Suite("Privileges", .blocking)
struct PrivilegesTests {
    private let request = PolicyRequest(sender: "a@sender.example")

    /// The arguments of a daemon with its database in a directory of that user's.
    private func arguments(_ lab: Lab, _ user: String, at endpoint: Endpoint? = nil) throws -> [String] {
        let state = try lab.directory.makeDirectory("state")
        try give(state, to: account(user))
        return lab.arguments(at: endpoint ?? lab.unixEndpoint, delay: 300, database: "\(state)/tprt.lmdb")
            + ["--user", user]
    }

    @Test("Every thread is the user that was named, for good, and so are its files", arguments: ["", "nogroup"])
    func drops(_ group: String) throws {
        try withLab { lab in
            let (uid, own) = try account("daemon")
            let gid = group.isEmpty ? own : try account("nobody").gid
            let daemon = try lab.launch(
                arguments(lab, "daemon") + ["--group", group], listeningAt: [lab.unixEndpoint], allowsRoot: false)
            try daemon.waitUntilReady()
            #expect(try daemon.ask(request).isGreylisted)

            let process = RunningProcess(id: daemon.process.id)
            let threads = try process.threads()
            #expect(threads.count > 2)
            for thread in threads {
                // Real, effective, saved, and that for files.
                #expect(try process.status("Uid", thread: thread) == Array(repeating: "\(uid)", count: 4))
                #expect(try process.status("Gid", thread: thread) == Array(repeating: "\(gid)", count: 4))
                #expect(try process.status("Groups", thread: thread) == ["\(gid)"])
                for set in ["CapPrm", "CapEff", "CapInh", "CapAmb"] {
                    #expect(try process.status(set, thread: thread) == ["0000000000000000"])
                }
                #expect(try process.status("NoNewPrivs", thread: thread) == ["1"])
            }
            for file in ["policy.sock"] + ["", "-lock", "-open", "-journal-1"].map({ "state/tprt.lmdb\($0)" }) {
                let (owner, theirs) = try owner(of: lab.directory.file(file))
                #expect((owner, theirs) == (uid, gid), "\(file)")
            }
            #expect(try daemon.terminate() == .exited(0))
            #expect(!FileManager.default.fileExists(atPath: lab.directory.file("state/tprt.lmdb-open")))

            // The socket is left in root's directory, and the next start takes it over.
            let next = try lab.launch(arguments(lab, "daemon"), listeningAt: [lab.unixEndpoint], allowsRoot: false)
            try next.waitUntilReady()
            #expect(try next.ask(request).isGreylisted)
        }
    }

    @Test("A state directory that doesn't exist is made by the user, wherever root's home is")
    func stateDirectory() throws {
        try withLab { lab in
            let parent = try lab.directory.makeDirectory("state")
            try give(parent, to: account("daemon"))
            let state = "\(parent)/tprt"
            let endpoint = Endpoint.inet(try Ports.free())
            let daemon = try lab.launch(
                ["--socket_listen_port", endpoint.description.split(separator: ":").last.map(String.init) ?? ""]
                    + ["--user", "daemon"], listeningAt: [endpoint],
                allowsRoot: false, variables: ["STATE_DIRECTORY=\(state)"])
            try daemon.waitUntilReady()
            #expect(try daemon.ask(request).isGreylisted)
            for path in [state, "\(state)/tprt.lmdb"] {
                #expect(try owner(of: path).0 == account("daemon").uid)
            }
        }
    }

    @Test("Without a user it doesn't run as root, unless it is told to")
    func staysNotRoot() throws {
        try withLab { lab in
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300)
            let refused = try lab.launch(arguments, listeningAt: [lab.unixEndpoint], allowsRoot: false)
            #expect(try refused.waitForEnd() == .exited(78))
            #expect(refused.lines.count == 1)
            #expect(refused.lines.allSatisfy { $0.contains("server.user") && $0.contains("--allow-root") })
            #expect(lab.directory.names(beginningWith: "").isEmpty)
            for extra in ["--check-config", "--print-config"] {
                let asked = try lab.launch(arguments + [extra], listeningAt: [], allowsRoot: false)
                #expect(try asked.waitForEnd() == .exited(0), "\(asked.lines)")
            }
        }
    }

    @Test("A database that the user may not touch stops it, with the remedy")
    func denied() throws {
        try withLab { lab in
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300) + ["--user", "daemon"]
            let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint], allowsRoot: false)
            #expect(try daemon.waitForEnd() == .exited(77))
            #expect(daemon.lines.count == 1)
            let line = try #require(daemon.lines.first)
            #expect(line.contains("service.grey_db: lmdb://\(lab.database)") && line.contains("give its directory"))
        }
    }

    @Test("Nothing is inherited that wasn't meant for it; no core files, and files are nobody else's to write")
    func surroundings() throws {
        try withLab { lab in
            let prelude = "ulimit -c unlimited; umask 0; exec 7</etc/passwd 8</etc/group 9</ 0<&-"
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300), listeningAt: [lab.unixEndpoint], prelude: prelude)
            try daemon.waitUntilReady()
            #expect(try daemon.ask(request).isGreylisted)
            let process = RunningProcess(id: daemon.process.id)
            let open = try process.descriptors()
            for inherited in ["/etc/passwd", "/etc/group", "/"] {
                #expect(!open.values.contains(inherited), "\(open)")
            }
            // One that was closed doesn't become the database's.
            #expect(open[0] == "/dev/null")
            #expect(try process.status("Umask") == ["0027"])
            #expect(try process.status("Name") == ["tprtd"])
            let limits = try String(contentsOfFile: "/proc/\(process.id)/limits", encoding: .utf8)
            let core = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
            #expect(core?.split(separator: " ").filter { $0 == "0" }.count == 2, "\(limits)")
        }
    }

    private func owner(of path: String) throws -> (uid_t, gid_t) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw TestError.system(path) }
        return (status.st_uid, status.st_gid)
    }
}
