import Foundation
import RedisLab
import TestSupport
import Testing

@Suite("The control socket", .blocking)
struct ControlTests {
    private let first = PolicyRequest(clientAddress: "192.0.2.9", sender: "a@sender.example")
    private let second = PolicyRequest(clientAddress: "203.0.113.9", sender: "a@sender.example")

    /// A daemon with a configuration file, a whitelist of that many networks and a control socket.
    private func start(_ lab: Lab, networks: [String]) throws -> Daemon {
        let whitelist = try lab.directory.write(whitelistText(networks: networks), to: "whitelist")
        try configure(lab, delay: 300)
        return try lab.start(
            whitelist: whitelist,
            extra: ["-c", lab.directory.file("tprt.conf"), "-i", "server.control_socket=\(socket(lab))"])
    }

    private func configure(_ lab: Lab, delay: Int, more: String = "") throws {
        try lab.directory.write(#"{"service": {"grey_text": "Greylisted for \#(delay)"\#(more)}}"#, to: "tprt.conf")
    }

    private func socket(_ lab: Lab) -> String { lab.directory.file("control.sock") }

    private func tprtctl(_ lab: Lab, _ words: String...) throws -> (ending: ChildProcess.Ending, tool: Tprtctl) {
        let tool = try lab.tprtctl(words + ["--socket", socket(lab)])
        return (try tool.waitForEnd(), tool)
    }

    @Test("with --json an error of tprtctl's own is JSON, too")
    func errorsAsJSON() throws {
        try withLab { lab in
            let broken = try lab.directory.write("{\"service\": {\"grey_dely\": 1}}", to: "broken.conf")
            let unreadable = try lab.tprtctl(["reload", "--json", "-c", broken])
            #expect(try unreadable.waitForEnd() == .exited(78))
            #expect(unreadable.output.count == 1)
            #expect(unreadable.output.first?.contains("\"status\": 78") == true)
            #expect(unreadable.output.first?.contains("service.grey_dely: no such setting") == true)

            let nobody = try tprtctl(lab, "reload", "--json")
            #expect(nobody.ending == .exited(69))
            #expect(
                nobody.tool.output.first?.hasPrefix("{\"messages\": [], \"status\": 69, \"warnings\": [\"unix:") == true
            )

            for words in [["whitelist", "check", "--json", "nonsense"], ["whitelist", "list", "--json", "--no"]] {
                let tool = try lab.tprtctl(words)
                #expect(try tool.waitForEnd() == .exited(64))
                #expect(tool.output.count == 1 && tool.output[0].hasPrefix("{\"errors\": [\""), "\(tool.output)")
            }
        }
    }

    @Test("tprtctl reload waits for the result, shows it and ends with its status")
    func reload() throws {
        try withLab { lab in
            let daemon = try start(lab, networks: ["192.0.2.0/24"])
            let client = try daemon.client()
            #expect(try client.ask(second).description.hasSuffix("Greylisted for 300"))

            try lab.directory.write(whitelistText(networks: ["203.0.113.0/24"]), to: "whitelist")
            let good = try tprtctl(lab, "reload")
            #expect(good.ending == .exited(0))
            #expect(good.tool.output == ["whitelists reloaded: 1 entry"])
            // It waited: what it said holds for the very next request.
            #expect(try client.ask(second).passes)
            #expect(try client.ask(first).isGreylisted)

            try configure(lab, delay: 600)
            let changed = try tprtctl(lab, "reload")
            #expect(changed.ending == .exited(0))
            #expect(
                changed.tool.output == [
                    "settings reloaded: service.grey_text changed", "whitelists reloaded: 1 entry",
                ])
            #expect(try client.ask(first).description.hasSuffix("Greylisted for 600"))

            try configure(lab, delay: 900, more: #", "grey_dely": "1m""#)
            let refused = try tprtctl(lab, "reload")
            #expect(refused.ending == .exited(78))
            #expect(refused.tool.errors.count == 2)
            #expect(refused.tool.errors[0].contains("tprt.conf:1: service.grey_dely: no such setting"))
            #expect(refused.tool.errors[1] == "tprtctl: the settings stay as they were")
            #expect(try client.ask(first).description.hasSuffix("Greylisted for 600"))
            try daemon.waitForLine("the refusal") { $0.hasSuffix("the settings stay as they were") }

            try configure(lab, delay: 600)
            try lab.directory.write(
                whitelistText(networks: ["203.0.113.0/24"], others: [#"{"type": "nonsense"}"#]), to: "whitelist")
            let faulty = try tprtctl(lab, "reload", "--json")
            #expect(faulty.ending == .exited(65))
            #expect(faulty.tool.output.first?.contains(#""status": 65"#) == true)
            #expect(faulty.tool.output.first?.contains("nonsense") == true)
            #expect(try daemon.terminate() == .exited(0))
            #expect(!FileManager.default.fileExists(atPath: socket(lab)))
        }
    }

    @Test("A whitelist that loses most of its entries stays until that is accepted")
    func accept() throws {
        try withLab { lab in
            let daemon = try start(lab, networks: ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"])
            let client = try daemon.client()
            try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let held = try tprtctl(lab, "reload")
            #expect(held.ending == .exited(65))
            #expect(held.tool.errors.first?.contains("it has 1 entry, and had 3") == true)
            #expect(try client.ask(second).passes)
            let accepted = try tprtctl(lab, "whitelist", "accept")
            #expect(accepted.ending == .exited(0))
            #expect(accepted.tool.output == ["whitelists reloaded: 1 entry"])
            #expect(try client.ask(second).isGreylisted)
            #expect(try client.ask(first).passes)
        }
    }

    @Test("SIGHUP reads the settings, too, and keeps all of them if anything is wrong")
    func signal() throws {
        try withLab { lab in
            let daemon = try start(lab, networks: [])
            try configure(lab, delay: 600)
            try daemon.process.signal(SIGHUP)
            try eventually("the changed text is in force") {
                try daemon.ask(first).description.hasSuffix("Greylisted for 600") ? () : nil
            }
            let written = daemon.lines.count
            try configure(lab, delay: 900, more: #", "ipv4_mask": 99"#)
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("the refusal", after: written) { $0.hasSuffix("the settings stay as they were") }
            #expect(try daemon.ask(first).description.hasSuffix("Greylisted for 600"))
        }
    }

    @Test("Without a daemon, without a right and without a socket tprtctl says what to do")
    func faults() throws {
        try withLab { lab in
            let away = try tprtctl(lab, "reload")
            #expect(away.ending == .exited(69))
            #expect(away.tool.errors.first?.contains("no process is listening: is tprtd running") == true)
            let unset = try lab.tprtctl(["reload"])
            #expect(try unset.waitForEnd() == .exited(78))
            #expect(unset.errors.first?.contains("set server.control_socket") == true)

            let daemon = try start(lab, networks: [])
            guard chmod(socket(lab), 0o666) == 0, chmod(lab.directory.path, 0o755) == 0 else {
                throw TestError.system("chmod")
            }
            let program = try program("tprtctl", orIn: "TPRTCTL_BINARY")
            let copy = lab.directory.file("tprtctl")
            // By another process: a child of ours that starts meanwhile would keep the file open for writing.
            _ = try run(["/bin/cp", program, copy])
            let stranger = try run(
                [
                    "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c",
                    "'\(copy)' reload --socket '\(socket(lab))' 2>&1; echo status $?",
                ])
            #expect(stranger.contains("you are neither root nor of tprtd's group"))
            #expect(stranger.contains("status 77"))
            try daemon.waitForLine("the refusal") { $0.contains("the control socket refused a client") }
        }
    }

    @Test("A second daemon at the same control socket is refused before it serves")
    func taken() throws {
        try withLab { lab in
            let daemon = try start(lab, networks: [])
            let other = try lab.launch(
                lab.arguments(
                    at: .unix(lab.directory.file("other.sock")), delay: 300, database: lab.directory.file("b.lmdb"))
                    + ["-i", "server.control_socket=\(socket(lab))"],
                listeningAt: [])
            #expect(try other.waitForEnd() == .exited(69))
            #expect(other.lines.last?.hasPrefix("tprtd: server.control_socket: unix:") == true)
            #expect(!FileManager.default.fileExists(atPath: lab.directory.file("other.sock")))
            #expect(try tprtctl(lab, "reload").ending == .exited(0))
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("Whitelists in Redis are read again when they change")
    func redis() async throws {
        let server = try await RedisServer.start()
        for command in [
            ["RPUSH", "whitelists", "alice"], ["RPUSH", "alice", "home"],
            ["HSET", "home", "type", "ipv4_net", "net", "192.0.2.0", "mask", "24"],
        ] { _ = try await server.command(command) }
        try await withLab { lab in
            let daemon = try lab.start(extra: [
                "-i", "service.wl_sources=[\"redis://\(server.host):\(server.port)\"]",
                "-i", "service.wl_redis_interval=1s",
            ])
            #expect(try daemon.ask(first).passes)
            #expect(try daemon.ask(second).isGreylisted)
            _ = try await server.command(["HSET", "home", "net", "203.0.113.0"])
            try eventually("the changed whitelist is in force") { try daemon.ask(second).passes ? () : nil }
            try daemon.waitForLine("why") { $0 == "whitelists reloaded after a change: 1 entry" }
        }
    }
}
