import Foundation
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
