import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// What the thread sanitizer is told by `Tests/ThreadSanitizer/await.c`; without the sanitizer it can only pass.
@Suite struct ContinuationOrderTests {
    private final class Payload: Sendable {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    /// Read and written relaxed, so that the sanitizer learns no order from it.
    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    @Test func aContinuationThatIsResumedBeforeItsTaskWaitsIsInOrder() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        for number in 0..<20 {
            let isResumed = Flag()
            let payload: Payload = await withUnsafeContinuation { continuation in
                loop.execute {
                    continuation.resume(returning: Payload(number))
                    isResumed.set()
                }
                while !isResumed.isSet { sched_yield() }
            }
            #expect(payload.number == number)
        }
    }
}
