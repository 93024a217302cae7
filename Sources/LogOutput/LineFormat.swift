import Bytes
import Greylist
import Logging

/// How a log line is written.
public enum LineFormat: Sendable, Equatable {
    /// As postgrey writes them.
    case postgrey
    /// `key=value` pairs.
    case logfmt
    /// One JSON object a line.
    case json
}

/// The form of a record: its line, and whether the line's fields come beside it as a journal takes them.
struct LogForm: Sendable, Equatable {
    var format: LineFormat
    var hasFields: Bool
}

/// How a single field is written.
enum FieldStyle {
    /// `, name=value`, escaped.
    case postgrey
    /// ` name=value`, quoted where need be.
    case logfmt
    /// `,"name":"value"`, or without quotes for a number.
    case json
    /// `TPRT_NAME`, and the very bytes with their length before them.
    case journal

    init(_ format: LineFormat) {
        switch format {
        case .postgrey: self = .postgrey
        case .logfmt: self = .logfmt
        case .json: self = .json
        }
    }
}

extension [UInt8] {
    /// Appends a field whose value may be any bytes.
    mutating func append(_ name: StaticString, _ value: Span<UInt8>, _ style: FieldStyle) {
        append(nameOf: name, style)
        switch style {
        case .postgrey: append(escaping: value, keepsBlanks: false)
        case .logfmt where value.isPlain: append(value)
        case .logfmt, .json: append(quoting: value)
        case .journal: append(journalValue: value)
        }
    }

    /// Appends a field whose value is a word of ours.
    mutating func append(_ name: StaticString, _ word: StaticString, _ style: FieldStyle) {
        word.withUTF8Buffer { append(name, $0.span, style) }
    }

    /// Appends a field whose value is a number of zero or more.
    mutating func append(_ name: StaticString, _ number: Int64, _ style: FieldStyle) {
        append(nameOf: name, style)
        if style == .journal { append(UInt8(ascii: "=")) }
        append(decimal: Int(number))
        if style == .journal { append(UInt8(ascii: "\n")) }
    }

    private mutating func append(nameOf name: StaticString, _ style: FieldStyle) {
        switch style {
        case .postgrey: append(word: ", ")
        case .logfmt: append(word: " ")
        case .json: append(word: ",\"")
        case .journal: return append(journalName: name)
        }
        append(word: name)
        append(word: style == .json ? "\":" : "=")
    }

    /// Appends text with every byte that isn't printable ASCII as `\xHH`, and the backslash too.
    ///
    /// Without `keepsBlanks` so are blanks and commas, which part the fields: no value can then pass for another field
    /// or line, and each can be turned back into its very bytes.
    mutating func append(escaping text: Span<UInt8>, keepsBlanks: Bool) {
        for index in 0..<text.count {
            let byte = text[index]
            let isSeparator = byte == UInt8(ascii: " ") || byte == UInt8(ascii: ",")
            if byte.isPrintable, byte != UInt8(ascii: "\\"), keepsBlanks || !isSeparator {
                append(byte)
            } else {
                append(escape: byte)
            }
        }
    }

    mutating func append(escape byte: UInt8) {
        append(word: "\\x")
        append(hexadecimalPairOf: byte)
    }

    /// Appends a word of ours as it is.
    mutating func append(word: StaticString) {
        word.withUTF8Buffer { append(contentsOf: $0) }
    }
}

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
