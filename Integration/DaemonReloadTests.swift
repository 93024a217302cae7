import Foundation
import Testing

@Suite("Re-reading the whitelist", .blocking)
struct DaemonReloadTests {
    private let before = PolicyRequest(clientAddress: "192.0.2.9", sender: "a@sender.example")
    private let after = PolicyRequest(clientAddress: "203.0.113.9", sender: "a@sender.example")

    @Test("SIGHUP puts a changed whitelist into force, on open connections too")
    func reloads() throws {
        try withLab { lab in
            let whitelist = try lab.folder.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            let client = try daemon.client()
            #expect(try client.ask(before).passes)
            #expect(try client.ask(after).isGreylisted)

            try lab.folder.write(whitelistText(networks: ["203.0.113.0/24"]), to: "whitelist")
            try daemon.process.signal(SIGHUP)
            try eventually("the new whitelist is in force") { try client.ask(after).passes ? () : nil }
            #expect(try client.ask(before).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("A whitelist that can't be read changes nothing, and is told", arguments: ["broken", "missing"])
    func keepsWhatItHad(_ fault: String) throws {
        try withLab { lab in
            let whitelist = try lab.folder.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            #expect(try daemon.ask(before).passes)
            let written = daemon.lines.count
            if fault == "missing" {
                try FileManager.default.removeItem(atPath: whitelist)
            } else {
                try lab.folder.write("{\"tests\": [{\"type\": ", to: "whitelist")
            }
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("a warning that names \(whitelist)", after: written) {
                $0.hasPrefix("warning: ") && $0.contains(whitelist)
            }
            #expect(try daemon.ask(before).passes)
            #expect(try daemon.ask(after).isGreylisted)

            try lab.folder.write(whitelistText(networks: ["203.0.113.0/24"]), to: "whitelist")
            try daemon.process.signal(SIGHUP)
            try eventually("the mended whitelist is in force") { try daemon.ask(after).passes ? () : nil }
        }
    }

    @Test("A malformed entry is skipped with a warning, and the rest stands")
    func skipsEntry() throws {
        try withLab { lab in
            let bad = #"{"type": "ipv4_net", "net": "192.0.2.300", "mask": 24}"#
            let whitelist = try lab.folder.write(
                whitelistText(recipients: ["user@test.invalid"], others: [bad]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            try daemon.waitForLine("a warning that names \(whitelist)") {
                $0.hasPrefix("warning: ") && $0.contains(whitelist)
            }
            #expect(try daemon.ask(before).passes)
        }
    }
}
