import Greylist

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
