public import Greylist
public import Whitelists

/// Why a request was answered as it was.
public enum Reason: Sendable, Equatable {
    /// Nothing that greylisting has a say in.
    case notOurs(NotOurs)
    /// A whitelist entry says so, that is about this; nil where it combines conditions.
    case whitelisted(Condition.Kind?)
    /// Greylisting says so.
    case judged(Verdict)
    /// The store could not answer, or not in time.
    case storeFailed

    /// Why greylisting has no say.
    public enum NotOurs: Sendable, Equatable, CaseIterable {
        /// There is no request attribute: it may be anything.
        case noRequest
        /// Asked in another state of the SMTP dialogue than RCPT.
        case otherState
        /// The client is logged in, or has shown a certificate that is trusted.
        case authenticated
        /// Postfix says that it is mail of our own users.
        case outgoing
        /// There is no client address, or it can't be read.
        case noAddress
        /// There is no sender attribute.
        case noSender
        /// There is no recipient.
        case noRecipient
        /// A bounce, and bounces are exempt here.
        case nullSender
    }
}

extension Reason {
    /// The reason without its numbers.
    public var code: ReasonCode {
        switch self {
        case .notOurs(let reason): reason.code
        case .whitelisted(.client): .clientWhitelist
        case .whitelisted(.helo): .heloWhitelist
        case .whitelisted(.recipient): .recipientWhitelist
        case .whitelisted(.sender): .senderWhitelist
        case .whitelisted(nil): .whitelist
        case .judged(.new): .new
        case .judged(.early): .early
        case .judged(.retried): .retried
        case .judged(.known): .known
        case .judged(.autoWhitelisted): .autoWhitelisted
        case .judged(.carried): .carried
        case .judged(.spared(.correspondent)): .correspondent
        case .judged(.spared(.earned)): .earned
        case .judged(.released): .released
        case .judged(.pendingLimitReached): .pendingLimitReached
        case .storeFailed: .storeUnavailable
        }
    }

    /// The reason in words, without its numbers; six of them are postgrey's.
    public var text: StaticString { code.text }
}

extension Reason.NotOurs {
    fileprivate var code: ReasonCode {
        switch self {
        case .noRequest: .noRequest
        case .otherState: .otherState
        case .authenticated: .authenticated
        case .outgoing: .outgoing
        case .noAddress: .noAddress
        case .noSender: .noSender
        case .noRecipient: .noRecipient
        case .nullSender: .nullSender
        }
    }
}

/// A reason without its numbers, to count by and to store.
///
/// The raw values are stored in the history: they stay, and new ones are added behind them.
public enum ReasonCode: UInt8, Sendable, CaseIterable {
    case noRequest = 0
    case otherState = 1
    case authenticated = 2
    case outgoing = 3
    case noAddress = 4
    case noSender = 5
    case noRecipient = 6
    case nullSender = 7
    case clientWhitelist = 8
    case heloWhitelist = 9
    case recipientWhitelist = 10
    case senderWhitelist = 11
    case whitelist = 12
    case new = 13
    case early = 14
    /// Passed for the first time, late enough after its first attempt.
    case retried = 15
    /// Has passed before.
    case known = 16
    case autoWhitelisted = 17
    case carried = 18
    case correspondent = 19
    case earned = 20
    case released = 21
    case pendingLimitReached = 22
    case storeUnavailable = 23

    /// The word of the log; `retried` and `known` share postgrey's.
    public var text: StaticString {
        switch self {
        case .noRequest: "no request attribute"
        case .otherState: "not asked at RCPT"
        case .authenticated: "client authenticated"
        case .outgoing: "outgoing mail"
        case .noAddress: "client address unreadable"
        case .noSender: "no sender"
        case .noRecipient: "no recipient"
        case .nullSender: "null sender"
        case .clientWhitelist: "client whitelist"
        case .heloWhitelist: "helo whitelist"
        case .recipientWhitelist: "recipient whitelist"
        case .senderWhitelist: "sender whitelist"
        case .whitelist: "whitelist"
        case .new: "new"
        case .early: "early-retry"
        case .retried, .known: "triplet found"
        case .autoWhitelisted: "client AWL"
        case .carried: "carried"
        case .correspondent: "correspondent"
        case .earned: "identity earned"
        case .released: "released"
        case .pendingLimitReached: "too many pending"
        case .storeUnavailable: "store unavailable"
        }
    }
}
