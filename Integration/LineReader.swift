import Foundation
import Synchronization
import TestSupport

/// Collects the lines that come out of a pipe, on a thread of its own once `start()` was called.
///
/// Until then nobody reads the pipe, as when a log collector hangs.
final class LineReader: Sendable {
    private struct State {
        var lines: [String] = []
        var started = false
        var ended = false
    }

    /// Where the writer writes; to be closed here once the writer has it.
    let writeEnd: Int32
    private let readEnd: Int32
    private let state = Mutex(State())

    /// A pipe, which children get as a standard stream or not at all.
    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw TestError.system("pipe") }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
    }

    /// The lines so far.
    var lines: [String] {
        state.withLock { $0.lines }
    }

    /// Whether the pipe has come to its end and all was read.
    var ended: Bool {
        state.withLock { $0.ended }
    }

    /// Whether no more fits into the pipe.
    func isFull() throws -> Bool {
        let end = open("/proc/self/fd/\(readEnd)", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard end >= 0 else { throw TestError.system("open the pipe") }
        defer { close(end) }
        var request = pollfd(fd: end, events: Int16(POLLOUT), revents: 0)
        return poll(&request, 1, 0) == 0
    }

    /// Begins to read.
    func start() {
        let first = state.withLock { state in
            defer { state.started = true }
            return !state.started
        }
        guard first else { return }
        let thread = Thread { self.readAll() }
        thread.name = "lines"
        thread.start()
    }

    private func readAll() {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(readEnd, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest += buffer[..<count]
            guard let last = rest.lastIndex(of: 0x0a) else { continue }
            let lines = rest[..<last].split(separator: 0x0a, omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            rest.removeSubrange(...last)
            state.withLock { $0.lines += lines }
        }
        state.withLock { state in
            if !rest.isEmpty {
                state.lines.append(String(decoding: rest, as: UTF8.self))
            }
            state.ended = true
        }
    }
}
