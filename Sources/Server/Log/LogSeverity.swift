import Logging

/// How grave a log record is, in the numbers of syslog (RFC 5424, table 2).
public enum LogSeverity: UInt8, Sendable, CaseIterable {
    case critical = 2
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6
    case debug = 7

    /// Its name in a line.
    var name: StaticString {
        switch self {
        case .critical: "critical"
        case .error: "error"
        case .warning: "warning"
        case .notice: "notice"
        case .info: "info"
        case .debug: "debug"
        }
    }
}

extension LogSeverity {
    /// The severity of a message of swift-log.
    init(_ level: Logger.Level) {
        switch level {
        case .critical: self = .critical
        case .error: self = .error
        case .warning: self = .warning
        case .notice: self = .notice
        case .info: self = .info
        case .debug, .trace: self = .debug
        }
    }
}
