public import Logging

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
