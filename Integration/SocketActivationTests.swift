import Foundation
import TestSupport
import Testing

@Suite("Sockets from a service manager", .blocking)
struct SocketActivationTests {
    private let request = PolicyRequest(sender: "a@sender.example")

    @Test("All but the control socket and the page's are served instead of those of the settings, and their files stay")
    func serves() throws {
        try withLab { lab in
            let path = lab.directory.file("held.sock")
            let sockets = [
                try HeldSocket(at: .unix(path)), try HeldSocket(at: .unix(lab.directory.file("c")), name: "control"),
                try HeldSocket(at: .inet(Ports.free()), name: "another"),
                try HeldSocket(at: .inet(Ports.free()), name: "http"),
            ]
            let endpoints = [sockets[0].endpoint, sockets[2].endpoint]
            // This one waits already.
            let early = try PolicyClient(to: endpoints[0])
            try early.send(request)
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300), listeningAt: endpoints, sockets: sockets)
            try daemon.waitUntilReady()
            #expect(try early.reply()?.isGreylisted == true)
            for endpoint in endpoints {
                let client = try PolicyClient(to: endpoint)
                #expect(try client.ask(request).isGreylisted)
            }
            #expect(daemon.lines.count { $0.hasPrefix("listening on ") } == 2)
            #expect(daemon.lines.contains { $0.contains("the sockets of the settings are not opened") })
            #expect(lab.directory.names(beginningWith: "policy").isEmpty)
            try daemon.waitForLine("the page") { $0.hasPrefix("metrics and page: http://127.0.0.1:") }
            let browser = try StreamSocket(to: sockets[3].endpoint)
            try browser.send("GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            var answer: [UInt8] = []
            while let bytes = try browser.receive(), !bytes.isEmpty { answer += bytes }
            #expect(String(decoding: answer, as: UTF8.self).hasSuffix("alive\n"))

            #expect(try daemon.terminate() == .exited(0))
            #expect(FileManager.default.fileExists(atPath: path))
            // Nobody is turned away: it waits for the next one.
            _ = try PolicyClient(to: endpoints[0])
        }
    }

    @Test("Sockets that are meant for another process are left alone")
    func leavesOthersAlone() throws {
        try withLab { lab in
            let socket = try HeldSocket(at: .unix(lab.directory.file("held.sock")))
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300), listeningAt: [lab.unixEndpoint],
                variables: ["LISTEN_PID=1"], sockets: [socket])
            try daemon.waitUntilReady()
            #expect(try daemon.ask(request).isGreylisted)
        }
    }

    @Test("A socket that can't be served is refused, with what the socket unit should say")
    func refuses() throws {
        try withLab { lab in
            let socket = try HeldSocket(at: .unix(lab.directory.file("held.sock")), listens: false)
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300), listeningAt: [], sockets: [socket])
            #expect(try daemon.waitForEnd() == .exited(78))
            #expect(
                daemon.lines == [
                    "tprtd: descriptor 3 (policy) that was handed over does not listen: "
                        + "the socket unit wants ListenStream= and Accept=no"
                ])
        }
    }
}
