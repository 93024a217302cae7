import Foundation
import TestSupport
import Testing

@Suite("Re-reading the whitelist", .blocking)
struct DaemonReloadTests {
    private let before = PolicyRequest(clientAddress: "192.0.2.9", sender: "a@sender.example")
    private let after = PolicyRequest(clientAddress: "203.0.113.9", sender: "a@sender.example")

    @Test("SIGHUP puts a changed whitelist into force, on open connections too")
    func reloads() throws {
        try withLab { lab in
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            let client = try daemon.client()
            #expect(try client.ask(before).passes)
            #expect(try client.ask(after).isGreylisted)

            try lab.directory.write(whitelistText(networks: ["203.0.113.0/24"]), to: "whitelist")
            try daemon.process.signal(SIGHUP)
            try eventually("the new whitelist is in force") { try client.ask(after).passes ? () : nil }
            #expect(try client.ask(before).isGreylisted)
            try daemon.waitForLine("the number of entries") { $0 == "whitelists reloaded: 1 entry" }
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("A file that changes is read again by itself")
    func watches() throws {
        try withLab { lab in
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            let client = try daemon.client()
            #expect(try client.ask(before).passes)
            #expect(try client.ask(after).isGreylisted)
            try lab.directory.write(whitelistText(networks: ["203.0.113.0/24"]), to: "whitelist")
            try eventually("the new whitelist is in force") { try client.ask(after).passes ? () : nil }
            try daemon.waitForLine("what was read") { $0 == "whitelists reloaded after a change: 1 entry" }
        }
    }

    /// Moments of the start at which a signal may come.
    enum Moment: String, CaseIterable {
        case first = "as soon as it would not kill"
        case trapped = "as soon as it is caught"
        case bound = "as soon as the socket is there"
        case read = "as soon as it tells of the first reading"

        func hasCome(to daemon: Daemon, in lab: Lab) throws -> Bool {
            switch self {
            case .first: try daemon.process.minds(SIGHUP)
            case .trapped: try daemon.process.catches(SIGHUP)
            case .bound: FileManager.default.fileExists(atPath: lab.directory.file("policy.sock"))
            case .read: daemon.lines.contains { $0.hasPrefix("warning: whitelist ") }
            }
        }
    }

    @Test("SIGHUP during the start: what changed before it is in force", arguments: Moment.allCases)
    func early(_ moment: Moment) throws {
        try withLab { lab in
            let whitelist = try lab.directory.write(
                whitelistText(networks: ["192.0.2.0/24"], others: [#"{"type": "no such type"}"#]), to: "whitelist")
            let changed = try lab.directory.write(whitelistText(networks: ["203.0.113.0/24"]), to: "changed")
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300, whitelist: whitelist), listeningAt: [lab.unixEndpoint])
            try eventually(moment.rawValue, every: 0) { try moment.hasCome(to: daemon, in: lab) ? () : nil }
            guard rename(changed, whitelist) == 0 else { throw TestError.system("rename") }
            try daemon.process.signal(SIGHUP)
            try daemon.waitUntilReady()
            try eventually("the new whitelist is in force") { try daemon.ask(after).passes ? () : nil }
            #expect(try daemon.ask(before).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("Many SIGHUPs from the first moment on: it starts all the same, and serves")
    func manyEarly() throws {
        try withLab { lab in
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300, whitelist: whitelist), listeningAt: [lab.unixEndpoint])
            // Before its first line of code nothing keeps the signal from ending it.
            try eventually("SIGHUP doesn't kill it", every: 0) { try daemon.process.minds(SIGHUP) ? () : nil }
            try eventually("it listens under a hail of SIGHUPs", every: 0.000_5) {
                try daemon.process.signal(SIGHUP)
                return daemon.lines.contains { $0.contains("listening on \(lab.unixEndpoint)") } ? () : nil
            }
            #expect(try daemon.ask(before).passes)
            #expect(try daemon.ask(after).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("A whitelist that can't be read changes nothing, and is told", arguments: ["broken", "missing"])
    func keepsWhatItHad(_ fault: String) throws {
        try withLab { lab in
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            #expect(try daemon.ask(before).passes)
            let written = daemon.lines.count
            if fault == "missing" {
                try FileManager.default.removeItem(atPath: whitelist)
            } else {
                try lab.directory.write("{\"tests\": [{\"type\": ", to: "whitelist")
            }
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("a warning that names \(whitelist)", after: written) {
                $0.hasPrefix("warning: ") && $0.contains(whitelist)
            }
            #expect(try daemon.ask(before).passes)
            #expect(try daemon.ask(after).isGreylisted)

            try lab.directory.write(whitelistText(networks: ["203.0.113.0/24"]), to: "whitelist")
            try daemon.process.signal(SIGHUP)
            try eventually("the mended whitelist is in force") { try daemon.ask(after).passes ? () : nil }
        }
    }

    @Test("A malformed entry is skipped with a warning, and the rest stands")
    func skipsEntry() throws {
        try withLab { lab in
            let bad = #"{"type": "ipv4_net", "net": "192.0.2.300", "mask": 24}"#
            let whitelist = try lab.directory.write(
                whitelistText(recipients: ["user@test.invalid"], others: [bad]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            try daemon.waitForLine("a warning that names \(whitelist)") {
                $0.hasPrefix("warning: ") && $0.contains(whitelist)
            }
            #expect(try daemon.ask(before).passes)
        }
    }
}
