/// What is known of a triplet, or of a client for the auto-whitelist.
public struct Sighting: Sendable, Equatable {
    /// 0 while the retry of a first attempt is awaited; then how many passes were recorded, which isn't each of them.
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

    /// Whether the retry of the first attempt is still awaited.
    public var isPending: Bool { passes == 0 }

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

    /// Whether a use at that moment is worth a write: the last one was recorded more than a 32nd of `maxAge` ago.
    ///
    /// So most uses write nothing, an entry that is in use doesn't expire, and one that is no longer used expires at most
    /// that much early. A use that is recorded as far in the future is of a clock that was set since.
    func isUseOutdated(at now: Timestamp, under rules: Rules) -> Bool {
        max(now.since(last), last.since(now)) > rules.maxAge / 32
    }

    /// What two databases know of the same, together: each passes only once, so nothing is counted twice.
    ///
    /// Merging again changes nothing.
    public func merged(with other: Sighting) -> Sighting {
        if isPending, other.isPending { return Sighting(firstAt: min(first, other.first)) }
        return Sighting(
            passes: max(passes, other.passes), first: min(first, other.first),
            last: max(isPending ? other.last : last, other.isPending ? last : other.last))
    }

    /// The same, passed once more at that moment.
    public func passing(at now: Timestamp) -> Sighting {
        Sighting(passes: passes == .max ? passes : passes + 1, first: first, last: now)
    }
}
