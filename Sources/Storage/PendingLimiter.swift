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
    /// How many were dropped so far, by `PendingFigures.Drop`.
    private var dropped = PendingFigures().dropped

    private struct Note {
        var first: Timestamp
        var network: UInt32
        var isAddition: Bool
    }

    /// An empty limiter for entries that wait under these rules.
    public init(rules: Rules) {
        self.init(window: rules.retryWindow)
    }

    /// One to begin with, before any rules are known: outdated under all of them.
    public init() {
        self.init(window: 0)
    }

    private init(window: Int64) {
        ages = PendingAges(window: window)
        networks = NetworkCounts(window: window)
    }

    /// How many entries wait, as far as they are known.
    public var count: Int { ages.total }

    /// How many wait, and how many were dropped so far.
    public var figures: PendingFigures {
        var figures = PendingFigures()
        (figures.count, figures.dropped) = (count, dropped)
        return figures
    }

    /// An empty one for entries that wait under these rules, which counts on what is dropped.
    ///
    /// - Parameter rules: nil where none are known
    public func restarted(under rules: Rules?) -> PendingLimiter {
        var limiter = rules.map { PendingLimiter(rules: $0) } ?? PendingLimiter()
        limiter.dropped = dropped
        return limiter
    }

    /// Whether it was made for another retry window than these rules have: then a new one must be.
    public func isOutdated(under rules: Rules) -> Bool { ages.window != rules.retryWindow }

    /// Whether another first attempt may be remembered.
    public func admits(network: UInt32, at now: Timestamp, under rules: Rules) -> Bool {
        guard hasPlace(for: network, at: now, under: rules) else { return false }
        return ages.total + reserved < rules.maxPending || ages.hasOlder(than: now)
    }

    private func hasPlace(for network: UInt32, at now: Timestamp, under rules: Rules) -> Bool {
        network == 0 || networks.count(network, at: now) < rules.maxPendingPerNetwork
    }

    /// Counts a first attempt that wasn't remembered.
    public mutating func countRefusal(network: UInt32, at now: Timestamp, under rules: Rules) {
        let cause = hasPlace(for: network, at: now, under: rules) ? PendingFigures.Drop.limit : .networkLimit
        dropped[cause.rawValue] += 1
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
        dropOldest(under: rules)
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
        dropOldest(under: rules)
    }

    private mutating func dropOldest(under rules: Rules) {
        let count = ages.drop(downTo: rules.maxPending)
        guard count > 0 else { return }
        droppedCount += count
        dropped[PendingFigures.Drop.oldest.rawValue] += count
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

/// How many entries wait since when: a ring of counts, each for a few seconds, that covers the whole retry window.
struct PendingAges: Sendable {
    private static let slots = 1 << 16

    let window: Int64
    private(set) var total = 0
    private let width: Int64
    private var counts = [UInt32](repeating: 0, count: slots)
    /// The numbers of the oldest and of the newest count that is kept.
    private var oldest: Int64?
    private var newest: Int64 = 0
    /// Entries of this count and of older ones have been dropped.
    private var dropped = Int64.min

    init(window: Int64) {
        self.window = window
        // A window that begins in the middle of a slot reaches into one slot more.
        width = max(1, window / Int64(Self.slots - 1) + 1)
    }

    func hasDropped(_ first: Timestamp) -> Bool {
        number(first) <= dropped
    }

    /// Whether there is an entry that may be dropped in favour of one of that moment.
    func hasOlder(than now: Timestamp) -> Bool {
        guard let oldest else { return false }
        return oldest < number(now)
    }

    mutating func add(_ first: Timestamp) {
        let number = number(first)
        makePlace(for: number)
        guard let oldest, number > newest - Int64(Self.slots), number > dropped else { return }
        self.oldest = min(oldest, number)
        counts[slot(number)] += 1
        total += 1
    }

    mutating func subtract(_ first: Timestamp) {
        let number = number(first)
        guard let oldest, number >= oldest, number <= newest, counts[slot(number)] > 0 else { return }
        counts[slot(number)] -= 1
        total -= 1
        settleOldest()
    }

    /// Drops the oldest while there are more than `limit`, but none of the newest; returns how many.
    mutating func drop(downTo limit: Int) -> Int {
        var count = 0
        while total > limit, let oldest, oldest < newest {
            count += Int(counts[slot(oldest)])
            total -= Int(counts[slot(oldest)])
            counts[slot(oldest)] = 0
            dropped = oldest
            settleOldest()
        }
        return count
    }

    /// Moves the ring on to a newer number, or starts from scratch where the clock stepped far back.
    private mutating func makePlace(for number: Int64) {
        let isFarBack = number <= newest - Int64(Self.slots)
        guard oldest != nil, !isFarBack else {
            if oldest == nil || number > dropped { begin(at: number) }
            return
        }
        guard number > newest else { return }
        if number - newest >= Int64(Self.slots) { return begin(at: number) }
        while newest < number {
            newest += 1
            // What this slot held is older than the retry window: expired.
            total -= Int(counts[slot(newest)])
            counts[slot(newest)] = 0
        }
        settleOldest()
    }

    private mutating func begin(at number: Int64) {
        if total > 0 { counts = [UInt32](repeating: 0, count: Self.slots) }
        total = 0
        oldest = number
        newest = number
        dropped = min(dropped, number - 1)
    }

    private mutating func settleOldest() {
        guard var oldest else { return }
        oldest = max(oldest, newest - Int64(Self.slots) + 1)
        while oldest < newest, counts[slot(oldest)] == 0 { oldest += 1 }
        self.oldest = oldest
    }

    private func number(_ first: Timestamp) -> Int64 {
        // Times from a damaged record may be anything.
        min(max(first.seconds, -1 << 60), 1 << 60) / width
    }

    private func slot(_ number: Int64) -> Int {
        Int(truncatingIfNeeded: number) & (Self.slots - 1)
    }
}

/// How many entries of each network wait.
///
/// Counted in two rows of counters, of which a network's count is the lower one, for each of a few spans of time: what
/// is older than the retry window is forgotten by itself, whether or not anybody says that it is gone.
struct NetworkCounts: Sendable {
    private static let width = 1 << 16
    /// So many spans make a retry window; one more is kept, since the window begins anywhere in a span.
    private static let spansInWindow: Int64 = 4
    private static let spans = Int(spansInWindow) + 1

    private let length: Int64
    private var newest = Int64.min
    private var rows = [[UInt32]](repeating: [], count: spans)

    init(window: Int64) {
        length = max(1, (window + Self.spansInWindow - 1) / Self.spansInWindow)
    }

    func count(_ network: UInt32, at now: Timestamp) -> Int {
        guard network != 0 else { return 0 }
        let present = now.seconds / length
        var (first, second) = (0, 0)
        for number in present - Self.spansInWindow...present where number <= newest {
            let row = rows[slot(number)]
            guard !row.isEmpty, number > newest - Int64(Self.spans) else { continue }
            first += Int(row[Self.first(network)])
            second += Int(row[Self.second(network)])
        }
        return min(first, second)
    }

    mutating func add(_ network: UInt32, at time: Timestamp) {
        guard network != 0 else { return }
        let number = time.seconds / length
        moveOn(to: number)
        guard number > newest - Int64(Self.spans) else { return }
        let slot = slot(number)
        if rows[slot].isEmpty { rows[slot] = [UInt32](repeating: 0, count: 2 * Self.width) }
        rows[slot][Self.first(network)] &+= 1
        rows[slot][Self.second(network)] &+= 1
    }

    mutating func subtract(_ network: UInt32, at time: Timestamp) {
        let number = time.seconds / length
        let slot = slot(number)
        guard network != 0, number <= newest, number > newest - Int64(Self.spans), !rows[slot].isEmpty else { return }
        let (first, second) = (Self.first(network), Self.second(network))
        if rows[slot][first] > 0 { rows[slot][first] -= 1 }
        if rows[slot][second] > 0 { rows[slot][second] -= 1 }
    }

    /// Forgets the spans that a new one takes the place of; all of them where the clock stepped far back.
    private mutating func moveOn(to number: Int64) {
        let isFar = newest == .min || number >= newest + Int64(Self.spans) || number <= newest - Int64(Self.spans)
        if isFar {
            rows = [[UInt32]](repeating: [], count: Self.spans)
            newest = number
        }
        while newest < number {
            newest += 1
            rows[slot(newest)] = []
        }
    }

    private func slot(_ number: Int64) -> Int {
        let rest = Int(number % Int64(Self.spans))
        return rest < 0 ? rest + Self.spans : rest
    }

    private static func first(_ network: UInt32) -> Int {
        Int(network) & (width - 1)
    }

    private static func second(_ network: UInt32) -> Int {
        width + Int((network &* 0x9e37_79b1) >> 16)
    }
}
