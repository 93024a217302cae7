import Foundation
import Synchronization
import TestSupport
import Testing

/// A few threads of our own that run blocking tests, so that those starve neither each other nor the rest.
///
/// As many tests run at once as there are threads, so that one that has awaited something finds a thread free.
private enum BlockingThreads {
    static let count = 4
    static let shared = TaskThreads("blocking", count: count)
}

/// The trait of tests that block: they run on threads of their own.
struct BlockingTrait: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        await Turns.shared.take()
        do {
            try await withTaskExecutorPreference(BlockingThreads.shared) { try await function() }
        } catch {
            await Turns.shared.giveBack()
            throw error
        }
        await Turns.shared.giveBack()
    }
}

/// Lets as many blocking tests begin as there are threads, the others in their order.
private actor Turns {
    static let shared = Turns()

    private var free = BlockingThreads.count
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

extension Trait where Self == BlockingTrait {
    /// Runs blocking tests on threads of their own.
    static var blocking: Self { Self() }
}

/// Runs `body` on `count` threads at once and returns their results in order, or throws an error of one of them.
func onThreads<Value: Sendable>(
    _ count: Int,
    _ body: @escaping @Sendable (_ index: Int) throws -> Value
) throws -> [Value] {
    let results = ThreadResults<Value>()
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        let thread = Thread {
            results.add(index, Result { try body(index) })
            group.leave()
        }
        thread.start()
    }
    group.wait()
    return try results.inOrder()
}

/// What the threads of `onThreads` came to.
private final class ThreadResults<Value: Sendable>: Sendable {
    private let results = Mutex<[Int: Result<Value, any Error>]>([:])

    func add(_ index: Int, _ result: Result<Value, any Error>) {
        results.withLock { $0[index] = result }
    }

    func inOrder() throws -> [Value] {
        let sorted = results.withLock { results in results.sorted { $0.key < $1.key } }
        return try sorted.map { try $0.value.get() }
    }
}

/// A number that several threads count up.
final class Counter: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .relaxed) }

    /// Counts one more and returns how many there are now.
    func increment() -> Int {
        number.add(1, ordering: .relaxed).newValue
    }
}
