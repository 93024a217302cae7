public import Greylist
public import Policy
public import Whitelists

/// A decision that is made: what Postfix is told, and why.
///
/// It is made once; log lines, counters and reports derive from it.
public struct DecisionRecord: Sendable, Equatable {
    /// What Postfix is told.
    public var reply: PolicyReply
    /// Why.
    public var reason: Reason
    /// The whitelist entry that had a say: it let the mail pass, or had it greylisted in its own way.
    public var entry: Whitelist.Match?
    /// What Postfix would have been told, where the site only observes; nil where `reply` is what was decided.
    public var withheld: PolicyReply?
    /// What the store said, or the one in memory that answered in its place; nil where neither was asked or answered.
    public var judgement: Judgement?

    /// A decision; without a reply Postfix is told to go on.
    public init(
        _ reason: Reason, reply: PolicyReply = .dunno, entry: Whitelist.Match? = nil, judgement: Judgement? = nil
    ) {
        self.reason = reason
        self.reply = reply
        self.entry = entry
        self.judgement = judgement
    }

    /// What was decided, whether Postfix is told it or not.
    public var decision: PolicyReply { withheld ?? reply }

    /// The same decision, of which Postfix isn't told.
    func observed() -> DecisionRecord {
        var record = self
        record.withheld = decision
        record.reply = .dunno
        return record
    }
}

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
