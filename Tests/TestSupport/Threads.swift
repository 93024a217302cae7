import Foundation

/// Threads of our own on which tasks run, so that who blocks one of them doesn't starve the others.
public final class TaskThreads: TaskExecutor {
    private let jobs = Locked<[UnownedJob]>([])
    private let waiting = DispatchSemaphore(value: 0)

    /// Starts the threads, which stay.
    public init(_ name: String, count: Int) {
        for number in 1...count {
            let thread = Thread { self.runForever() }
            thread.name = "\(name) \(number)"
            thread.start()
        }
    }

    /// Gives one of the threads something to do.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        waiting.signal()
    }

    private func runForever() {
        while true {
            waiting.wait()
            let job = jobs.withLock { $0.removeFirst() }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}

/// The thread of what blocked tests wait for.
enum WaitingThread {
    static let shared = TaskThreads("children", count: 1)
}

/// Runs `body` on a thread of its own and blocks until it has ended.
///
/// It needs none of the threads of Swift's pool, so it comes to its end even where blocked tests keep all of them; but
/// for `Task.sleep`, which wakes on that pool.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    let outcome = Locked<Result<Value, any Error>?>(nil)
    let done = DispatchSemaphore(value: 0)
    Task(executorPreference: WaitingThread.shared) {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        outcome.withLock { $0 = result }
        done.signal()
    }
    done.wait()
    guard let result = outcome.withLock({ $0.take() }) else { preconditionFailure("ended without an outcome") }
    return try result.get()
}

/// A value behind a lock.
///
/// Foundation's lock and not the standard library's `Mutex`: that one is invisible to the thread sanitizer on Linux.
public final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    /// A value, handed over.
    public init(_ value: sending Value) {
        self.value = value
    }

    /// Calls `body` while nobody else has the value.
    public func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
