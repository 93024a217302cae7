import Engine
import Greylist
import Policy

/// Records in the form of a sink: decisions, messages, and the steps of a decision.
extension LogRecords {
    /// Appends a decision.
    mutating func append(
        decision record: DecisionRecord, on request: PolicyRequest, at now: Timestamp, in form: LogForm
    ) {
        append(
            .info, at: now, in: form, fields: { $0.append(fieldsOf: record, on: request, $1) },
            postgrey: { $0.append(decision: record, on: request) })
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
