public import Engine
import Greylist
public import Policy
import Whitelists

/// The log line of a decision, in the shape that postgrey gave it and that report scripts read:
/// `[queueid: ]action=greylist|pass, reason=R[, delay=N], client_name=N, client_address=A[, sender=S], recipient=R`,
/// and after it, where a whitelist entry had a say, its place: `, entry=P`. At the very end stands `, mode=observe` where
/// the action was decided, but the mail passed: scripts that look for fields by their names find all others as ever.
extension [UInt8] {
    /// Appends the line, with its LF.
    public mutating func append(decision outcome: Outcome, on request: PolicyRequest) {
        if !request.isEmpty(.queueID) {
            append(escaped: .queueID, of: request)
            append(": ")
        }
        append("action=")
        append(outcome.isGreylisting ? "greylist" : "pass")
        append(", reason=")
        append(outcome.reason)
        append(", client_name=")
        append(escaped: .clientName, of: request)
        append(", client_address=")
        append(escaped: .clientAddress, of: request)
        if !request.isEmpty(.sender) {
            append(", sender=")
            append(escaped: .sender, of: request)
        }
        append(", recipient=")
        append(escaped: .recipient, of: request)
        if let entry = outcome.entry {
            append(", entry=")
            append(escaping: Array(entry.place.utf8).span, keepsBlanks: false)
        }
        if outcome.withheld != nil { append(", mode=observe") }
        append(UInt8(ascii: "\n"))
    }

    private mutating func append(escaped attribute: PolicyAttribute, of request: PolicyRequest) {
        request.read(attribute) { append(escaping: $0, keepsBlanks: false) }
    }

    private mutating func append(_ reason: Reason) {
        switch reason {
        case .notOurs(let reason): append(reason.text)
        case .whitelisted(let kind):
            switch kind {
            case .client: append("client whitelist")
            case .helo: append("helo whitelist")
            case .recipient: append("recipient whitelist")
            case .sender: append("sender whitelist")
            case nil: append("whitelist")
            }
        case .judged(.new): append("new")
        case .judged(.early(let wait, _)):
            append("early-retry (")
            append(decimal: Int(wait))
            append("s missing)")
        case .judged(.retried(let delay)):
            append("triplet found, delay=")
            append(decimal: Int(delay))
        case .judged(.known): append("triplet found")
        case .judged(.autoWhitelisted): append("client AWL")
        case .judged(.crowded): append("too many pending")
        case .storeFailed: append("store unavailable")
        }
    }

    /// Appends text with every byte that isn't printable ASCII as `\xHH`, and the backslash too.
    ///
    /// Without `keepsBlanks` so are blanks and commas, which part the fields: no value can then pass for another field
    /// or line, and each can be turned back into its very bytes.
    mutating func append(escaping text: Span<UInt8>, keepsBlanks: Bool) {
        for index in 0..<text.count {
            let byte = text[index]
            let isSeparator = byte == UInt8(ascii: " ") || byte == UInt8(ascii: ",")
            let isPlain = (0x20...0x7e).contains(byte) && byte != UInt8(ascii: "\\")
            if isPlain, keepsBlanks || !isSeparator {
                append(byte)
            } else {
                append("\\x")
                append(hexDigit: byte >> 4)
                append(hexDigit: byte & 0xf)
            }
        }
    }

    private mutating func append(hexDigit value: UInt8) {
        append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
    }
}

extension Outcome {
    /// Whether the mail has to wait, or would have to where the site only observes.
    var isGreylisting: Bool {
        switch reason {
        case .judged(.new), .judged(.early): true
        case .judged(.retried), .judged(.known), .judged(.autoWhitelisted), .notOurs, .whitelisted: false
        case .storeFailed, .judged(.crowded): decision != .dunno
        }
    }

    /// From which level on it is logged: what isn't ours by its state is no decision.
    var logLevel: LogLevel {
        reason == .notOurs(.otherState) ? .debug : .info
    }
}

extension Reason.NotOurs {
    fileprivate var text: String {
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
