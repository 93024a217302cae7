import Control
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import ServiceLifecycleTestKit
import Testing

@testable import Server

@Suite("The control socket")
struct ControlServerTests {
    /// Serves verbs at a socket of its own while `body` runs.
    private func serve(
        _ verbs: [String: ControlServer.Verb], _ body: @Sendable @escaping (String) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "control-\(UUID().uuidString)").path()
        let listener = try #require(
            try OpenListener.open(.unix(path: path, mode: 0o660, group: ""), backlog: 16).first)
        let server = ControlServer(
            listener: listener, verbs: verbs, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                try await body(path)
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        #expect(access(path, F_OK) != 0, "the socket's file is removed in the end")
    }

    private let verbs: [String: ControlServer.Verb] = [
        "say": { ControlReply(messages: $0.arguments) },
        "wait": { _ in
            try? await Task.sleep(for: .seconds(3_600))
            return ControlReply()
        },
    ]

    @Test("each line is a request, and gets its reply in order, however it is cut")
    func lines() async throws {
        try await serve(verbs) { path in
            let client = try Client(path: path)
            let lines = ["1", "2", "3"].map { ControlRequest("say", arguments: [$0]).line }
            let bytes = Array(lines.joined().utf8)
            try client.send(Array(bytes.dropLast(20)))
            #expect(try await client.controlReply()?.messages == ["1"])
            #expect(try await client.controlReply()?.messages == ["2"])
            try client.send(bytes.suffix(20))
            #expect(try await client.controlReply()?.messages == ["3"])
        }
    }

    @Test(
        "what can't be done is said, and the connection stays",
        arguments: [
            ("\n", "the request can't be read: not JSON: expected a value, found the end of the text at column 1"),
            ("{\"verb\": \"dance\"}\n", "this daemon can't do that (it can: say, wait)"),
        ])
    func nonsense(text: String, complaint: String) async throws {
        try await serve(verbs) { path in
            let client = try Client(path: path)
            try client.send(Array(text.utf8))
            #expect(try await client.controlReply() == ControlReply(status: 64, warnings: [complaint]))
            #expect(try await client.ask(ControlRequest("say")) == ControlReply())
        }
    }

    @Test("a line without an end is cut off")
    func endless() async throws {
        try await serve(verbs) { path in
            let client = try Client(path: path)
            try client.send([UInt8](repeating: 0x78, count: ControlRequest.sizeLimit))
            #expect(try await client.line() == nil)
        }
    }

    @Test("one connection that waits keeps nobody from being served; too many are closed")
    func many() async throws {
        try await serve(verbs) { path in
            let waiting = try Client(path: path)
            try waiting.send(Array(ControlRequest("wait").line.utf8))
            var clients: [Client] = []
            for _ in 0..<15 {
                let client = try Client(path: path)
                #expect(try await client.ask(ControlRequest("say")) == ControlReply())
                clients.append(client)
            }
            let late = try Client(path: path)
            #expect(try await late.line() == nil)
            clients = []
            // The server sees the end of a connection in its own time.
            while true {
                let client = try Client(path: path)
                if (try? await client.ask(ControlRequest("say"))) == ControlReply() { break }
            }
        }
    }

    @Test(
        "root, the own user and members of the group may control",
        arguments: [
            (PeerCredentials(process: 1, user: 0, group: 0), [], true),
            (PeerCredentials(process: 1, user: 101, group: 5), [], true),
            (PeerCredentials(process: 1, user: 7, group: 102), [], true),
            (PeerCredentials(process: 1, user: 7, group: 7), [gid_t(3), 102], true),
            (PeerCredentials(process: 1, user: 7, group: 7), [gid_t(3), 0], false),
            (PeerCredentials(process: 1, user: 7, group: 0), [], false),
        ] as [(PeerCredentials, [gid_t], Bool)])
    func peers(peer: PeerCredentials, groups: [gid_t], expected: Bool) {
        #expect(peer.mayControl(user: 101, group: 102, groups: groups) == expected)
    }

    @Test("to be in the group of root is no reason where the daemon runs as root")
    func rootGroup() {
        let peer = PeerCredentials(process: 1, user: 7, group: 0)
        #expect(!peer.mayControl(user: 0, group: 0, groups: [0]))
    }
}

extension Client {
    fileprivate func ask(_ request: ControlRequest) async throws -> ControlReply? {
        try send(Array(request.line.utf8))
        return try await controlReply()
    }

    /// The next reply; nil where the connection is closed.
    fileprivate func controlReply() async throws -> ControlReply? {
        try await line().map { try ControlReply(line: $0) }
    }
}
