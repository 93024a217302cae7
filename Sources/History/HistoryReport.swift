public import Engine
public import Greylist

/// What became of the mail of a time.
public struct HistoryReport: Sendable, Equatable {
    /// From when on.
    public var since: Timestamp
    /// Before when.
    public var until: Timestamp
    /// The cases that were tried first in that time.
    public var cases: CaseCounts
    /// Requests by reason, from the counts of minutes; also those of which nothing else is kept.
    public var reasons: [ReasonCount]
    /// How many seconds mail waited, of those that passed.
    public var wait: WaitTimes
    /// How many of them were the sender's choice.
    public var beyondDelay: WaitTimes
    /// Cases that were deferred, and how many of them never came back, by proof; nil stands for unknown.
    public var byProof: [ProofCount]
    /// The networks from which most never came back.
    public var neverCameBack: [NetworkCount]
    /// The senders whose mail waited the longest, all together.
    public var sufferers: [Sufferer]
    /// What needed not wait by the fast lane, the correspondents included.
    public var spared: [ReasonCount]
}

/// How many cases there are, by what became of them.
public struct CaseCounts: Sendable, Equatable {
    /// All.
    public var all = 0
    /// May still come back.
    public var waiting = 0
    /// Passed after they had waited.
    public var passedAfterWaiting = 0
    /// Passed at their first attempt.
    public var passedAtOnce = 0
    /// Didn't come back in time.
    public var neverCameBack = 0
    /// Were only observed.
    public var observed = 0

    /// None.
    public init() {}
}

/// How many there were of a reason.
public struct ReasonCount: Sendable, Equatable {
    /// Why.
    public var reason: ReasonCode
    /// How many were told to wait.
    public var deferred: Int
    /// How many passed.
    public var passed: Int
}

/// How long something took.
public struct WaitTimes: Sendable, Equatable {
    /// How many there are.
    public var count: Int
    /// As many took longer as took less, in seconds; nil without any.
    public var median: Int64?
    /// One in twenty took longer, in seconds.
    public var percentile95: Int64?
}

/// Cases that were told to wait, by what told who the client is.
public struct ProofCount: Sendable, Equatable {
    /// What told it; nil where nobody asked.
    public var proof: ClientIdentity.Proof?
    /// How many there are.
    public var cases: Int
    /// How many of them never came back.
    public var neverCameBack: Int
}

/// Cases that never came back, of a network.
public struct NetworkCount: Sendable, Equatable {
    /// The network from which they were tried first.
    public var network: String
    /// How many.
    public var cases: Int
    /// How many different senders they had.
    public var senders: Int
}

/// A sender whose mail waited.
public struct Sufferer: Sendable, Equatable {
    /// The organisation that it is known by, else the domain of the sender; else the network.
    public var name: String
    /// What the name is.
    public var kind: Kind
    /// How many of its mails waited and then passed.
    public var cases: Int
    /// How long they waited all together, in seconds.
    public var total: Int64
    /// As many waited longer as less, in seconds.
    public var median: Int64
    /// Names of its clients, a few of them.
    public var clientNames: [String]
    /// Domains of its senders, a few of them.
    public var senderDomains: [String]

    /// What a sender is named by.
    public enum Kind: Sendable {
        /// Its organisation.
        case organisation
        /// The domain of the envelope sender.
        case domain
        /// The network of the client.
        case network
    }
}

/// Decisions of a time, for a chart.
public struct DecisionBucket: Sendable, Equatable {
    /// Its beginning.
    public var time: Timestamp
    /// How many passed without having waited.
    public var passedAtOnce: Int
    /// How many passed for the first time after they had waited.
    public var passedAfterWaiting: Int
    /// How many were told to wait.
    public var deferred: Int
}

/// What is told of a time in a line.
public struct HistorySummary: Sendable, Equatable {
    /// Decisions of the time.
    public var decisions: DecisionBucket
    /// The cases that were tried first in that time.
    public var cases: CaseCounts
    /// How long those waited that passed.
    public var wait: WaitTimes
}
