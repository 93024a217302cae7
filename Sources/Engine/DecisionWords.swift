import Greylist
import Policy
import Whitelists

/// The words and classes of a decision, for everything that tells of it.
extension DecisionRecord {
    /// The decision in a word.
    public var action: StaticString { isGreylisting ? "greylist" : "pass" }

    /// Whether the mail has to wait, or would have to where the site only observes.
    public var isGreylisting: Bool {
        switch reason {
        case .judged(.new), .judged(.early): true
        case .judged(.retried), .judged(.known), .judged(.autoWhitelisted), .notOurs, .whitelisted: false
        case .storeFailed, .judged(.pendingLimitReached): decision != .dunno
        }
    }

    /// Whether it is one that administrators want to see: Postfix also asks in other states than RCPT, where nothing is decided.
    public var isWorthLogging: Bool { reason != .notOurs(.otherState) }
}

extension Reason {
    /// The reason in words, without its numbers; six of them are postgrey's.
    public var text: StaticString {
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
