import Bytes
import Engine
import Greylist
import Policy
import Whitelists

/// The log line of a decision, in the shape that postgrey gave it and that report scripts read:
/// `[queueid: ]action=greylist|pass, reason=R[, delay=N], client_name=N, client_address=A[, sender=S], recipient=R`.
///
/// What postgrey doesn't have stands in parentheses behind the reason, where those scripts take any text without a comma:
/// `entry=P` for the whitelist entry that had a say; where the client's network alone didn't decide, `identity=D` for the
/// organisation that the client was found to be, `proof=P` for what tells so, `matched=K` for the key under which the triplet
/// was found, and `dns_ms=N` for the time that was waited for the DNS; `mode=observe` where the action was decided but the
/// mail passed; `; ` between two. The recipient is the last field, and the rest of the line is its value.
///
/// Where not everything of a mail is shown, the fields are the same; a client's name that isn't shown is `hidden`.
extension [UInt8] {
    /// Appends the line, without an LF.
    mutating func append(decision record: DecisionRecord, on request: PolicyRequest, as shown: ShownMail?) {
        if !request.isEmpty(.queueID) {
            request.read(.queueID) { append(escaping: $0, keepsBlanks: false) }
            append(word: ": ")
        }
        append(word: "action=")
        append(word: record.action)
        append(word: ", reason=")
        append(word: record.reason.text)
        append(detailsOf: record)
        switch record.reason {
        case .judged(.early(let wait, _)):
            append(word: " (")
            append(decimal: Int(wait))
            append(word: "s missing)")
        case .judged(.retried(let delay)): append("delay", delay, .postgrey)
        default: break
        }
        if shown?.hidesClient == true {
            append("client_name", "hidden", .postgrey)
        } else {
            request.readClientName { append("client_name", $0, .postgrey) }
        }
        append(.clientAddress, of: request, as: shown)
        if !request.isEmpty(.sender) { append(.sender, of: request, as: shown) }
        append(.recipient, of: request, as: shown)
    }

    /// Appends ` (entry=P; identity=D; proof=P; matched=K; dns_ms=N; mode=observe)`, or what there is of it.
    private mutating func append(detailsOf record: DecisionRecord) {
        let start = count
        if let entry = record.entry {
            appendDetail("entry=", after: start)
            append(escaping: Array(entry.location.utf8).span, keepsBlanks: false)
        }
        // All other lines stay as postgrey's.
        if let identity = record.identity, identity.hasMattered {
            if !identity.organisation.isEmpty {
                appendDetail("identity=", after: start)
                append(escaping: identity.organisation.span, keepsBlanks: false)
            }
            appendDetail("proof=", after: start)
            append(word: identity.proof.word)
            if let matched = identity.matched {
                appendDetail("matched=", after: start)
                append(word: matched.word)
            }
            if let milliseconds = identity.search?.milliseconds {
                appendDetail("dns_ms=", after: start)
                append(decimal: milliseconds)
            }
        }
        if record.withheld != nil { appendDetail("mode=observe", after: start) }
        if count > start { append(word: ")") }
    }

    /// Appends the beginning of a detail, which may be the first one behind `start`.
    private mutating func appendDetail(_ word: StaticString, after start: Int) {
        append(word: count == start ? " (" : "; ")
        append(word: word)
    }

    private mutating func append(_ attribute: PolicyAttribute, of request: PolicyRequest, as shown: ShownMail?) {
        guard let shown else { return request.read(attribute) { append(attribute.name, $0, .postgrey) } }
        shown.read(attribute, of: request) { append(attribute.name, $0, .postgrey) }
    }
}

extension ClientIdentity {
    /// Whether more than the client's network has mattered: a proof was found in the DNS, or waited for in vain, or another key
    /// matched than that of the network, or it need not wait.
    fileprivate var hasMattered: Bool {
        if proof == .spf || merit != nil || matched == .host || matched == .organisation { return true }
        if case .late = search { return true }
        return false
    }
}

/// The fields of a decision, for the forms that name everything.
extension [UInt8] {
    /// Appends the fields: what was decided and why, then what the request was about; what it lacks is left out.
    mutating func append(
        fieldsOf record: DecisionRecord, on request: PolicyRequest, as shown: ShownMail?, _ style: FieldStyle
    ) {
        append(sent: .queueID, of: request, as: shown, style)
        append("action", record.action, style)
        append("reason", record.reason.text, style)
        append(timesOf: record.reason, style)
        append(sent: .clientName, of: request, as: shown, style)
        append(sent: .clientAddress, of: request, as: shown, style)
        append(sent: .heloName, of: request, as: shown, style)
        append(sent: .saslUsername, of: request, as: shown, style)
        append(sent: .sender, of: request, as: shown, style)
        append(sent: .recipient, of: request, as: shown, style)
        append(sent: .instance, of: request, as: shown, style)
        if let entry = record.entry { append("entry", Array(entry.location.utf8).span, style) }
        if let identity = record.identity {
            if !identity.organisation.isEmpty { append("identity", identity.organisation.span, style) }
            append("proof", identity.proof.word, style)
            if let matched = identity.matched { append("matched", matched.word, style) }
            if let milliseconds = identity.search?.milliseconds { append("dns_ms", Int64(milliseconds), style) }
        }
        if record.withheld != nil { append("mode", "observe", style) }
    }

    /// Appends an attribute that was sent, be it with an empty value, as far as it is shown.
    mutating func append(
        sent attribute: PolicyAttribute, of request: PolicyRequest, as shown: ShownMail?, _ style: FieldStyle
    ) {
        guard request.has(attribute) else { return }
        guard let shown else { return request.read(attribute) { append(attribute.name, $0, style) } }
        shown.read(attribute, of: request) { append(attribute.name, $0, style) }
    }

    /// Appends the seconds that a judgement speaks of.
    private mutating func append(timesOf reason: Reason, _ style: FieldStyle) {
        guard case .judged(let verdict) = reason else { return }
        switch verdict {
        case .new(let wait), .pendingLimitReached(let wait): append("wait", wait, style)
        case .early(let wait, let delay):
            append("wait", wait, style)
            append("delay", delay, style)
        case .retried(let delay): append("delay", delay, style)
        case .known, .autoWhitelisted, .carried, .spared, .released: break
        }
    }
}

/// Text in quotes, as logfmt and JSON both read it.
///
/// What stands between the quotes is the escaped text of the postgrey format (`\xHH` for each byte that isn't printable
/// ASCII, and for the backslash), quoted as RFC 8259 has it: so every backslash is doubled, and the quotation mark has
/// one before it. Whoever reads JSON gets the escaped text, and turns each `\xHH` in it back into its byte.
extension [UInt8] {
    mutating func append(quoting text: Span<UInt8>) {
        append(UInt8(ascii: "\""))
        for index in 0..<text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "\"") {
                append(word: "\\\"")
            } else if byte.isPrintable, byte != UInt8(ascii: "\\") {
                append(byte)
            } else {
                append(UInt8(ascii: "\\"))
                append(escape: byte)
            }
        }
        append(UInt8(ascii: "\""))
    }
}

extension Span<UInt8> {
    /// Whether logfmt reads it as it is, without quotes.
    var isPlain: Bool {
        guard !isEmpty else { return false }
        for index in indices {
            switch self[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"): return false
            case let byte where !byte.isPrintable: return false
            default: continue
            }
        }
        return true
    }
}
