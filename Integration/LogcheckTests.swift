import Foundation
import LogOutput
import Server
import TestSupport
import Testing

/// The rules for logcheck, which mails an administrator every line of the log that no rule knows.
@Suite("Rules for logcheck", .blocking)
struct LogcheckTests {
    @Test("Lines of every day are known, warnings are not")
    func rules() throws {
        try withLab { lab in
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            let request = PolicyRequest(sender: "a@sender.example", queueID: "4XyZ")
            #expect(try daemon.ask(request).isGreylisted)
            #expect(try daemon.ask(request).isGreylisted)
            #expect(try daemon.ask(PolicyRequest(clientAddress: "192.0.2.9", sender: "")).passes)
            #expect(try daemon.ask(PolicyRequest(sender: "\u{e4} ,b@x", recipient: "")).passes)
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("what was read") { $0.hasPrefix("whitelists reloaded") }
            let client = try daemon.client()
            try client.socket.send(Array("QUIT\n".utf8))
            _ = try client.readToEnd()
            try daemon.waitForLine("the warning") { $0.hasPrefix("warning: ") }
            #expect(try daemon.terminate() == .exited(0))
            #expect(daemon.decisions.count == 4)
            #expect(try unknown(of: daemon.lines, in: lab) == daemon.lines.filter { $0.hasPrefix("warning: ") })
        }
    }

    @Test("Rules know every decision, in every format", arguments: [LineFormat.postgrey, .logfmt, .json])
    func decisions(_ format: LineFormat) throws {
        try withLab { lab in
            let lines = try EveryDecision.all(format: format).map(\.line)
            #expect(lines.count > 500)
            try expectKnown(lines, in: lab)
        }
    }

    /// What the sources log as information, which is what happens every day, each with examples of its line.
    private static let routine = [
        #"\(life)"#: ["running as user tprt", "running as user tprt, in the chroot /var/lib/tprt"],
        "the service manager hands over where to listen: the sockets of the settings are not opened": [
            "the service manager hands over where to listen: the sockets of the settings are not opened"
        ],
        "stopped": ["stopped"],
        #"maintenance of the \(table.name): \(visited) entries looked at, \(removed) removed, \(took.tenths) s"#: [
            "maintenance of the greylist: 0 entries looked at, 0 removed, 0.0 s",
            "maintenance of the auto-whitelist: 100000 entries looked at, 9 removed, 12.5 s",
        ],
        #"\(task): \(search.visited) entries looked at, \(search.removed) removed, \(took.tenths) s"#: [
            "maintenance of the identities: 12 entries looked at, 0 removed, 0.0 s"
        ],
        // What a reload says: the three below.
        #"\(message)"#: [],
        #"whitelists reloaded\(cause): \(lists.size)"#: [
            "whitelists reloaded: 1 entry", "whitelists reloaded after a change: 12 entries",
        ],
        "identities and DNS servers reloaded after a change": ["identities and DNS servers reloaded after a change"],
        #"settings reloaded: \(changed.joined(separator: ", ")) changed"#: [
            "settings reloaded: service.grey_delay, service.max_pending changed"
        ],
        #"control socket: \(listener.address)"#: ["control socket: unix:/run/tprt/control.sock"],
        #"metrics and page: \(place)"#: [
            "metrics and page: http://127.0.0.1:10923/", "metrics and page: unix:/run/tprt/http.sock",
        ],
        #"listening on \(listener.address)"#: [
            "listening on unix:/var/spool/postfix/tprt/policy.sock", "listening on inet:127.0.0.1:10023",
            "listening on inet:[::1]:10023",
        ],
        #"\(process.directory): importing what postgrey has learned; all mail passes meanwhile"#: [
            "/var/lib/postgrey: importing what postgrey has learned; all mail passes meanwhile"
        ],
        // What came of it; what was left out is for the administrator.
        #"\(line)"#: [
            "imported 0 triplets (0 of them new), 1 client (1 of them new)", "imported 1 triplet, 0 clients",
            "imported 1,234,567 triplets (12 of them new), 5,100 clients (0 of them new); not needed: 1,203 expired, "
                + "2 whitelisted anyway",
        ],
    ]

    @Test("Rules know every line of every day that stands in the sources")
    func routineLines() throws {
        let found = try informationInSources()
        #expect(Set(found) == Set(Self.routine.keys))
        try withLab { lab in
            let lines = Self.routine.values.flatMap { $0 }
            try expectKnown(lines, in: lab)
            let forms = lines.flatMap { line in
                [
                    #"time=2026-11-25T16:42:35Z level=info message="\#(line)""#,
                    #"{"time":"2026-11-25T16:42:35Z","level":"info","message":"\#(line)"}"#,
                ]
            }
            try expectKnown(forms, in: lab)
        }
    }

    @Test(
        "Rules let through what somebody should see, whatever a client has put into it",
        arguments: [
            "warning: a client was disconnected without a reply: action=pass, reason=new, client_name=x, recipient=u@x",
            "connections are accepted again",
            "7 entries that were learnt without the store were handed over to it",
            "time=2026-11-25T16:42:35Z level=warning message=\"level=info action=pass\"",
            #"{"time":"2026-11-25T16:42:35Z","level":"error","message":"\"level\":\"info\","}"#,
            "action=pass, reason=new, client_name=x, client_address=::1, recipient=u@x, more=x",
            "action=pass, reason=new, client_name=x y, client_address=::1, recipient=u@x",
        ])
    func isReported(line: String) throws {
        try withLab { lab in
            let unknown = try unknown(of: [line], in: lab)
            #expect(unknown == [line])
        }
    }

    /// The texts that the sources of the daemon give to `logger.info` and to the messages of a reload.
    private func informationInSources() throws -> [String] {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Sources").standardized
        let expression = try Regex(
            #"(?:logger\.info|messages\.append)\(\s*"((?:[^"\\]|\\\((?:[^()]|\([^()]*\))*\)|\\.)*)"\)"#)
        var texts: [String] = []
        for module in ["Server", "LogOutput", "ServiceManager", "DaemonApp"] {
            let files = try #require(
                FileManager.default.enumerator(at: sources.appending(path: module), includingPropertiesForKeys: nil))
            for case let file as URL in files where file.pathExtension == "swift" {
                let text = try String(contentsOf: file, encoding: .utf8)
                let found = text.matches(of: expression).compactMap { $0.output[1].substring.map(String.init) }
                let calls =
                    text.components(separatedBy: "logger.info(").count
                    + text.components(separatedBy: "messages.append(").count - 2
                #expect(found.count == calls, "\(file.lastPathComponent): a call that the test doesn't read")
                texts += found
            }
        }
        return texts
    }

    private func expectKnown(_ lines: [String], in lab: Lab) throws {
        let unknown = try unknown(of: lines, in: lab)
        #expect(unknown == [])
    }

    /// The lines that logcheck would mail, with old and with precise time stamps, under our name and under postgrey's.
    private func unknown(of lines: [String], in lab: Lab) throws -> [String] {
        let stamps = [
            "Nov  5 16:00:01 mx tprtd[4711]: ", "2026-11-05T16:00:01.123456+01:00 mx.example.org tprtd[7]: ",
            "Nov  5 16:00:01 mx postgrey[4711]: ",
        ]
        let found = try stamps.map { stamp in
            let log = try lab.directory.write(lines.map { stamp + $0 + "\n" }.joined(), to: "log")
            // grep ends with 1 where nothing is left.
            let left = try run(["sh", "-c", "grep -Evf \"$0\" \"$1\" || [ $? = 1 ]", packaging("debian/logcheck"), log])
            return left.split(separator: "\n").map { String($0.dropFirst(stamp.count)) }
        }
        #expect(found.allSatisfy { $0 == found[0] })
        return found[0]
    }
}
