import Foundation
import TestSupport

/// The thread that starts processes.
///
/// A process that is to die with its parent dies, by the kernel's rules, with the thread that started it. The threads
/// of Swift's pool come and go; this one stays.
final class Spawner: Sendable {
    static let shared: Spawner = {
        let spawner = Spawner()
        let thread = Thread { spawner.runForever() }
        thread.name = "spawner"
        thread.start()
        return spawner
    }()

    private let jobs = Locked<[@Sendable () -> Void]>([])
    private let waiting = DispatchSemaphore(value: 0)

    /// Runs `body` on the thread.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        // The thread sanitizer sees that a value is handed over behind a lock, but not that a continuation does it.
        let outcome = Locked<Result<Value, any Error>?>(nil)
        await withCheckedContinuation { continuation in
            jobs.withLock { jobs in
                jobs.append {
                    outcome.withLock { $0 = Result(catching: body) }
                    continuation.resume()
                }
            }
            waiting.signal()
        }
        // Taken out: the thread may keep its last job, and what that holds, until it gets another.
        guard let result = outcome.withLock({ $0.take() }) else { preconditionFailure("resumed without an outcome") }
        return try result.get()
    }

    private func runForever() {
        while true {
            waiting.wait()
            jobs.withLock { $0.removeFirst() }()
        }
    }
}
