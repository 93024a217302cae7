import Foundation
import TestSupport
import Testing

/// A mail from its first attempt on, as Postfix, `tprtctl`, Prometheus and the page tell of it.
@Suite("Everything can be seen", .blocking)
struct VisibilityTests {
    private let sender = "anna@partner.example.org"
    private let recipient = "user@test.invalid"

    private func configuration(_ lab: Lab) -> String { lab.directory.file("tprt.conf") }

    /// A daemon with a history and a page, and its port.
    private func start(_ lab: Lab, at endpoint: Endpoint? = nil) throws -> (daemon: Daemon, port: UInt16) {
        let port = try Ports.free()
        try lab.directory.write(
            """
            {"server": {"control_socket": "\(lab.directory.file("control.sock"))",
                        "http_listen": "inet:127.0.0.1:\(port)"},
             "service": {"history_db": "\(lab.directory.file("history.sqlite"))"}}
            """, to: "tprt.conf")
        let endpoint = endpoint ?? lab.unixEndpoint
        let daemon = try lab.launch(
            lab.arguments(at: endpoint, delay: 300)
                + ["-c", configuration(lab), "-i", "service.identity=name"],
            listeningAt: [endpoint], variables: ["XDG_STATE_HOME=\(lab.directory.file("state"))"])
        try daemon.waitUntilReady()
        try daemon.waitForLine("the page") { $0.hasPrefix("metrics and page: ") }
        return (daemon, port)
    }

    private func tprtctl(
        _ lab: Lab, _ words: String..., status: Int32 = 0, location: SourceLocation = #_sourceLocation
    ) throws -> String {
        let tool = try lab.tprtctl(words + ["-c", configuration(lab)])
        let ending = try tool.waitForEnd()
        let text = tool.output.joined(separator: "\n")
        #expect(ending == .exited(status), "\(words): \(text) \(tool.errors)", sourceLocation: location)
        return text
    }

    /// What the history says once it has so many attempts.
    private func awaitHistory(_ lab: Lab, attempts: Int) throws {
        try eventually("\(attempts) attempts in the history") {
            let tool = try lab.tprtctl(["history", "--json", "-c", configuration(lab)])
            _ = try tool.waitForEnd()
            return tool.output.count { $0.contains("\"reason\"") } >= attempts ? () : nil
        }
    }

    /// A page, with the headers of the reply; curl knows how to ask, follow and keep cookies.
    private func page(_ lab: Lab, _ url: String, _ options: String...) throws -> String {
        let reader = try LineReader()
        let jar = lab.directory.file("cookies")
        let process = try ChildProcess.start(
            ["curl", "--silent", "--max-time", "20", "--cookie", jar, "--cookie-jar", jar] + options + [url],
            output: reader.writeEnd)
        close(reader.writeEnd)
        reader.start()
        _ = try process.wait(within: patience)
        try eventually("the end of the page") { reader.ended ? () : nil }
        return reader.lines.joined(separator: "\n")
    }

    @Test("A mail waits, is explained, is released, and is counted; the page says the same", .timeLimit(.minutes(5)))
    func story() throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(.init(policy: .port(try Ports.free())))
            let (daemon, port) = try start(lab, at: postfix.policyEndpoint)
            func attempt(_ address: String) throws -> Int? {
                let client = try SMTPClient(
                    port: postfix.port, as: .init(address: address, name: "out1.partner.example.org"))
                defer { try? client.quit() }
                return try client.envelope(from: sender, to: [recipient]).first?.code
            }
            #expect(try attempt("198.51.100.7") == 450)
            #expect(try attempt("203.0.113.9") == 450)
            try awaitHistory(lab, attempts: 2)

            let waiting = try tprtctl(lab, "list", "waiting")
            #expect(waiting.contains(sender) && waiting.contains("may pass from"))
            let story = try tprtctl(lab, "why", sender, recipient)
            #expect(story.contains("198.51.100.7") && story.contains("203.0.113.9"))
            #expect(story.contains("tprtctl release"))
            #expect(try tprtctl(lab, "why", "nobody@x.example", recipient, status: 1).isEmpty == false)

            // Only what was opened with a code shows addresses.
            let url = "http://127.0.0.1:\(port)/"
            #expect(try !page(lab, url).contains("partner.example.org"))
            #expect(try page(lab, url + "api/waiting").contains("tprtctl web"))
            let opened = try tprtctl(lab, "web")
            #expect(opened.hasPrefix(url + "?code="))
            #expect(try page(lab, opened, "--location").contains("partner.example.org"))
            #expect(try page(lab, url + "api/waiting").contains(sender))
            #expect(try page(lab, url + "api/search?q=\(sender)").contains("tprtctl release"))

            let released = try tprtctl(lab, "release", sender, recipient)
            #expect(released.contains("the next attempt passes") && released.contains(sender))
            #expect(try attempt("198.51.100.7") == 250)
            #expect(try daemon.waitForDecision { $0["reason"] == "released" }["recipient"] == recipient)
            try awaitHistory(lab, attempts: 3)
            #expect(try tprtctl(lab, "why", sender, recipient).contains("administrator had"))
            #expect(try tprtctl(lab, "release", sender, recipient, status: 1) == "no such mail waits")
            // It tells of what was before this second.
            try eventually("the report") {
                let tool = try lab.tprtctl(["report", "-c", configuration(lab)])
                _ = try tool.waitForEnd()
                return tool.output.contains { $0.hasPrefix("passed after waiting  1") } ? () : nil
            }
            #expect(try page(lab, url + "api/search?q=\(sender)").contains("\"released\""))

            let status = try tprtctl(lab, "status")
            #expect(status.contains("all is well") && status.contains("history.sqlite"))
            #expect(try page(lab, url + "readyz") == "ready")
        }
    }

    @Test("A real Prometheus finds what happened in the daemon's metrics")
    func scrape() throws {
        try withLab { lab in
            let (daemon, port) = try start(lab)
            for number in 0..<3 { _ = try daemon.ask(PolicyRequest.numbered(number)) }
            let prometheus = try Prometheus(scraping: port)
            func value(_ expression: String) throws -> Double? { try prometheus.value(of: expression) }
            try eventually("the decisions") {
                try value(#"tprt_decisions_total{action="defer",reason="new"}"#) == 3 ? () : nil
            }
            #expect(try value("tprt_store_up") == 1)
            #expect(try value(#"tprt_requests_total{state="RCPT"}"#) == 3)
            #expect(try value(#"tprt_request_duration_seconds_count{path="plain"}"#) == 3)
            #expect(try value("count(tprt_build_info)") == 1)
            #expect(try (value("process_open_fds") ?? 0) > 5)
            #expect(try value("scrape_samples_scraped") ?? 0 > 400)
        }
    }

    @Test("Another host name is refused, and a history that can't be had costs a warning and no mail")
    func refusals() throws {
        try withLab { lab in
            let (_, port) = try start(lab)
            let foreign = try page(lab, "http://127.0.0.1:\(port)/metrics", "--header", "Host: evil.example", "--head")
            #expect(foreign.hasPrefix("HTTP/1.1 421"))
        }
        try withLab { lab in
            try lab.directory.write("not a database, and not empty", to: "other")
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300)
                    + ["-i", "service.history_db=\(lab.directory.file("missing/history.sqlite"))"],
                listeningAt: [lab.unixEndpoint], variables: ["XDG_STATE_HOME=\(lab.directory.file("state"))"])
            try daemon.waitUntilReady()
            #expect(try daemon.ask(PolicyRequest(sender: "a@sender.example")).isGreylisted)
            #expect(daemon.lines.contains { $0.hasPrefix("warning: service.history_db: ") })
            #expect(try daemon.terminate() == .exited(0))
        }
    }
}
