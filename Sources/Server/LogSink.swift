import Glibc
import NIOConcurrencyHelpers
import NIOPosix

/// Writes log lines to a file descriptor from a thread of its own, through a bounded queue.
///
/// Whoever logs never waits: when the reader of the log doesn't keep up and the queue is full, lines are dropped and
/// counted, and a line says so once there is room again.
public final class LogSink: Sendable {
    private struct Queue {
        var bytes: [UInt8] = []
        var lost = 0
        var isWriting = false
    }

    private let descriptor: CInt
    private let limit: Int
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let queue = NIOLockedValueBox(Queue())

    /// A sink for a descriptor, which it doesn't close.
    ///
    /// - Parameter limit: how many bytes may wait
    public init(descriptor: CInt, limit: Int = 4 << 20) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Queues lines, each ended by LF, and empties `lines` while it keeps its storage.
    public func write(_ lines: inout [UInt8], count: Int) {
        guard !lines.isEmpty else { return }
        let mustWake = queue.withLockedValue { queue in
            guard queue.bytes.count + lines.count <= limit else {
                queue.lost += count
                return false
            }
            queue.bytes.append(contentsOf: lines)
            let wasWriting = queue.isWriting
            queue.isWriting = true
            return !wasWriting
        }
        lines.removeAll(keepingCapacity: true)
        guard mustWake else { return }
        // Started with the first line, so that a program can still fork before it logs anything.
        thread.start()
        thread.submit { _ in self.drain() }
    }

    /// Waits until everything is written, but no longer than that; a reader that hangs keeps nobody from ending.
    public func flush(within seconds: Double) async {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline, queue.withLockedValue({ $0.isWriting }) {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    private func drain() {
        var chunk: [UInt8] = []
        while true {
            chunk.removeAll(keepingCapacity: true)
            let lost = queue.withLockedValue { queue in
                swap(&queue.bytes, &chunk)
                let lost = chunk.isEmpty ? 0 : queue.lost
                queue.lost -= lost
                // What was lost is told when there is something else to write: a sink that fails isn't tried for it.
                queue.isWriting = !chunk.isEmpty
                return lost
            }
            if lost > 0 {
                chunk.append(contentsOf: "warning: \(lost) log lines were lost: the log is not read fast enough\n".utf8)
            }
            if chunk.isEmpty { return }
            let failed = writeAll(chunk)
            // The line about lost lines is the last one: where anything failed, it did.
            if failed > 0 { queue.withLockedValue { $0.lost += failed + lost - min(lost, 1) } }
        }
    }

    /// Blocks until the reader has taken everything.
    ///
    /// A sink that is gone or full takes nothing: the lines are given up. Returns how many.
    private func writeAll(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0, errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    Glibc.poll(&poll, 1, -1)
                } else if written < 0, errno != EINTR {
                    return rest.count { $0 == UInt8(ascii: "\n") }
                }
            }
            return 0
        }
    }
}
