import NIOCore

/// An event loop is the clock of what runs on it or beside it: a server's is the system's, a test's is moved by hand.
extension EventLoop {
    /// Waits for so long by this loop's clock.
    ///
    /// Throws where the task is cancelled before, or the loop ends.
    func sleep(for time: TimeAmount) async throws {
        let timer = scheduleTask(in: time) {}
        try await withTaskCancellationHandler {
            try await timer.futureResult.get()
        } onCancel: {
            timer.cancel()
        }
    }
}
