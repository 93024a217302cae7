import Foundation
import TestSupport
import Testing

/// What becomes of those who are connecting while the daemon stops.
@Suite("Connections at the stop", .blocking, .serialized)
struct StopQueueTests {
    /// What became of one client.
    private enum End: Sendable {
        case answered, refused, cutOff
    }

    @Test("Whoever has connected gets a reply", arguments: ["unix", "inet"])
    func answersAll(_ family: String) throws {
        for _ in 0..<4 {
            try withLab { lab in
                let endpoint = family == "unix" ? lab.unixEndpoint : .inet(try Ports.free())
                let daemon = try lab.start(at: endpoint)
                let (process, count) = (daemon.process.id, Counter())
                let ends = try onThreads(40) { thread in
                    var ends: [End] = []
                    for index in 0... {
                        let end = meet(endpoint, .numbered(index * 40 + thread))
                        ends.append(end)
                        if count.increment() == 1_500 { kill(process, SIGTERM) }
                        if end != .answered { break }
                    }
                    return ends
                }.flatMap { $0 }
                #expect(try daemon.waitForEnd() == .exited(0))
                #expect(ends.count { $0 == .answered } >= 1_500)
                #expect(ends.count { $0 == .cutOff } == 0)
                #expect(ends.contains { $0 == .refused })
            }
        }
    }

    /// Connects, asks and closes, as a client that keeps nothing.
    private func meet(_ endpoint: Endpoint, _ request: PolicyRequest) -> End {
        guard let client = try? PolicyClient(to: endpoint) else { return .refused }
        defer { client.close() }
        guard (try? client.ask(request)) != nil else { return .cutOff }
        return .answered
    }

    @Test("Those who wait in its queue while it can't accept are answered before it ends", arguments: ["unix", "inet"])
    func answersTheQueue(_ family: String) throws {
        try withLab { lab in
            let endpoint = family == "unix" ? lab.unixEndpoint : .inet(try Ports.free())
            let daemon = try lab.start(at: endpoint)
            try daemon.process.signal(SIGSTOP)
            let clients = try (0..<500).map { number in
                let client = try PolicyClient(to: endpoint)
                try client.send(.numbered(number))
                return client
            }
            try daemon.process.signal(SIGTERM)
            try daemon.process.signal(SIGCONT)
            var answered = 0
            for client in clients where (try? client.reply())?.isGreylisted == true { answered += 1 }
            #expect(answered == clients.count)
            #expect(try daemon.waitForEnd() == .exited(0))
        }
    }

    @Test("Those who wait at a socket that the service manager holds are left to the next daemon")
    func leavesTheManagersQueue() throws {
        try withLab { lab in
            let socket = try HeldSocket(at: .unix(lab.directory.file("held.sock")))
            func launch() throws -> Daemon {
                try lab.launch(
                    lab.arguments(at: lab.unixEndpoint, delay: 300), listeningAt: [socket.endpoint], sockets: [socket])
            }
            let first = try launch()
            try first.waitUntilReady()
            try first.process.signal(SIGSTOP)
            let clients = try (0..<100).map { number in
                let client = try PolicyClient(to: socket.endpoint)
                try client.send(.numbered(number))
                return client
            }
            try first.process.signal(SIGTERM)
            try first.process.signal(SIGCONT)
            #expect(try first.waitForEnd() == .exited(0))
            try launch().waitUntilReady()
            for client in clients { #expect(try client.reply()?.isGreylisted == true) }
        }
    }
}
