public import Engine
public import Greylist

/// A mail that waited, is waiting, or passed at once: what is known of one sender, one recipient, and one client.
///
/// Texts are printable ASCII; other bytes are written `\xHH`.
public struct HistoryCase: Sendable, Equatable, Identifiable {
    /// Its number; a later case has a higher one.
    public var id: Int64
    /// As it was sent first, in lower case; `@example.org` or a digest where the site keeps no more.
    public var sender: String
    /// Likewise.
    public var recipient: String
    /// The organisation that the client is known by; empty where it is its network.
    public var organisation: String
    /// The networks from which it was tried, the first ones of them.
    public var networks: [String]
    /// The names of the clients that tried it, the first ones of them.
    public var names: [String]
    /// The first attempt.
    public var firstAttempt: Timestamp
    /// The last attempt.
    public var lastAttempt: Timestamp
    /// How many there were, those that passed included.
    public var attempts: Int
    /// How many were told to wait.
    public var deferrals: Int
    /// From when on the sender was told that it may pass; nil where it never was, or nothing was remembered of it.
    public var mayPassAt: Timestamp?
    /// When it passed for the first time.
    public var passedAt: Timestamp?
    /// How many seconds it had waited then; nil where it didn't, or where that isn't known.
    public var waited: Int64?
    /// Why it passed.
    public var reason: ReasonCode?
    /// How many seconds greylisting counted from the first attempt to that pass.
    public var delay: Int64?
    /// What told most of who the client is.
    public var proof: ClientIdentity.Proof?
    /// The key by which it was found when it passed.
    public var matched: ClientIdentity.MatchedKey?
    /// Whether it was only observed, so that no mail waited.
    public var isObserved: Bool

    /// What became of a case.
    public enum State: Sendable, CaseIterable {
        /// It may still come back.
        case waiting
        /// It passed after it had waited.
        case passedAfterWaiting
        /// It passed at its first attempt.
        case passedAtOnce
        /// It was told to wait, and didn't come back in time.
        case neverCameBack
        /// The site only observed: the mail passed, whatever was decided.
        case observed
    }

    /// What became of it.
    ///
    /// - Parameter window: how many seconds a first attempt is valid
    public func state(at now: Timestamp, window: Int64) -> State {
        if passedAt != nil { return deferrals > 0 ? .passedAfterWaiting : .passedAtOnce }
        if isObserved { return .observed }
        return now.since(firstAttempt) <= window ? .waiting : .neverCameBack
    }

    /// How many seconds of the wait were the sender's choice, since it might have passed before.
    public var waitedBeyondDelay: Int64? {
        guard waited != nil, let passedAt, let mayPassAt else { return nil }
        return passedAt.since(mayPassAt)
    }
}

/// What was decided about one request, or about those of one day that are alike.
public struct HistoryAttempt: Sendable, Equatable, Identifiable {
    /// Its number; a later attempt has a higher one.
    public var id: Int64
    /// The case that it belongs to.
    public var caseID: Int64
    /// When it was, or the first of them.
    public var time: Timestamp
    /// When the last of them was.
    public var lastTime: Timestamp
    /// How many they were.
    public var count: Int
    /// The client's address, or its network where the site keeps no more.
    public var clientAddress: String
    /// The client's name as Postfix knows it; `unknown` where it doesn't.
    public var clientName: String
    /// What the client called itself.
    public var helo: String
    /// As it was sent with this attempt.
    public var sender: String
    /// Likewise.
    public var recipient: String
    /// The organisation that the client was known by; empty where it was its network.
    public var organisation: String
    /// Why.
    public var reason: ReasonCode
    /// Whether it was told to wait, or would have been where the site only observes.
    public var isDeferral: Bool
    /// Whether Postfix wasn't told of it.
    public var isObserved: Bool
    /// What told who the client was.
    public var proof: ClientIdentity.Proof?
    /// The key by which the case was found.
    public var matched: ClientIdentity.MatchedKey?
    /// How many seconds the sender was told to wait.
    public var wait: Int64?
    /// How many seconds after the first attempt.
    public var delay: Int64?
    /// How many milliseconds were waited for the DNS.
    public var dnsMilliseconds: Int?
    /// Where the whitelist entry stands that had a say; empty for none.
    public var entry: String
}

/// A case with its attempts.
public struct HistoryStory: Sendable, Equatable {
    /// The case.
    public var mail: HistoryCase
    /// Its attempts in the order of time: the first and the last ones, where there are too many.
    public var attempts: [HistoryAttempt]
    /// Whether these are all.
    public var isWhole: Bool
}

/// Which decisions are asked for; all of them unless it says otherwise.
public struct HistoryFilter: Sendable, Equatable {
    /// An address, or a domain with or without `@`.
    public var sender: String?
    /// Likewise.
    public var recipient: String?
    /// A client's address, or how its name begins.
    public var client: String?
    /// The reasons; empty for all.
    public var reasons: Set<ReasonCode> = []
    /// From when on.
    public var since: Timestamp?
    /// Before when.
    public var until: Timestamp?
    /// Those after this attempt, the oldest first: to follow what comes.
    public var afterID: Int64?
    /// How many at most.
    public var limit: Int

    /// All of them, so many at most.
    public init(limit: Int) {
        self.limit = limit
    }
}

/// What is found for a text.
public struct HistoryMatches: Sendable, Equatable {
    /// Cases, the newest first.
    public var cases: [HistoryCase]
    /// Whether there are more of them.
    public var hasMore: Bool
}

/// One recorded attempt, as it is replayed.
public struct ReplayedAttempt: Sendable, Equatable {
    /// The attempt; where the site keeps no addresses, its sender and recipient are made up, one for each.
    public var attempt: HistoryAttempt
    /// Whether its addresses are those that were sent.
    public var hasAddresses: Bool
}
