import Foundation
import TestSupport
import Testing

@Suite("The auto-whitelist", .blocking)
struct AutoWhitelistTests {
    @Test("After a pass the whole network passes", arguments: ["one file", "two files"])
    func passes(_ files: String) throws {
        try withLab { lab in
            let second = lab.directory.file("awl.lmdb")
            var arguments = lab.arguments(at: lab.unixEndpoint, delay: 1) + ["--awl_client_count", "1"]
            if files == "two files" { arguments += ["-i", "service.awl_db=lmdb://\(second)"] }
            let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
            try daemon.waitUntilReady()
            let first = PolicyRequest(clientAddress: "198.51.100.7", sender: "a@sender.example")
            let neighbour = PolicyRequest(clientAddress: "198.51.100.200", sender: "b@other.example")
            let stranger = PolicyRequest(clientAddress: "203.0.113.7", sender: "b@other.example")
            #expect(try daemon.ask(first).isGreylisted)
            try eventually("a retry passes", every: 0.2) { try daemon.ask(first).passes ? () : nil }

            #expect(try daemon.ask(neighbour) == PolicyReply(description: "DUNNO"))
            let decision = try daemon.waitForDecision { $0["sender"] == neighbour.sender }
            #expect(decision["action"] == "pass")
            #expect(decision["reason"] == "client AWL")
            #expect(try daemon.ask(stranger).isGreylisted)
            #expect(FileManager.default.fileExists(atPath: second) == (files == "two files"))
            #expect(try daemon.terminate() == .exited(0))

            // The auto-whitelist is kept.
            let next = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
            try next.waitUntilReady()
            #expect(try next.ask(neighbour) == PolicyReply(description: "DUNNO"))
            #expect(try next.waitForDecision { _ in true }["reason"] == "client AWL")
        }
    }
}
