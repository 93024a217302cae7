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
    /// Never seen, and nothing is remembered of it: too many first attempts wait already.
    ///
    /// A greylisting that doesn't know them would ask to come back after `wait` seconds.
    case crowded(wait: Int64)
}

/// What the store knew when a request came: nil where there is no entry.
public struct Known: Sendable, Equatable {
    /// The entry of the triplet.
    public var triplet: Sighting?
    /// The entry of the client, where the auto-whitelist is on.
    public var client: Sighting?

    /// What is known; nothing by default.
    public init(triplet: Sighting? = nil, client: Sighting? = nil) {
        self.triplet = triplet
        self.client = client
    }
}

/// A verdict, and what the store has to remember of it.
public struct Judgement: Sendable, Equatable {
    /// What is said.
    public var verdict: Verdict
    /// The entries to write; nil leaves an entry as it is.
    public var remember: Known

    /// A verdict with nothing to write, unless it is given.
    public init(_ verdict: Verdict, remember: Known = Known()) {
        self.verdict = verdict
        self.remember = remember
    }
}

/// The whole of greylisting: what is known, the time and the rules make the verdict.
///
/// Pure, so it may be asked twice.
public func judge(_ known: Known, at now: Timestamp, under rules: Rules) -> Judgement {
    if let client = known.client, client.isAutoWhitelisted(at: now, under: rules) {
        return Judgement(.autoWhitelisted, remember: Known(client: client.refreshed(at: now, under: rules)))
    }
    // A pending entry from the future means that the clock stepped back: its wait begins anew, so it never exceeds the delay.
    guard let seen = known.triplet, !seen.isExpired(at: now, under: rules), !(seen.isPending && seen.first > now) else {
        return Judgement(.new(wait: rules.delay), remember: Known(triplet: Sighting(firstAt: now)))
    }
    let waited = now.since(seen.first)
    guard seen.isPending else {
        let isRecorded = seen.isUseOutdated(at: now, under: rules)
        return Judgement(.known, remember: Known(triplet: isRecorded ? seen.passing(at: now) : nil))
    }
    // Both moments are cut to whole seconds, so whoever waits as long as it was told is never found too early.
    guard waited >= rules.delay - rules.leeway else {
        return Judgement(.early(wait: rules.delay - waited, delay: waited))
    }
    // Only here the client is counted: what passes again and again says nothing new of it.
    let counted = countPass(of: known.client, at: now, under: rules)
    return Judgement(.retried(delay: waited), remember: Known(triplet: seen.passing(at: now), client: counted))
}
