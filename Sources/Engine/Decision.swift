public import Greylist
public import Policy
public import Storage
public import Whitelists

/// The decision about one request, on its way: what is settled so far.
///
/// A value that `PolicyEngine.decide` begins and `PolicyEngine.finish` ends, whatever became of the store: an answer in time,
/// a failure, a deadline. Where the client would have to wait, and the DNS may tell who it is, it goes through
/// `PolicyEngine.resume` in between. Nothing is decided a second time.
public struct Decision: Sendable {
    /// The request.
    public let request: PolicyRequest
    /// How long a first attempt would have to wait, in seconds.
    public let delay: Int64
    /// The whitelist entry that has the mail greylisted in its own way.
    public let entry: Whitelist.Match?
    /// Who the client is, as far as that is known; nil where it is of no interest.
    public internal(set) var identity: ClientIdentity?
    /// How long the request has waited for the DNS already.
    public internal(set) var dnsMilliseconds = 0

    /// Where a decision is that was begun.
    public enum Step: Sendable {
        /// It is made.
        case done(DecisionRecord)
        /// It needs what the store answers to this; then it goes to `PolicyEngine.finish`.
        case needsStore(Decision, StoreQuery)
        /// The whitelists need what the DNS says of the client; then the request goes to `PolicyEngine.decide` once more.
        case needsFacts(FactQuestion)
    }

    /// Where a decision is that the store has answered.
    public enum AnsweredStep: Sendable {
        /// It is made.
        case done(DecisionRecord)
        /// It needs what the DNS says of the sender, as `PolicyEngine.question` asks; then it goes to `PolicyEngine.resume`.
        case needsIdentity(Decision)
        /// It needs what the table of identities says of the sender; then it goes to `PolicyEngine.resume`.
        case needsStanding(Decision)
    }

    /// What the store, or whatever answers in its place, says.
    public enum StoreAnswer: Sendable {
        /// It has judged.
        case judged(Judgement)
        /// It is unavailable, or did not answer in time.
        case unavailable
        /// It can't write: what it knows is as good as ever, and nothing new is remembered.
        case full
    }
}

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
    /// Who the client was found to be; nil where nobody asked, or greylisting has no say.
    public var identity: ClientIdentity?

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

/// The words and classes of a decision, for everything that tells of it.
extension DecisionRecord {
    /// The decision in a word.
    public var action: StaticString { isGreylisting ? "greylist" : "pass" }

    /// Whether the mail has to wait, or would have to where the site only observes.
    public var isGreylisting: Bool {
        switch reason {
        case .judged(.new), .judged(.early): true
        case .judged(.retried), .judged(.known), .judged(.autoWhitelisted), .judged(.carried), .judged(.spared),
            .judged(.released), .notOurs, .whitelisted:
            false
        case .storeFailed, .judged(.pendingLimitReached): decision != .dunno
        }
    }

    /// Whether it is one that administrators want to see: Postfix also asks in other states than RCPT, where nothing is decided.
    public var isWorthLogging: Bool { reason != .notOurs(.otherState) }
}
