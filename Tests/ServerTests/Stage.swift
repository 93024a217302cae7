import Engine
import Foundation
import Greylist
import LogOutput
import Logging
import NIOConcurrencyHelpers
import NIOCore
import ScenarioFiles
import Server
import ServiceLifecycle
import ServiceLifecycleTestKit
import Storage

/// A clock that stands until it is moved.
final class Clock: Sendable {
    private let time = NIOLockedValueBox(Scenario.start)

    @Sendable func now() -> Timestamp { time.withLockedValue { $0 } }

    func move(_ seconds: Int64) { time.withLockedValue { $0.seconds += seconds } }
}

/// A server on a socket in a folder of its own, with its log in a file.
struct ServerStage {
    let path: String
    let clock: Clock
    let server: PolicyServer
    private let logPath: String

    /// What was logged so far.
    var log: [String] {
        let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// Waits until a line says so, at most a minute.
    func logged(_ text: String, times: Int = 1) async -> Bool {
        for _ in 0..<6_000 {
            if log.count(where: { $0.contains(text) }) >= times { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// Runs a server while `body` runs, then stops it as SIGTERM does.
    static func run<Result: Sendable>(
        _ engine: PolicyEngine, store: any Store = MemoryStore(), level: LogLevel = .debug,
        options change: OptionsChange = .none, _ body: @Sendable @escaping (ServerStage) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tprt-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "s").path()
        let logPath = folder.appending(path: "log").path()
        let descriptor = open(logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(descriptor) }
        let clock = Clock()
        let sink = LogSink(.descriptor(descriptor), level: level, now: clock.now)
        let logger = Logger(label: "test") { _ in SinkLogHandler(sink: sink) }
        var options = ServerOptions(now: clock.now)
        // The machine may be busy: who isn't after the deadline itself shall not meet it.
        options.requestDeadline = .seconds(60)
        change.apply(&options)
        let listeners = try OpenListener.open(.unix(path: path, mode: 0o600, group: ""), backlog: 4_096)
        let server = try await PolicyServer(
            listeners: listeners, options: options, engine: engine, store: store, sink: sink, logger: logger)
        let stage = ServerStage(path: path, clock: clock, server: server, logPath: logPath)
        let result = try await testGracefulShutdown { trigger in
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
        await sink.flush(within: 5)
        return result
    }
}

/// What is different from the options of a fresh installation.
struct OptionsChange: Sendable {
    let apply: @Sendable (inout ServerOptions) -> Void

    static let none = OptionsChange { _ in }

    static func with<Value: Sendable>(
        _ path: any WritableKeyPath<ServerOptions, Value> & Sendable, _ value: Value
    ) -> OptionsChange {
        none.and(path, value)
    }

    func and<Value: Sendable>(
        _ path: any WritableKeyPath<ServerOptions, Value> & Sendable, _ value: Value
    ) -> OptionsChange {
        OptionsChange { options in
            apply(&options)
            options[keyPath: path] = value
        }
    }
}

/// A store whose answers can be held back.
final class SlowStore: Store {
    private let inner = MemoryStore()
    private let held = NIOLockedValueBox<[@Sendable () -> Void]?>([])

    /// Gives all answers that were held back, and holds back no more.
    func release() {
        let waiting = held.withLockedValue { held in
            let waiting = held ?? []
            held = nil
            return waiting
        }
        for answer in waiting { answer() }
    }

    var count: Int { held.withLockedValue { $0?.count ?? 0 } }

    func update(_ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void) {
        inner.update(batch) { result in
            let isHeld = self.held.withLockedValue { held in
                held?.append { done(result) }
                return held != nil
            }
            if !isHeld { done(result) }
        }
    }

    func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        try await inner.expire(table, from: cursor, limit: limit, at: now, under: rules)
    }

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        try await inner.scan(table, from: cursor, limit: limit)
    }

    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        try await inner.merge(entries, into: table, at: now, under: rules)
    }

    func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    func close() async {}
}
