/// What is known of a triplet, or of a client for the auto-whitelist.
public struct Sighting: Sendable, Equatable {
    /// 0 while the retry of a first attempt is awaited; then how many passes were recorded, which isn't each of them; the
    /// highest number where the next attempt is to pass (`isReleased`).
    public var passes: UInt32
    /// When it was first seen.
    public var first: Timestamp
    /// When its last recorded use was; while it is pending, when it was first seen.
    public var last: Timestamp

    /// A sighting as it was stored.
    public init(passes: UInt32, first: Timestamp, last: Timestamp) {
        self.passes = passes
        self.first = first
        self.last = last
    }

    /// A first attempt, made at that moment.
    public init(firstAt now: Timestamp) {
        self.init(passes: 0, first: now, last: now)
    }

    /// A triplet that is still waiting, of which an administrator has said that its next attempt passes.
    ///
    /// For everything that doesn't know of releases, TPRT 0.9.3 among them, it has passed.
    public init(releasedAt now: Timestamp, firstAt first: Timestamp) {
        self.init(passes: .max, first: first, last: now)
    }

    /// Whether an administrator has said that its next attempt passes, and there was none since.
    @inlinable public var isReleased: Bool { passes == .max }

    /// Whether the retry of the first attempt is still awaited.
    @inlinable public var isPending: Bool { passes == 0 }

    /// Whether it counts as forgotten: at look-up it is as if it weren't there, maintenance removes it.
    public func isExpired(at now: Timestamp, under rules: Rules) -> Bool {
        now.since(last) > (isPending ? rules.retryWindow : rules.maxAge)
    }

    /// Whether it says anything of a triplet: it isn't expired, nor the first attempt of a clock that was set back since.
    ///
    /// With the clock set back, the wait starts again, so it never exceeds the delay.
    @inlinable
    public func counts(at now: Timestamp, under rules: Rules) -> Bool {
        !isExpired(at: now, under: rules) && !(isPending && first > now)
    }

    /// Whether it counts where both are known of one triplet: what has passed before what is released, and that before what waits;
    /// of two that wait the older one.
    @inlinable
    public func counts(before other: Sighting) -> Bool {
        if isPending { return other.isPending && first < other.first }
        return other.isPending || other.isReleased && !isReleased
    }

    /// Whether a use at that moment is worth a write: the last one was recorded more than a 32nd of `maxAge` ago.
    ///
    /// So most uses write nothing, an entry that is in use doesn't expire, and one that is no longer used expires at most
    /// that much early. A use that is recorded as far in the future is of a clock that was set since.
    public func isUseOutdated(at now: Timestamp, under rules: Rules) -> Bool {
        max(now.since(last), last.since(now)) > rules.maxAge / 32
    }

    /// What two databases know of the same, together: each passes only once, so nothing is counted twice.
    ///
    /// Merging again changes nothing.
    public func merged(with other: Sighting) -> Sighting {
        if isPending, other.isPending { return Sighting(firstAt: min(first, other.first)) }
        // A release is over once one of them knows of a pass.
        let counts = isReleased && !other.isPending ? other.passes : other.isReleased && !isPending ? passes : nil
        return Sighting(
            passes: counts ?? max(passes, other.passes), first: min(first, other.first),
            last: max(isPending ? other.last : last, other.isPending ? last : other.last))
    }

    /// What is to be kept of the same where another database knows it, too: both together, but that what has expired says
    /// nothing of what hasn't.
    ///
    /// - Parameter other: nil where it doesn't know it
    public func merged(with other: Sighting?, at now: Timestamp, under rules: Rules) -> Sighting {
        guard let other else { return self }
        switch (isExpired(at: now, under: rules), other.isExpired(at: now, under: rules)) {
        case (false, true): return self
        case (true, false): return other
        case (false, false), (true, true): return merged(with: other)
        }
    }

    /// The same, passed once more at that moment.
    public func passing(at now: Timestamp) -> Sighting {
        let count = isReleased ? 1 : min(passes + 1, .max - 1)
        return Sighting(passes: count, first: first, last: now)
    }
}

/// The auto-whitelist: a client that has passed often enough is no longer greylisted.
extension Sighting {
    /// Whether the client has passed often enough, and recently enough, to be let through unseen.
    public func isAutoWhitelisted(at now: Timestamp, under rules: Rules) -> Bool {
        rules.clientCount > 0 && passes >= rules.clientCount && !isExpired(at: now, under: rules)
    }

    /// The entry with its last use moved to now, or nil while that isn't worth a write.
    ///
    /// Without it a client in daily use would fall off the list when `maxAge` is over.
    func refreshed(at now: Timestamp, under rules: Rules) -> Sighting? {
        guard isUseOutdated(at: now, under: rules) else { return nil }
        return Sighting(passes: passes, first: first, last: now)
    }
}

/// One more first pass of this client; nil where it isn't counted: the auto-whitelist is off, or it was counted less than
/// an hour ago.
///
/// So a single message to many recipients earns no more than one to a single recipient. A forgotten client is counted
/// from 1.
public func countPass(of client: Sighting?, at now: Timestamp, under rules: Rules) -> Sighting? {
    guard rules.clientCount > 0 else { return nil }
    guard let client, !client.isExpired(at: now, under: rules) else { return Sighting(firstAt: now).passing(at: now) }
    // A moment in the future is another server's clock where it is near, and a clock that was set where it is far.
    guard max(now.since(client.last), client.last.since(now)) >= secondsBetweenCounts else { return nil }
    return client.passing(at: now)
}

/// postgrey's figure.
private let secondsBetweenCounts: Int64 = 3_600
