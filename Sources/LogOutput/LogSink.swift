public import Greylist
public import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Synchronization

/// Writes log records to their destination from a thread of its own, through a bounded queue.
///
/// Whoever logs never waits: when the destination doesn't keep up and the queue is full, records are dropped and
/// counted, and a line says so once there is room again.
public final class LogSink: Sendable {
    private struct Queue {
        var records = LogRecords()
        /// Those that weren't told of yet.
        var lost = 0
        /// All of them.
        var dropped = 0
        var mustReopen = false
        var isWriting = false
    }

    /// The form in which records are to be made.
    let form: LogForm
    private let now: @Sendable () -> Timestamp
    private let limit: Int
    private let currentLevel: Synchronization.Atomic<Int>
    private let currentAddresses: NIOLockedValueBox<LoggedAddresses>
    private let changesOfAddresses = Synchronization.Atomic<Int>(0)
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let queue = NIOLockedValueBox(Queue())
    /// Only its thread takes it, so that nobody ever waits for the lock.
    private let writer: NIOLockedValueBox<any LogWriter>

    /// A sink for a destination.
    ///
    /// - Parameters:
    ///   - level: how much is logged, to begin with
    ///   - addresses: how much of senders and recipients decisions show, to begin with
    ///   - now: tells the time of messages; decisions bring their own
    ///   - limit: how many bytes may wait
    public init(
        _ destination: LogDestination, format: LineFormat = .postgrey, level: LogLevel,
        addresses: LoggedAddresses = .full, now: @escaping @Sendable () -> Timestamp, limit: Int = 4 << 20
    ) {
        form = LogForm(format: format, hasFields: destination.writer.takesFields)
        currentLevel = Synchronization.Atomic(level.rawValue)
        currentAddresses = NIOLockedValueBox(addresses)
        writer = NIOLockedValueBox(destination.writer)
        self.now = now
        self.limit = limit
    }

    /// How much is logged from now on; may be set from any thread at any time, takes no lock, and holds at once.
    public var level: LogLevel {
        get { LogLevel(rawValue: currentLevel.load(ordering: .relaxed)) ?? .info }
        set { currentLevel.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// How much of senders and recipients decisions show from now on; may be set from any thread at any time.
    public var addresses: LoggedAddresses {
        get { currentAddresses.withLockedValue { $0 } }
        set {
            currentAddresses.withLockedValue { $0 = newValue }
            changesOfAddresses.add(1, ordering: .releasing)
        }
    }

    /// How often that has changed: who keeps a copy finds out without a lock whether it still holds.
    var addressChanges: Int { changesOfAddresses.load(ordering: .acquiring) }

    /// How many lines were lost so far, since the destination didn't keep up or failed; from any thread.
    public var dropped: Int { queue.withLockedValue { $0.dropped } }

    /// Opens the destination anew, once what is queued so far is written; for a log file that was moved away.
    public func reopen() {
        wake { $0.mustReopen = true }
    }

    /// Waits until everything is written, but no longer than that; a reader that hangs keeps nobody from ending.
    public func flush(within seconds: Double) async {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline, queue.withLockedValue({ $0.isWriting }) {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Queues records, and empties `records` while it keeps its storage.
    func write(_ records: inout LogRecords) {
        guard !records.isEmpty else { return }
        wake { queue in
            if queue.records.size + records.size <= limit {
                queue.records.append(contentsOf: records)
            } else {
                queue.lost += records.count
                queue.dropped += records.count
            }
        }
        records.removeAll()
    }

    /// Queues a message.
    func write(_ severity: LogSeverity, message: String) {
        var records = LogRecords()
        records.append(severity, message: message, at: now(), in: form)
        write(&records)
    }

    private func wake(_ change: (inout Queue) -> Void) {
        let mustWake = queue.withLockedValue { queue in
            change(&queue)
            defer { queue.isWriting = true }
            return !queue.isWriting
        }
        guard mustWake else { return }
        // Started with the first line, so that a program can still fork before it logs anything.
        thread.start()
        thread.submit { _ in self.drain() }
    }

    private func drain() {
        var batch = LogRecords()
        while true {
            batch.removeAll()
            let (lost, mustReopen) = queue.withLockedValue { queue in
                swap(&queue.records, &batch)
                defer { queue.mustReopen = false }
                queue.isWriting = !batch.isEmpty || queue.mustReopen
                return (queue.lost, queue.mustReopen)
            }
            if !batch.isEmpty { write(batch, afterLosing: lost) } else if !mustReopen { return }
            if mustReopen { writer.withLockedValue { $0.reopen() } }
        }
    }

    /// What was lost is told once something else got through: a sink that fails isn't tried for it.
    private func write(_ batch: LogRecords, afterLosing lost: Int) {
        let failed = writer.withLockedValue { $0.write(batch) }
        guard failed == 0 else {
            return queue.withLockedValue { queue in
                queue.lost += failed
                queue.dropped += failed
            }
        }
        guard lost > 0 else { return }
        var notice = LogRecords()
        notice.append(
            .warning, message: "\(lost) log lines were lost: the log was not taken fast enough, or not at all",
            at: now(), in: form)
        if writer.withLockedValue({ $0.write(notice) }) == 0 { queue.withLockedValue { $0.lost -= lost } }
    }
}

/// Puts the messages of swift-log into a sink: one line each, line ends in a message escaped.
public struct SinkLogHandler: LogHandler {
    private let sink: LogSink
    private var floor = Logger.Level.trace
    /// Metadata that goes with each message.
    public var metadata: Logger.Metadata = [:]

    /// A handler for that sink, whose level holds for it; at `LogLevel.none` only what is critical gets through.
    public init(sink: LogSink) {
        self.sink = sink
    }

    /// The lowest level that is written: the sink's, unless a higher one was set.
    public var logLevel: Logger.Level {
        get { max(floor, sink.level.lowest) }
        set { floor = newValue }
    }

    /// Reads or sets a piece of metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a message.
    public func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let fields = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        sink.write(LogSeverity(event.level), message: "\(event.message)" + fields.joined())
    }
}

extension LogLevel {
    /// The lowest level of a message that is written.
    fileprivate var lowest: Logger.Level {
        switch self {
        case .none: .critical
        case .warnings: .warning
        case .info: .info
        case .debug: .debug
        }
    }
}
