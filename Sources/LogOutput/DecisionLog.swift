public import Engine
public import Greylist
public import Policy
import SPF
import Storage
import Whitelists

/// The decisions of one event loop on their way to the log.
public struct DecisionLog {
    private let sink: LogSink
    private var records = LogRecords()
    /// What is shown of a mail; nil: everything.
    private var shown: ShownMail?
    /// Since which change of the sink that is so.
    private var changes: Int

    /// For that sink; nothing is written before ``flush()``.
    public init(to sink: LogSink) {
        self.sink = sink
        changes = sink.addressChanges
        shown = ShownMail(sink.addresses)
    }

    /// Appends a decision, as far as the sink's level wants it; at `debug` all steps that led to it come first.
    ///
    /// - Parameter envelope: that of the request, asked for at `debug` alone; nil where greylisting has no say
    public mutating func append(
        _ record: DecisionRecord, on request: PolicyRequest, at now: @autoclosure () -> Timestamp,
        envelope: () -> Envelope?
    ) {
        let level = sink.level
        guard level >= (record.isWorthLogging ? .info : .debug) else { return }
        let now = now()
        if changes != sink.addressChanges {
            changes = sink.addressChanges
            shown = ShownMail(sink.addresses)
        }
        shown?.take(request)
        if level == .debug {
            records.append(stepsTo: record, on: request, as: shown, envelope: envelope(), at: now, in: sink.form)
        }
        records.append(decision: record, on: request, as: shown, at: now, in: sink.form)
    }

    /// Hands over what was appended.
    public mutating func flush() {
        sink.write(&records)
    }
}

/// How much is logged, in the numbers of the settings.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case none = 0
    case warnings = 1
    /// Warnings and decisions.
    case info = 2
    /// Everything that was answered, also what is no decision, and each step of it.
    case debug = 3

    /// Whether the left one logs less.
    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The steps of a decision, for `LogLevel.debug`.
extension LogRecords {
    /// Appends all steps that led to a decision.
    ///
    /// - Parameters:
    ///   - shown: how much of the mail is shown; nil: everything
    ///   - envelope: of that request; nil where greylisting has no say
    fileprivate mutating func append(
        stepsTo record: DecisionRecord, on request: PolicyRequest, as shown: ShownMail?, envelope: Envelope?,
        at now: Timestamp, in form: LogForm
    ) {
        append(step: "request", at: now, in: form) { line, style in
            for attribute in PolicyAttribute.allCases { line.append(sent: attribute, of: request, as: shown, style) }
        }
        append(step: "envelope", at: now, in: form) { line, style in
            guard var envelope else { return line.append("reason", record.reason.text, style) }
            envelope.readKeys { triplet, _, _, network in
                line.append("network", network, style)
                if shown == nil { line.append("triplet", triplet, style) }
            }
        }
        if envelope != nil {
            append(step: "whitelist", at: now, in: form) { line, style in
                guard let entry = record.entry else { return line.append("entry", "none", style) }
                line.append("entry", Array(entry.location.utf8).span, style)
            }
        }
        if let identity = record.identity {
            append(step: "identity", at: now, in: form) { $0.append(fieldsOf: identity, as: shown, $1) }
        }
        if let judgement = record.judgement {
            append(step: "store", at: now, in: form) { $0.append(fieldsOf: judgement, $1) }
        }
        append(step: "reply", at: now, in: form) { line, style in
            switch record.reply {
            case .dunno: line.append("reply", "DUNNO", style)
            // The rest may name the recipient's domain.
            case .action(let text) where shown?.hidesClient == true:
                let action = text.prefix { $0 != UInt8(ascii: " ") }
                line.append("reply", action.span, style)
            case .action(let text): line.append("reply", text.span, style)
            }
        }
    }
}

extension [UInt8] {
    /// Appends who the client was found to be, and what of the SPF record led to it.
    ///
    /// A name that was asked for may have the sender's local part in it, and where clients aren't shown none is.
    fileprivate mutating func append(fieldsOf identity: ClientIdentity, as shown: ShownMail?, _ style: FieldStyle) {
        append("proof", identity.proof.word, style)
        if !identity.organisation.isEmpty { append("identity", identity.organisation.span, style) }
        switch identity.search {
        case nil: append("dns", "not needed", style)
        case .notAsked(let reason): append("dns", reason.text, style)
        case .late(let milliseconds):
            append("dns", "late", style)
            append("dns_ms", Int64(milliseconds), style)
        case .ended(let outcome, let milliseconds):
            append("spf", Array(outcome.result.rawValue.utf8).span, style)
            let showsDomains = shown?.hidesClient != true
            if showsDomains { append("domain", outcome.domain.span, style) }
            append("scope", Array(outcome.scope.rawValue.utf8).span, style)
            if let grade = outcome.grade { append("grade", Array(grade.rawValue.utf8).span, style) }
            for term in outcome.path where showsDomains {
                append("term", (term.domain + Array(": ".utf8) + term.text).span, style)
            }
            if let problem = outcome.problem {
                append("problem", Array(problem.cause.rawValue.utf8).span, style)
                if shown == nil { append("problem_domain", problem.domain.span, style) }
            }
            append("dns_ms", Int64(milliseconds), style)
        }
    }

    /// Appends the verdict, and what is remembered from now on.
    fileprivate mutating func append(fieldsOf judgement: Judgement, _ style: FieldStyle) {
        append("verdict", Reason.judged(judgement.verdict).text, style)
        if let triplet = judgement.remember.triplet {
            append("triplet_passes", Int64(triplet.passes), style)
            append("triplet_first", triplet.first.seconds, style)
            append("triplet_last", triplet.last.seconds, style)
        }
        if let client = judgement.remember.client { append("client_passes", Int64(client.passes), style) }
    }
}
