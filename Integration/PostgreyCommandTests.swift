import Foundation
import TestSupport
import Testing

/// The daemon with postgrey's command line, as those who embed postgrey start it and read its lines.
@Suite("tprt-postgrey", .blocking)
struct PostgreyCommandTests {
    /// What docker-mailserver starts under its supervisor, and what its own tests look for.
    @Test("docker-mailserver's command line serves in the foreground, and its lines are on standard output")
    func dockerMailserver() throws {
        try withLab { lab in
            let port = try Ports.free()
            let clients = lab.directory.file("clients")
            try "198.51.100.9\n".write(toFile: clients, atomically: true, encoding: .utf8)
            let recipients = lab.directory.file("recipients")
            try "postmaster@\n".write(toFile: recipients, atomically: true, encoding: .utf8)
            let command = try PostgreyCommand(
                lab,
                [
                    "--inet=127.0.0.1:\(port)", "--syslog-facility=mail", "--delay=1", "--max-age=35",
                    "--auto-whitelist-clients=5", "--greylist-text=Delayed by Postgrey, %s for %r",
                    "--whitelist-clients=\(clients)", "--whitelist-recipients=\(recipients)",
                ])
            let client = try command.client(.inet(port))
            let request = PolicyRequest(clientAddress: "127.0.0.1", sender: "from@example.net")
            #expect(try client.ask(request).description == "DEFER_IF_PERMIT Delayed by Postgrey, 1 for test.invalid")
            // The seconds that postgrey counts in are the system's.
            let passed = try eventually("the retry passes") {
                let reply = try client.ask(request)
                return reply.passes ? reply : nil
            }
            let header = /PREPEND X-Greylist: delayed \d+ seconds by postgrey-1\.37 at \S+; .+/
            #expect(passed.description.wholeMatch(of: header) != nil, "\(passed)")
            #expect(try client.ask(PolicyRequest(clientAddress: "198.51.100.9", sender: "a@b.example")).passes)
            #expect(try client.ask(PolicyRequest(sender: "a@b.example", recipient: "postmaster@test.invalid")).passes)
            for text in [
                "action=greylist, reason=new, client_name=relay7.sender.example, client_address=127.0.0.1, "
                    + "sender=from@example.net, recipient=user@test.invalid",
                "action=pass, reason=triplet found, delay=",
                "action=pass, reason=client whitelist", "action=pass, reason=recipient whitelist",
            ] {
                try command.waitForLine { $0.contains(text) }
            }
            #expect(try command.terminate() == .exited(0))
        }
    }

    @Test("the auto-whitelist counts as postgrey does: an address, after five first passes an hour apart at least")
    func autoWhitelist() throws {
        try withLab { lab in
            let command = try PostgreyCommand(
                lab,
                [
                    "--unix=\(lab.directory.file("s"))", "--delay=1", "--auto-whitelist-clients=1", "--identity=off",
                ])
            let client = try command.client(.unix(lab.directory.file("s")))
            let first = PolicyRequest(sender: "one@sender.example")
            #expect(!(try client.ask(first).passes))
            _ = try eventually("the retry passes") { try client.ask(first).passes ? () : nil }
            #expect(try client.ask(PolicyRequest(sender: "two@sender.example")).passes)
            try command.waitForLine { $0.contains("action=pass, reason=client AWL") }
            // Its neighbour has earned nothing.
            let neighbour = PolicyRequest(clientAddress: "198.51.100.8", sender: "two@sender.example")
            #expect(!(try client.ask(neighbour).passes))
            #expect(try command.terminate() == .exited(0))
        }
    }

    @Test("a unix socket has postgrey's mode, and with --exim a connection gets one reply")
    func exim() throws {
        try withLab { lab in
            let path = lab.directory.file("s")
            let command = try PostgreyCommand(lab, ["-u", path, "--exim", "--hostname", "mx.example"])
            let client = try command.client(.unix(path))
            #expect(!(try client.ask(PolicyRequest(sender: "a@b.example")).passes))
            #expect(throws: (any Error).self) { try client.ask(PolicyRequest(sender: "a@b.example")) }
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o666)
            #expect(!(try command.client(.unix(path)).ask(PolicyRequest(sender: "a@b.example")).passes))
            #expect(try command.terminate() == .exited(0))
        }
    }

    @Test("SIGHUP reads the lists again")
    func reload() throws {
        try withLab { lab in
            let (list, path) = (lab.directory.file("clients"), lab.directory.file("s"))
            try "# none\n".write(toFile: list, atomically: true, encoding: .utf8)
            let command = try PostgreyCommand(
                lab, ["--unix=\(path)", "--whitelist-clients=\(list)"], variables: ["TPRT_SERVICE_WL_WATCH=false"])
            let client = try command.client(.unix(path))
            let request = PolicyRequest(sender: "a@b.example")
            #expect(!(try client.ask(request).passes))
            try "sender.example\n".write(toFile: list, atomically: true, encoding: .utf8)
            try command.process.signal(SIGHUP)
            _ = try eventually("the client is on the list") { try client.ask(request).passes ? () : nil }
            #expect(try command.terminate() == .exited(0))
        }
    }

    @Test("Debian's text without the option, in the background with a PID file, started as postgrey")
    func background() throws {
        try withLab { lab in
            let (path, pidFile) = (lab.directory.file("s"), lab.directory.file("pid"))
            let command = try PostgreyCommand(
                lab, ["--pidfile=\(pidFile)", "--daemonize", "--unix=\(path)"],
                variables: ["POSTGREY_TEXT=Come back, %s"],
                name: "postgrey")
            #expect(try command.process.wait() == .exited(0))
            let text = try String(contentsOfFile: pidFile, encoding: .utf8)
            let id = try #require(pid_t(text.dropLast()))
            lab.atEnd { if !RunningProcess(id: id).hasEnded { kill(id, SIGKILL) } }
            let client = try PolicyClient(to: .unix(path))
            #expect(
                try client.ask(PolicyRequest(sender: "a@b.example")).description == "DEFER_IF_PERMIT Come back, 300")
            kill(id, SIGTERM)
            try RunningProcess(id: id).waitForEnd()
        }
    }

    @Test(
        "what can't be honoured ends with 64 and the alternative",
        arguments: [
            (["--delay=60"], "--unix or --inet must be given"), (["--inet=10023", "-n"], "service.mode observe"),
            (["--inet=smtp"], "PORT or HOST:PORT"), (["--inet=10023", "--nosuch"], "--nosuch is not an option"),
        ])
    func usage(_ arguments: [String], _ message: String) throws {
        try withLab { lab in
            let command = try PostgreyCommand(lab, arguments)
            #expect(try command.process.wait() == .exited(64))
            try command.waitForLine { $0.hasPrefix("tprt-postgrey: ") && $0.contains(message) }
        }
    }

    @Test("the version names both programs")
    func version() throws {
        try withLab { lab in
            let command = try PostgreyCommand(lab, ["--version"])
            #expect(try command.process.wait() == .exited(0))
            try command.waitForLine { $0.wholeMatch(of: /postgrey 1\.37 \(tprt-postgrey \S+\)/) != nil }
        }
    }
}

/// A tprt-postgrey that a test started, with a database in the lab.
struct PostgreyCommand {
    let process: ChildProcess
    private let output: LineReader

    /// Starts it under a name.
    ///
    /// Where the tests run as root it becomes `nobody`.
    init(_ lab: Lab, _ arguments: [String], variables: [String] = [], name: String = "tprt-postgrey") throws {
        let output = try LineReader()
        self.output = output
        defer { close(output.writeEnd) }
        let link = lab.directory.file(name)
        try? FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: try program("tprtd", orIn: "TPRTD_BINARY"))
        var command = ["/usr/bin/env", "TPRT_SERVICE_GREY_DB=lmdb://\(lab.database)"] + variables + [link]
        if geteuid() == 0 {
            try give(lab.directory.path, to: account("nobody"))
            command.append("--user=nobody")
        }
        process = try ChildProcess.start(command + arguments, output: output.writeEnd, errors: output.writeEnd)
        output.start()
        let process = process
        lab.atEnd { process.end() }
    }

    /// A connection, as soon as it accepts one.
    func client(_ endpoint: Endpoint) throws -> PolicyClient {
        try eventually("tprt-postgrey accepts connections") {
            if let ending = process.poll() { throw TestError("it ended: \(ending)\n\(output.lines)") }
            return try? PolicyClient(to: endpoint)
        }
    }

    /// Waits for a line like that on its standard output or standard error.
    func waitForLine(_ isMeant: (String) -> Bool) throws {
        do {
            try eventually("a line") { output.lines.contains(where: isMeant) ? () : nil }
        } catch {
            throw TestError("\(error)\n\(output.lines.joined(separator: "\n"))")
        }
    }

    /// What it has printed so far.
    var lines: [String] { output.lines }

    /// Ends it in good order.
    func terminate() throws -> ChildProcess.Ending {
        try process.signal(SIGTERM)
        return try process.wait()
    }
}
