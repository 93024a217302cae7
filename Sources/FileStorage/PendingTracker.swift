public import Greylist
public import Storage

/// Keeps the limiter of pending entries of a database in step with what the database has.
///
/// What was there before is counted, and what was dropped is removed, by a walk through the table in small slices; the
/// store does a slice when it has time.
///
/// - `Position`: where a walk through the table goes on
public final class PendingTracker<Position>: @unchecked Sendable {  // guarded by: its storage thread
    /// How many entries to visit in a slice: at most a few milliseconds.
    public static var slice: Int { 1_000 }

    /// What is counted so far.
    public var limiter = PendingLimiter()
    /// The rules of the last query; nil before the first.
    public private(set) var rules: Rules?
    /// Where the walk goes on; nil at the beginning.
    public private(set) var position: Position?
    /// The time of the last query.
    private var now = Timestamp(seconds: 0)
    /// Entries of before this moment are counted as the walk comes to them, the others as they are written.
    private var start: Timestamp?
    private var isCounted = false
    /// Whether this round of the walk has removed anything.
    private var hasRemoved = false

    /// One that knows nothing yet.
    public init() {}

    /// Whether there is a slice to do.
    public var hasBackgroundTask: Bool { start != nil && (!isCounted || limiter.droppedCount > 0) }

    /// Takes note of a query's time and rules, before anything is written for it.
    ///
    /// - Parameter isEmpty: whether the table is, so that there is nothing to count; asked for when counting begins
    public func follow<Failure: Error>(
        _ query: StoreQuery, isEmpty: () throws(Failure) -> Bool
    ) throws(Failure) {
        now = query.time
        rules = query.rules
        guard start == nil || limiter.isOutdated(under: query.rules) else { return }
        restart()
        isCounted = try isEmpty()
        start = now
    }

    /// Forgets everything: it is another database now, or the walk failed and is to begin again with the next query.
    public func restart() {
        limiter = limiter.restarted(under: rules)
        start = nil
        position = nil
        isCounted = false
    }

    /// Whether an entry that the walk comes to is still to be counted.
    public func isUncounted(_ sighting: Sighting) -> Bool {
        guard !isCounted, sighting.isPending, let start else { return false }
        return sighting.first < start
    }

    /// Counts such an entry.
    public func count(_ sighting: Sighting, network: UInt32) {
        guard let rules else { return }
        limiter.count(sighting, network: network, at: now, under: rules)
    }

    /// Notes an entry that was removed.
    public func forget(_ sighting: Sighting, network: UInt32) {
        limiter.remove(sighting, network: network)
        limiter.commit()
    }

    /// Ends a slice.
    ///
    /// - Parameters:
    ///   - position: where the next one goes on; nil at the end of the table
    ///   - hasRemoved: whether it has removed anything
    public func endSlice(at position: Position?, hasRemoved: Bool) {
        self.position = position
        if hasRemoved { self.hasRemoved = true }
        guard position == nil else { return }
        if isCounted, !self.hasRemoved { limiter.settleDropped() }
        isCounted = true
        self.hasRemoved = false
    }
}
