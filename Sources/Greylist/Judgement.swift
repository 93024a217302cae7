/// What greylisting says to one recipient of one message.
public enum Verdict: Sendable, Equatable {
    /// Never seen, or forgotten: come back after `wait` seconds.
    case new(wait: Int64)
    /// Seen `delay` seconds ago, but the delay isn't over: `wait` seconds are missing.
    case early(wait: Int64, delay: Int64)
    /// The first retry that is late enough, `delay` seconds after the first attempt.
    case retried(delay: Int64)
    /// Has passed before.
    case known
    /// The client is on the auto-whitelist.
    case autoWhitelisted
    /// It would have to wait, but what let another recipient of the message pass lets this one pass, too.
    case carried
    /// It would have to wait, but need not: for that reason.
    case spared(Merit)
    /// An administrator has let it through: it would have had to wait, and passes for the first time.
    case released
    /// Never seen, and nothing is remembered of it: too many first attempts are pending.
    ///
    /// A store that had room for it would ask to come back after `wait` seconds.
    case pendingLimitReached(wait: Int64)

    /// Whether the mail has to wait, unless more is learnt of the client.
    public var isWaiting: Bool {
        switch self {
        case .new, .early, .pendingLimitReached: true
        case .retried, .known, .autoWhitelisted, .carried, .spared, .released: false
        }
    }
}

/// What the store knows when a request comes: nil where there is no entry.
public struct StoredState: Sendable, Equatable {
    /// The entry of the triplet.
    public var triplet: Sighting?
    /// The position of the lookup that found it.
    public var matched: Int?
    /// Whether one of its own keys hasn't what the others have, or one of an earlier version has.
    public var isIncomplete: Bool
    /// The entry of the client, where the auto-whitelist is on.
    public var client: Sighting?
    /// Whether as many first attempts are pending as may be, all together or from the client's network.
    public var isPendingLimitReached: Bool

    /// What is known; nothing by default.
    public init(
        triplet: Sighting? = nil, isIncomplete: Bool = false, client: Sighting? = nil,
        isPendingLimitReached: Bool = false
    ) {
        self.triplet = triplet
        self.isIncomplete = isIncomplete
        self.client = client
        self.isPendingLimitReached = isPendingLimitReached
    }
}

/// A verdict, and what the store has to remember of it.
public struct Judgement: Sendable, Equatable {
    /// What is said.
    public var verdict: Verdict
    /// What is to be written.
    public var remember: Changes
    /// By which of its keys the triplet was found, by their position among the lookups; nil where it wasn't.
    public var matched: Int?

    /// Entries to write; nil leaves an entry as it is.
    public struct Changes: Sendable, Equatable {
        /// The entry of the triplet, for each of its keys that hasn't as much.
        public var triplet: Sighting?
        /// The entry of the client.
        public var client: Sighting?

        /// Nothing, unless it is given.
        public init(triplet: Sighting? = nil, client: Sighting? = nil) {
            self.triplet = triplet
            self.client = client
        }

        /// What follows for the client from a verdict that was reached without its entry.
        public static func following(
            _ verdict: Verdict, client: Sighting?, at now: Timestamp, under rules: Rules
        ) -> Changes {
            guard case .retried = verdict else { return Changes() }
            return Changes(client: countPass(of: client, at: now, under: rules))
        }
    }

    /// A verdict with nothing to write, unless it is given.
    public init(_ verdict: Verdict, remember: Changes = Changes()) {
        self.verdict = verdict
        self.remember = remember
    }
}

/// What other recipients of a message let one of it do that would have to wait.
public struct Carrying: Sendable, Equatable {
    /// Whether one that was never seen passes.
    public var passesNew: Bool
    /// When the first attempt was of one that has passed: those that were first tried with it, within a minute, pass, too.
    public var firstAttempt: Timestamp?

    /// Nothing, unless it is given.
    public init(passesNew: Bool = false, firstAttempt: Timestamp? = nil) {
        self.passesNew = passesNew
        self.firstAttempt = firstAttempt
    }

    /// Whether one that was first tried then belongs to the one that has passed.
    func includes(_ first: Timestamp) -> Bool {
        firstAttempt.map { max($0.since(first), first.since($0)) <= 60 } ?? false
    }
}

/// The whole of greylisting: what is stored, the time and the rules make the verdict.
///
/// Pure, so it may be asked twice.
///
/// - Parameters:
///   - carrying: what other recipients of the same message let this one do
///   - merit: why the sender need not wait; nil where it has to
public func judge(
    _ stored: StoredState, at now: Timestamp, under rules: Rules, carrying: Carrying = Carrying(),
    merit: Merit? = nil
) -> Judgement {
    if let client = stored.client, client.isAutoWhitelisted(at: now, under: rules) {
        return Judgement(.autoWhitelisted, remember: .init(client: client.refreshed(at: now, under: rules)))
    }
    guard let seen = stored.triplet, seen.counts(at: now, under: rules) else {
        if let merit {
            return Judgement(.spared(merit), remember: .init(triplet: Sighting(firstAt: now).passing(at: now)))
        }
        if carrying.passesNew {
            return Judgement(.carried, remember: .init(triplet: Sighting(firstAt: now).passing(at: now)))
        }
        if stored.isPendingLimitReached { return Judgement(.pendingLimitReached(wait: rules.delay)) }
        return Judgement(.new(wait: rules.delay), remember: .init(triplet: Sighting(firstAt: now)))
    }
    if seen.isReleased { return Judgement(.released, remember: .init(triplet: seen.passing(at: now))) }
    guard seen.isPending else {
        let isRecorded = stored.isIncomplete || seen.isUseOutdated(at: now, under: rules)
        return Judgement(.known, remember: .init(triplet: isRecorded ? seen.passing(at: now) : nil))
    }
    if let merit { return Judgement(.spared(merit), remember: .init(triplet: seen.passing(at: now))) }
    let waited = now.since(seen.first)
    // Both moments are cut to whole seconds, so a sender that waits as long as it was told is never found too early.
    guard waited >= rules.delay - rules.leeway else {
        if carrying.includes(seen.first) { return Judgement(.carried, remember: .init(triplet: seen.passing(at: now))) }
        return Judgement(
            .early(wait: rules.delay - waited, delay: waited),
            remember: .init(triplet: stored.isIncomplete ? seen : nil))
    }
    // Only here the client is counted: what passes again and again says nothing new of it.
    let counted = countPass(of: stored.client, at: now, under: rules)
    return Judgement(.retried(delay: waited), remember: .init(triplet: seen.passing(at: now), client: counted))
}

/// The numbers that judgements follow.
///
/// Times are in seconds.
public struct Rules: Sendable, Equatable {
    /// How long a new triplet is told to wait; a retry passes from `leeway` seconds before its end on.
    public var delay: Int64
    /// How long a first attempt is remembered while its retry is awaited.
    public var retryWindow: Int64
    /// How long a triplet that has passed, or a client that is counted, is remembered after its last recorded use.
    ///
    /// A use is recorded where the one that was recorded last is more than a 32nd of it ago.
    public var maxAge: Int64
    /// How many passes put a client on the auto-whitelist; 0 turns the auto-whitelist off.
    public var clientCount: UInt32
    /// How many first attempts may wait for their retry; beyond that the oldest are dropped.
    public var maxPending: Int
    /// How many first attempts of one network may wait for their retry; beyond that none is remembered.
    public var maxPendingPerNetwork: Int

    /// How many seconds before the end of the delay a retry passes already.
    ///
    /// Many servers retry exactly when they were told to, or at a round time, and their clocks aren't ours: one that
    /// misses the end by a second would wait for its whole next interval.
    public var leeway: Int64 { min(delay / 30, 60) }

    /// Rules with these numbers.
    public init(
        delay: Int64, retryWindow: Int64, maxAge: Int64, clientCount: UInt32, maxPending: Int, maxPendingPerNetwork: Int
    ) {
        self.delay = delay
        self.retryWindow = retryWindow
        self.maxAge = maxAge
        self.clientCount = clientCount
        self.maxPending = maxPending
        self.maxPendingPerNetwork = maxPendingPerNetwork
    }
}
