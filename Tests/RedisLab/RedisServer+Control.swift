import Foundation

extension RedisServer {
    /// Ends it as an administrator would, and waits for the end; it may be started again by `restart()`.
    public func stop() async {
        await running?.end(gently: true)
    }

    /// Ends it at once, and waits for the end.
    public func kill() async {
        await running?.end(gently: false)
    }

    /// Ends it if it runs, starts it at the same place, and returns when it serves.
    public func restart() async throws {
        await stop()
        try await launch()
    }

    /// Stops it in its tracks: connections stay open, new ones are taken by the kernel, nobody answers.
    public func pause() async throws {
        guard let process = running else { throw LabError("Redis isn't running") }
        try process.signal(SIGSTOP)
        try await process.waitUntilStopped()
    }

    /// Lets it go on.
    public func resume() throws {
        try running?.signal(SIGCONT)
    }
}
