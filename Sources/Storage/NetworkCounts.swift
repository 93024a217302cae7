import Greylist

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
