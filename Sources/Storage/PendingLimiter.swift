public import Greylist

/// Counts the first attempts that wait for their retry, so that whoever sends can't make a store grow without end.
///
/// They are counted by age and by network, in an amount of memory that doesn't grow with them. When there are more than
/// `Rules.maxPending`, the oldest are dropped: from then on they count as not there, and the store removes them as it
/// comes across them.
///
/// Counts by network are kept in a count-min sketch: never too low, and too high only where networks collide in both of
/// its rows (G. Cormode, S. Muthukrishnan: An improved data stream summary, 2005).
/// Entries that are older than the retry window are forgotten here by themselves.
public struct PendingLimiter: Sendable {
    private var ages: PendingAges
    private var networks: NetworkCounts
    /// What was noted since the last `commit`.
    private var uncommitted: [Note] = []
    /// How many places are kept for entries that are being written.
    private var reserved = 0
    /// How many entries were dropped and still lie in the store.
    public private(set) var droppedCount = 0

    private struct Note {
        var first: Timestamp
        var network: UInt32
        var isAddition: Bool
    }

    /// An empty limiter for entries that wait under these rules.
    public init(rules: Rules) {
        ages = PendingAges(window: rules.retryWindow)
        networks = NetworkCounts(window: rules.retryWindow)
    }

    /// How many entries wait, as far as they are known.
    public var count: Int { ages.total }

    /// Whether it was made for another retry window than these rules have: then a new one must be.
    public func isOutdated(under rules: Rules) -> Bool { ages.window != rules.retryWindow }

    /// Whether another first attempt may be remembered.
    public func admits(network: UInt32, at now: Timestamp, under rules: Rules) -> Bool {
        guard network == 0 || networks.count(network, at: now) < rules.maxPendingPerNetwork else { return false }
        return ages.total + reserved < rules.maxPending || ages.hasOlder(than: now)
    }

    /// Keeps a place for an entry that is on its way to the store.
    ///
    /// Until it is clear what became of it nothing is dropped for it; then the place is to be freed.
    public mutating func reserve(network: UInt32, at time: Timestamp) {
        reserved += 1
        networks.add(network, at: time)
    }

    /// Frees a place that was kept.
    public mutating func free(network: UInt32, at time: Timestamp) {
        reserved = max(0, reserved - 1)
        networks.subtract(network, at: time)
    }

    /// Whether the entry was dropped, and is to be treated as not there.
    public func hasDropped(_ sighting: Sighting) -> Bool {
        sighting.isPending && ages.hasDropped(sighting.first)
    }

    /// Notes that an entry was written.
    ///
    /// - Parameter network: 0 where it isn't known
    public mutating func add(_ new: Sighting, network: UInt32, under rules: Rules) {
        guard new.isPending else { return }
        add(first: new.first, network: network)
        droppedCount += ages.drop(downTo: rules.maxPending)
        uncommitted.append(Note(first: new.first, network: network, isAddition: true))
    }

    /// Notes that an entry was removed.
    public mutating func remove(_ old: Sighting, network: UInt32) {
        guard old.isPending else { return }
        if ages.hasDropped(old.first) { droppedCount = max(0, droppedCount - 1) }
        subtract(first: old.first, network: network)
        uncommitted.append(Note(first: old.first, network: network, isAddition: false))
    }

    /// Notes that the store was gone through without finding one that was dropped, whatever the count says.
    ///
    /// Counts drift: clocks step, entries are removed by others. Nobody shall look for what isn't there for ever.
    public mutating func settleDropped() {
        droppedCount = 0
    }

    /// Counts an entry that is in the store already.
    public mutating func count(_ sighting: Sighting, network: UInt32, at now: Timestamp, under rules: Rules) {
        // One from the future counts as not there, as in `judge`.
        guard sighting.isPending, sighting.first <= now, !sighting.isExpired(at: now, under: rules) else { return }
        if ages.hasDropped(sighting.first) {
            droppedCount += 1
            return networks.add(network, at: sighting.first)
        }
        add(first: sighting.first, network: network)
        droppedCount += ages.drop(downTo: rules.maxPending)
    }

    /// Makes the notes since the last time final.
    public mutating func commit() {
        uncommitted.removeAll(keepingCapacity: true)
    }

    /// Takes the notes since the last `commit` back: what they tell of wasn't written.
    public mutating func rollBack() {
        for note in uncommitted.reversed() {
            if note.isAddition {
                subtract(first: note.first, network: note.network)
            } else {
                add(first: note.first, network: note.network)
            }
        }
        commit()
    }

    private mutating func add(first: Timestamp, network: UInt32) {
        ages.add(first)
        networks.add(network, at: first)
    }

    private mutating func subtract(first: Timestamp, network: UInt32) {
        ages.subtract(first)
        networks.subtract(network, at: first)
    }
}
