import Foundation
import TestSupport

extension RedisServer {
    /// Ends it as an administrator would, and waits for the end; it may be started again by `restart()`.
    public func stop() async {
        await running?.terminate()
    }

    /// Ends it at once, and waits for the end.
    public func kill() async {
        await running?.end()
    }

    /// Ends it if it runs, starts it at the same place, and returns when it serves.
    public func restart() async throws {
        await stop()
        try await launch()
    }

    /// Stops it in its tracks: connections stay open, new ones are taken by the kernel, nobody answers.
    public func pause() async throws {
        guard let process = running else { throw TestError("Redis isn't running") }
        try process.signal(SIGSTOP)
        try await waitUntil("process \(process.id) to stop") {
            guard process.poll() == nil else { throw TestError("process \(process.id) has ended") }
            let text = try String(contentsOfFile: "/proc/\(process.id)/stat", encoding: .utf8)
            // The state stands after the name, which is in brackets.
            return text[(text.lastIndex(of: ")") ?? text.startIndex)...].hasPrefix(") T")
        }
    }

    /// Lets it go on.
    public func resume() throws {
        try running?.signal(SIGCONT)
    }

    /// Starts several servers at once; all of them or none.
    static func start(_ count: Int, _ options: RedisOptions) async throws -> [RedisServer] {
        try await withThrowingTaskGroup(of: RedisServer.self) { group in
            for _ in 0..<count {
                group.addTask { try await start(options) }
            }
            // If one fails, the others end with the last references to them.
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Removes several servers at once.
    static func remove(_ servers: [RedisServer]) async {
        await withTaskGroup { group in
            for server in servers {
                group.addTask { await server.remove() }
            }
        }
    }
}
