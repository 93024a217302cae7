import Foundation
import TestSupport
import Testing

@Suite("Signals", .blocking)
struct DaemonSignalTests {
    @Test(
        "SIGTERM and SIGINT end it at once, whatever its connections are at",
        arguments: [SIGTERM, SIGINT], ["idle", "in the middle of a request"]
    )
    func ends(_ signal: Int32, _ state: String) throws {
        try withLab { lab in
            let daemon = try lab.start()
            let client = try daemon.client()
            #expect(try client.ask(PolicyRequest(sender: "a@sender.example")).isGreylisted)
            if state != "idle" {
                let request = PolicyRequest(sender: "b@sender.example").bytes
                try client.socket.send(Array(request.prefix(request.count / 2)))
                // When this one is answered, the half of the other has been read as well.
                #expect(try daemon.ask(PolicyRequest(sender: "c@sender.example")).isGreylisted)
            }
            let begin = uptime()
            try daemon.process.signal(signal)
            #expect(try daemon.process.wait() == .exited(0))
            #expect(uptime() - begin < 2)
            #expect(try client.readToEnd() == "")
            #expect(try daemon.waitForEnd() == .exited(0))
        }
    }

    /// Moments of the start at which a signal may come.
    enum Moment: String, CaseIterable {
        case trapped = "as soon as it is caught"
        case database = "as soon as the database is there"
        case socket = "as soon as the socket is there"
        case listening = "as soon as it says that it listens"

        func hasCome(to daemon: Daemon, in lab: Lab, signal: Int32) throws -> Bool {
            switch self {
            case .trapped: try daemon.process.catches(signal)
            case .database: FileManager.default.fileExists(atPath: lab.database)
            case .socket: FileManager.default.fileExists(atPath: lab.directory.file("policy.sock"))
            case .listening: !daemon.lines.isEmpty
            }
        }
    }

    @Test("They end it during its start, too, and no socket stays", arguments: [SIGTERM, SIGINT], Moment.allCases)
    func endsEarly(_ signal: Int32, _ moment: Moment) throws {
        try withLab { lab in
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300), listeningAt: [lab.unixEndpoint])
            try eventually(moment.rawValue, every: 0) {
                try moment.hasCome(to: daemon, in: lab, signal: signal) ? () : nil
            }
            try daemon.process.signal(signal)
            #expect(try daemon.waitForEnd() == .exited(0))
            #expect(lab.directory.names(beginningWith: "policy").isEmpty)
            // And the next start finds nothing in its way.
            #expect(try lab.start().ask(PolicyRequest(sender: "a@sender.example")).isGreylisted)
        }
    }

    @Test("SIGTERM ends it within two seconds when nobody reads its log and the pipe is full")
    func endsWithStuckLog() throws {
        try withLab { lab in
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300, whitelist: whitelist),
                listeningAt: [lab.unixEndpoint], reads: false)
            try daemon.waitUntilReachable()
            let client = try daemon.client()
            try eventually("the pipe is full", every: 0) {
                let reply = try client.ask(PolicyRequest(clientAddress: "192.0.2.9", sender: "a@sender.example"))
                guard reply.passes else { throw TestError("\(reply)") }
                return try daemon.logIsFull() ? () : nil
            }
            let begin = uptime()
            try daemon.process.signal(SIGTERM)
            #expect(try daemon.process.wait() == .exited(0))
            #expect(uptime() - begin < 2)
            #expect(lab.directory.names(beginningWith: "policy").isEmpty)
        }
    }

    @Test("A restart finds everything as it was")
    func restarts() throws {
        try withLab { lab in
            let request = PolicyRequest(sender: "a@sender.example")
            let first = try lab.start()
            #expect(try first.ask(request).isGreylisted)
            #expect(try first.terminate() == .exited(0))
            let second = try lab.start()
            #expect(try second.ask(request).isGreylisted)
            #expect(try second.waitForDecision { _ in true }.isEarlyRetry)
        }
    }
}
