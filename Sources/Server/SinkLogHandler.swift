import Greylist
public import Logging

/// Puts the messages of swift-log into a sink: one line each, warnings marked, line ends in a message escaped.
public struct SinkLogHandler: LogHandler {
    private let sink: LogSink
    /// Metadata that goes with each message.
    public var metadata: Logger.Metadata = [:]
    /// The lowest level that is written.
    public var logLevel: Logger.Level

    /// A handler for that sink; at `LogLevel.none` only what is critical gets through.
    public init(sink: LogSink, level: LogLevel) {
        self.sink = sink
        logLevel =
            switch level {
            case .none: .critical
            case .warnings: .warning
            case .info: .info
            case .debug: .debug
            }
    }

    /// Reads or sets a piece of metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a message.
    public func log(event: LogEvent) {
        var line: [UInt8] = []
        switch event.level {
        case .critical, .error, .warning: line.append("warning: ")
        case .trace, .debug: line.append("debug: ")
        case .info, .notice: break
        }
        line.append(escaping: Array(event.message.description.utf8).span, keepsBlanks: true)
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line.append(" \(key)=")
            line.append(escaping: Array(value.description.utf8).span, keepsBlanks: true)
        }
        line.append(UInt8(ascii: "\n"))
        sink.write(&line, count: 1)
    }
}
