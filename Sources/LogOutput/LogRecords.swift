import Engine
import Greylist
import Policy
import Storage
import Whitelists

/// Log records, each with its severity and its time, one behind the other in storage that is used again and again.
struct LogRecords: Sendable {
    /// Before each text: its length in four bytes, the severity in one, the seconds of the time in eight.
    private static let headerSize = 13

    private var bytes: [UInt8] = []
    /// How many there are.
    private(set) var count = 0

    /// How much storage they take, in bytes.
    var size: Int { bytes.count }
    var isEmpty: Bool { count == 0 }

    /// Appends a record, whose text `write` appends to the bytes it is given.
    mutating func append(_ severity: LogSeverity, at time: Timestamp, _ write: (inout [UInt8]) -> Void) {
        let start = bytes.count
        append(UInt64(0), width: 4)
        bytes.append(severity.rawValue)
        append(UInt64(bitPattern: time.seconds), width: 8)
        write(&bytes)
        var length = UInt32(bytes.count - start - Self.headerSize)
        for index in start..<start + 4 {
            bytes[index] = UInt8(truncatingIfNeeded: length)
            length >>= 8
        }
        count += 1
    }

    /// Appends all of the other ones.
    mutating func append(contentsOf other: LogRecords) {
        bytes.append(contentsOf: other.bytes)
        count += other.count
    }

    /// Removes all, and keeps the storage.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        count = 0
    }

    /// Hands over each record in turn.
    func forEachRecord(_ body: (_ severity: LogSeverity, _ time: Timestamp, _ text: Span<UInt8>) -> Void) {
        var start = 0
        while start < bytes.count {
            let text = start + Self.headerSize
            let end = text + Int(number(at: start, width: 4))
            guard let severity = LogSeverity(rawValue: bytes[start + 4]) else {
                preconditionFailure("a log record without a severity")
            }
            let seconds = Int64(bitPattern: number(at: start + 5, width: 8))
            body(severity, Timestamp(seconds: seconds), bytes.span.extracting(text..<end))
            start = end
        }
    }

    private mutating func append(_ number: UInt64, width: Int) {
        for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
    }

    private func number(at start: Int, width: Int) -> UInt64 {
        var number: UInt64 = 0
        for index in 0..<width { number |= UInt64(bytes[start + index]) << UInt64(8 * index) }
        return number
    }
}

extension [UInt8] {
    /// Appends the text of a record as it is.
    mutating func append(_ text: Span<UInt8>) {
        text.withUnsafeBufferPointer { append(contentsOf: $0) }
    }
}

/// Records in the form of a sink: decisions, messages, and the steps of a decision.
extension LogRecords {
    /// Appends a decision.
    mutating func append(
        decision record: DecisionRecord, on request: PolicyRequest, as shown: ShownMail?, at now: Timestamp,
        in form: LogForm
    ) {
        append(
            .info, at: now, in: form, fields: { $0.append(fieldsOf: record, on: request, as: shown, $1) },
            postgrey: { $0.append(decision: record, on: request, as: shown) })
    }

    /// Appends a message.
    mutating func append(_ severity: LogSeverity, message: String, at now: Timestamp, in form: LogForm) {
        let text = Array(message.utf8)
        append(
            severity, at: now, in: form,
            fields: { line, style in
                // The journal has it as MESSAGE.
                if style != .journal { line.append("message", text.span, style) }
            },
            postgrey: {
                $0.append(markOf: severity)
                $0.append(escaping: text.span, keepsBlanks: true)
            })
    }

    /// Appends a step of a decision, with what is known after it.
    mutating func append(
        step: StaticString, at now: Timestamp, in form: LogForm, fields: (inout [UInt8], FieldStyle) -> Void
    ) {
        append(
            .debug, at: now, in: form,
            fields: { line, style in
                line.append("step", step, style)
                fields(&line, style)
            },
            postgrey: { line in
                line.append(markOf: .debug)
                line.append(word: "step=")
                line.append(word: step)
                fields(&line, .postgrey)
            })
    }

    /// Appends a record: its line as the form's format has it, and for a journal its fields once more.
    private mutating func append(
        _ severity: LogSeverity, at now: Timestamp, in form: LogForm, fields: (inout [UInt8], FieldStyle) -> Void,
        postgrey: (inout [UInt8]) -> Void
    ) {
        append(severity, at: now) { line in
            if form.hasFields { line.append(word: "MESSAGE=") }
            switch form.format {
            case .postgrey: postgrey(&line)
            case .logfmt:
                line.append(word: "time=")
                line.append(rfc3339: now)
                line.append("level", severity.name, .logfmt)
                fields(&line, .logfmt)
            case .json:
                line.append(word: "{\"time\":\"")
                line.append(rfc3339: now)
                line.append(word: "\"")
                line.append("level", severity.name, .json)
                fields(&line, .json)
                line.append(word: "}")
            }
            guard form.hasFields else { return }
            line.append(UInt8(ascii: "\n"))
            fields(&line, .journal)
        }
    }
}

extension [UInt8] {
    /// Appends what begins a line that is no decision.
    fileprivate mutating func append(markOf severity: LogSeverity) {
        switch severity {
        case .critical, .error, .warning: append(word: "warning: ")
        case .debug: append(word: "debug: ")
        case .info, .notice: break
        }
    }
}
