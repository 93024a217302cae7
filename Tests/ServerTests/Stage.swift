import Engine
import Glibc
import Greylist
import LogOutput
import Logging
import NIOCore
import SampleOptions
import ServiceLifecycle
import ServiceLifecycleTestKit
import Storage
import TestSupport

@testable import Server

/// A server on a socket in a directory of its own, for what is about sockets, several loops, or the server's end.
struct ServerStage {
    let path: String
    let clock: Clock
    let server: PolicyServer
    private let recorder: LogRecorder
    private let sink: LogSink

    /// What was logged so far.
    var log: [String] { recorder.lines(through: sink) }

    /// Waits until so many lines say so, at most a minute.
    func logged(_ text: String, times: Int = 1) async -> Bool { await recorder.hears(text, times: times) }

    /// Runs a server while `body` runs, then stops it as SIGTERM does.
    static func run<Result: Sendable>(
        _ engine: PolicyEngine, store: any Store = MemoryStore(), level: LogLevel = .debug,
        options change: OptionsChange = .none, _ body: @Sendable @escaping (ServerStage) async throws -> Result
    ) async throws -> Result {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let (clock, recorder, path) = (Clock(), LogRecorder(), directory.file("s"))
        let sink = LogSink(recorder.destination, level: level, now: clock.now)
        let logger = Logger(label: "test") { _ in SinkLogHandler(sink: sink) }
        var options = ServerOptions.sample(now: clock.now)
        // The machine may be busy: who isn't after the deadline itself shall not meet it.
        options.requestDeadline = .seconds(60)
        change.apply(&options)
        let listeners = try OpenListener.open(.unix(path: path, mode: 0o600, group: ""), backlog: 4_096)
        let server = try await PolicyServer(
            listeners: listeners, options: options, engine: engine, store: store, sink: sink, logger: logger)
        let stage = ServerStage(path: path, clock: clock, server: server, recorder: recorder, sink: sink)
        return try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask { try await server.fallbackSync?.run() }
                let result: Swift.Result<Result, any Error>
                do { result = .success(try await body(stage)) } catch { result = .failure(error) }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
                return try result.get()
            }
        }
    }
}

extension ServerOptions {
    /// Options with a clock, for tests that mind few of them.
    static func sample(now: @escaping @Sendable () -> Timestamp) -> ServerOptions {
        ServerOptions(
            threads: 1, maxConnections: 2_000, requestDeadline: .seconds(5), dnsBudget: .seconds(1), hasFallback: false,
            idleTimeout: .seconds(1_200), closesAfterReply: false, now: now)
    }
}
