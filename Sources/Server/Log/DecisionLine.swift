import Engine
import Greylist
import Policy
import Whitelists

/// The log line of a decision, in the shape that postgrey gave it and that report scripts read:
/// `[queueid: ]action=greylist|pass, reason=R[, delay=N], client_name=N, client_address=A[, sender=S], recipient=R`.
///
/// What postgrey doesn't have stands in parentheses behind the reason, where those scripts take any text without a comma:
/// `(entry=P)` for the whitelist entry that had a say, `(mode=observe)` where the action was decided but the mail passed,
/// `(entry=P; mode=observe)` for both. The recipient is the last field, and the rest of the line is its value.
extension [UInt8] {
    /// Appends the line, without an LF.
    mutating func append(decision outcome: Outcome, on request: PolicyRequest) {
        if !request.isEmpty(.queueID) {
            request.read(.queueID) { append(escaping: $0, keepsBlanks: false) }
            append(word: ": ")
        }
        append(word: "action=")
        append(word: outcome.action)
        append(word: ", reason=")
        append(word: outcome.reason.text)
        append(detailsOf: outcome)
        switch outcome.reason {
        case .judged(.early(let wait, _)):
            append(word: " (")
            append(decimal: Int(wait))
            append(word: "s missing)")
        case .judged(.retried(let delay)): append("delay", delay, .postgrey)
        default: break
        }
        request.readClientName { append("client_name", $0, .postgrey) }
        append(.clientAddress, of: request)
        if !request.isEmpty(.sender) { append(.sender, of: request) }
        append(.recipient, of: request)
    }

    /// Appends ` (entry=P; mode=observe)`, or what there is of it.
    private mutating func append(detailsOf outcome: Outcome) {
        let isObserved = outcome.withheld != nil
        guard outcome.entry != nil || isObserved else { return }
        append(word: " (")
        if let entry = outcome.entry {
            append(word: "entry=")
            append(escaping: Array(entry.location.utf8).span, keepsBlanks: false)
            if isObserved { append(word: "; ") }
        }
        if isObserved { append(word: "mode=observe") }
        append(word: ")")
    }

    private mutating func append(_ attribute: PolicyAttribute, of request: PolicyRequest) {
        request.read(attribute) { append(attribute.name, $0, .postgrey) }
    }
}

/// The fields of a decision, for the forms that name everything.
extension [UInt8] {
    /// Appends the fields: what was decided and why, then what the request was about; what it lacks is left out.
    mutating func append(fieldsOf outcome: Outcome, on request: PolicyRequest, _ style: FieldStyle) {
        append(sent: .queueID, of: request, style)
        append("action", outcome.action, style)
        append("reason", outcome.reason.text, style)
        append(timesOf: outcome.reason, style)
        append(sent: .clientName, of: request, style)
        append(sent: .clientAddress, of: request, style)
        append(sent: .heloName, of: request, style)
        append(sent: .saslUsername, of: request, style)
        append(sent: .sender, of: request, style)
        append(sent: .recipient, of: request, style)
        append(sent: .instance, of: request, style)
        if let entry = outcome.entry { append("entry", Array(entry.location.utf8).span, style) }
        if outcome.withheld != nil { append("mode", "observe", style) }
    }

    /// Appends an attribute that was sent, be it with an empty value.
    mutating func append(sent attribute: PolicyAttribute, of request: PolicyRequest, _ style: FieldStyle) {
        guard request.has(attribute) else { return }
        request.read(attribute) { append(attribute.name, $0, style) }
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
        case .known, .autoWhitelisted: break
        }
    }
}

extension Outcome {
    /// The decision in a word.
    var action: StaticString { isGreylisting ? "greylist" : "pass" }

    /// Whether the mail has to wait, or would have to where the site only observes.
    var isGreylisting: Bool {
        switch reason {
        case .judged(.new), .judged(.early): true
        case .judged(.retried), .judged(.known), .judged(.autoWhitelisted), .notOurs, .whitelisted: false
        case .storeFailed, .judged(.pendingLimitReached): decision != .dunno
        }
    }

    /// From which level on it is logged: what isn't ours by its state is no decision.
    var logLevel: LogLevel {
        reason == .notOurs(.otherState) ? .debug : .info
    }
}

extension Reason {
    /// The reason in words, without its numbers.
    var text: StaticString {
        switch self {
        case .notOurs(let reason): reason.text
        case .whitelisted(.client): "client whitelist"
        case .whitelisted(.helo): "helo whitelist"
        case .whitelisted(.recipient): "recipient whitelist"
        case .whitelisted(.sender): "sender whitelist"
        case .whitelisted(nil): "whitelist"
        case .judged(.new): "new"
        case .judged(.early): "early-retry"
        case .judged(.retried), .judged(.known): "triplet found"
        case .judged(.autoWhitelisted): "client AWL"
        case .judged(.pendingLimitReached): "too many pending"
        case .storeFailed: "store unavailable"
        }
    }
}

extension Reason.NotOurs {
    fileprivate var text: StaticString {
        switch self {
        case .noRequest: "no request attribute"
        case .otherState: "not asked at RCPT"
        case .authenticated: "client authenticated"
        case .noAddress: "client address unreadable"
        case .noSender: "no sender"
        case .noRecipient: "no recipient"
        case .nullSender: "null sender"
        }
    }
}
