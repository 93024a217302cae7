import NIOCore
import NIOEmbedded

/// Runs `body` with a clock that stands until it is moved; what still waits for it then is cancelled.
///
/// A file that reads the clock imports NIOEmbedded: without it `now` is that of every event loop, the system's time.
nonisolated(nonsending) func withMovedClock<Result>(
    _ body: nonisolated(nonsending) (NIOAsyncTestingEventLoop) async throws -> Result
) async throws -> Result {
    let clock = NIOAsyncTestingEventLoop()
    do {
        let result = try await body(clock)
        await clock.stop()
        return result
    } catch {
        await clock.stop()
        throw error
    }
}

extension NIOAsyncTestingEventLoop {
    /// Moves the clock on, step by step, for as long as `body` takes, which waits by it.
    nonisolated(nonsending) func moves<Result, Failure: Error>(
        by step: TimeAmount = .milliseconds(1),
        while body: nonisolated(nonsending) () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let hand = Task {
            while !Task.isCancelled { await advanceTime(by: step) }
        }
        let result: Swift.Result<Result, Failure>
        do throws(Failure) { result = .success(try await body()) } catch { result = .failure(error) }
        hand.cancel()
        await hand.value
        return try result.get()
    }

    /// What was cancelled just now is done first: a loop that stops takes nothing any more.
    fileprivate func stop() async {
        await run()
        await shutdownGracefully()
    }
}
