import Control
import Foundation
import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import ServiceLifecycleTestKit
import TestSupport
import Testing

@testable import Server

@Suite("The control socket")
struct ControlServerTests {
    /// Serves verbs at a socket of its own while `body` runs.
    private func serve(
        _ verbs: [String: ControlServer.Verb], limits: ControlAdmission.Limits = ControlAdmission.Limits(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: @Sendable @escaping (String) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.file("control")
        let listener = try #require(
            try OpenListener.open(.unix(path: path, mode: 0o660, group: ""), backlog: 16).first)
        let server = ControlServer(
            listener: listener, verbs: verbs, limits: limits, logger: logger)
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
        "say": .looking { ControlReply(messages: $0.arguments) },
        "wait": .looking { _ in
            await untilCancelled()
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
            ("\n", 64, "the request can't be read: not JSON: expected a value, found the end of the text at column 1"),
            (
                "{\"verb\": \"dance\"}\n", 69,
                "tprtd is of another version than tprtctl and doesn't know this command; restart it after an upgrade "
                    + "(it knows say, wait)"
            ),
        ])
    func nonsense(text: String, status: CInt, message: String) async throws {
        try await serve(verbs) { path in
            let client = try Client(path: path)
            try client.send(Array(text.utf8))
            #expect(try await client.controlReply() == ControlReply(status: status, warnings: [message]))
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

    @Test("one that waits keeps nobody from being served; the longest idle of too many gives way")
    func many() async throws {
        // Silence must not see one off that is to give way.
        try await serve(verbs, limits: ControlAdmission.Limits(silence: .minutes(5))) { path in
            let waiting = try Client(path: path)
            try waiting.send(Array(ControlRequest("wait").line.utf8))
            var clients: [Client] = []
            for _ in 0..<20 {
                let client = try Client(path: path)
                #expect(try await client.ask(ControlRequest("say")) == ControlReply())
                clients.append(client)
            }
            #expect(try await clients[0].controlReply() == .evicted)
            #expect(try await clients[0].line() == nil)
            #expect(try await clients[19].ask(ControlRequest("say")) == ControlReply())
        }
    }

    @Test("silent connections, however many, shut nobody out")
    func silent() async throws {
        try await serve(verbs) { path in
            let silent = try (0..<40).map { _ in try Client(path: path) }
            for _ in 0..<3 {
                #expect(try await Client(path: path).ask(ControlRequest("say")) == ControlReply())
            }
            withExtendedLifetime(silent) {}
        }
    }

    @Test("who is served can't be put out, and who comes then is told")
    func busy() async throws {
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let verbs: [String: ControlServer.Verb] = [
            "wait": .looking { _ in
                begin.yield()
                await untilCancelled()
                return ControlReply()
            }
        ]
        try await serve(verbs, limits: ControlAdmission.Limits(connections: 2)) { path in
            let (first, second) = (try Client(path: path), try Client(path: path))
            for client in [first, second] { try client.send(Array(ControlRequest("wait").line.utf8)) }
            for await _ in begun.prefix(2) {}
            let reply = try await Client(path: path).controlReply()
            #expect(
                reply
                    == ControlReply(
                        status: 69,
                        warnings: [
                            "control socket busy: every connection has a request that is being carried out; try again"
                        ]))
        }
    }

    @Test("a request that isn't whole in time is not waited for", arguments: ["", "{\"verb\": "])
    func slow(_ beginning: String) async throws {
        try await serve(verbs, limits: ControlAdmission.Limits(silence: .milliseconds(50))) { path in
            let client = try Client(path: path)
            try client.send(Array(beginning.utf8))
            #expect(
                try await client.controlReply() == ControlReply(status: 69, warnings: ["no request within 50 ms"]))
            #expect(try await client.line() == nil)
        }
    }

    @Test(
        "root, the own user and members of the group may control, each with a rank",
        arguments: [
            (PeerCredentials(process: 1, user: 0, group: 0), [], .owner),
            (PeerCredentials(process: 1, user: 101, group: 5), [], .owner),
            (PeerCredentials(process: 1, user: 7, group: 102), [], .member),
            (PeerCredentials(process: 1, user: 7, group: 7), [gid_t(3), 102], .member),
            (PeerCredentials(process: 1, user: 7, group: 7), [gid_t(3), 0], nil),
            (PeerCredentials(process: 1, user: 7, group: 0), [], nil),
        ] as [(PeerCredentials, [gid_t], ControlPlaces.Rank?)])
    func peers(peer: PeerCredentials, groups: [gid_t], expected: ControlPlaces.Rank?) {
        #expect(peer.rank(user: 101, group: 102, groups: groups) == expected)
    }

    @Test("who only looks whether anything listens is not taken for a stranger")
    func looks() async throws {
        let recorder = LogRecorder()
        try await serve(verbs, logger: recorder.logger()) { path in
            for _ in 0..<50 {
                // No more than fit into the queue: to wait for a place there would block the thread.
                for _ in 0..<10 { _ = try Client(path: path) }
                let client = try Client(path: path)
                try client.send(Array(ControlRequest("say", arguments: ["on"]).line.utf8))
                #expect(try await client.controlReply()?.messages == ["on"])
            }
        }
        #expect(!recorder.lines.contains { $0.contains("refused") }, "\(recorder.lines)")
    }

    @Test("to be in the group of root is no reason where the daemon runs as root")
    func rootGroup() {
        let peer = PeerCredentials(process: 1, user: 7, group: 0)
        #expect(peer.rank(user: 0, group: 0, groups: [0]) == nil)
    }
}

/// Waits for the end of the task that asks.
private func untilCancelled() async {
    let (never, source) = AsyncStream.makeStream(of: Void.self)
    for await _ in never {}
    withExtendedLifetime(source) {}
}

extension ControlReply {
    fileprivate static let evicted = ControlReply(
        status: 69,
        warnings: ["control socket busy: too many connections, and yours was the longest idle; try again"])
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
