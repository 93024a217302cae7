import Dispatch
import Logging
import NIOConcurrencyHelpers

@testable import LogOutput

/// What is logged, line by line; those who wait for a line are told of each that comes.
final class LogRecorder: Sendable {
    private struct State: Sendable {
        var lines: [String] = []
        var listeners: [AsyncStream<Void>.Continuation] = []
    }

    /// A line that is only there to be waited for.
    private static let mark = "everything before this line is written"
    /// Longer than any machine is busy.
    private static let patience = DispatchTimeInterval.seconds(60)

    private let state = NIOLockedValueBox(State())
    private let marks = DispatchSemaphore(value: 0)

    /// Takes the lines of a sink.
    var destination: LogDestination { LogDestination(writer: Writer(recorder: self)) }

    /// A logger whose lines come here at once, each with its level.
    func logger(level: Logger.Level = .debug) -> Logger {
        var logger = Logger(label: "test") { _ in Handler(recorder: self) }
        logger.logLevel = level
        return logger
    }

    /// The lines that have come by now.
    var lines: [String] { state.withLockedValue(\.lines) }

    /// All that was put into a sink before this call, which writes from a thread of its own.
    func lines(through sink: LogSink) -> [String] {
        sink.write(.info, message: Self.mark)
        precondition(marks.wait(timeout: .now() + Self.patience) == .success, "a sink does not write")
        return lines
    }

    /// Waits until so many lines say so, at most a minute; whether they came.
    func hears(_ text: String, times: Int = 1) async -> Bool {
        let (news, listener) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLockedValue { $0.listeners.append(listener) }
        listener.yield()
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) { listener.finish() }
        for await _ in news where lines.count(where: { $0.contains(text) }) >= times { return true }
        return false
    }

    fileprivate func append(_ line: String) {
        if line.hasSuffix(Self.mark) {
            _ = marks.signal()
            return
        }
        let listeners = state.withLockedValue { state in
            state.lines.append(line)
            return state.listeners
        }
        for listener in listeners { listener.yield() }
    }
}

private struct Writer: LogWriter {
    let takesFields = false
    let recorder: LogRecorder

    func write(_ records: LogRecords) -> Int {
        records.forEachRecord { _, _, text in
            recorder.append(text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
        }
        return 0
    }

    func reopen() {}
}

private struct Handler: LogHandler {
    let recorder: LogRecorder
    var logLevel = Logger.Level.debug
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        recorder.append("\(event.level) \(event.message)")
    }
}
