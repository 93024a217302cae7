public import Greylist

/// Values that come in any order and go in that of their times; of the same time, the one that came first goes first.
public struct TimeQueue<Value> {
    private struct Entry {
        let time: Timestamp
        let number: Int
        let value: Value

        func comes(before other: Entry) -> Bool { (time, number) < (other.time, other.number) }
    }

    /// A binary heap: none comes before its parent.
    private var entries: [Entry] = []
    private var last = 0

    /// An empty one.
    public init() {}

    /// How many there are.
    public var count: Int { entries.count }

    /// The time of the next one; nil where there is none.
    public var nextTime: Timestamp? { entries.first?.time }

    /// Adds one.
    public mutating func insert(_ value: Value, at time: Timestamp) {
        last += 1
        entries.append(Entry(time: time, number: last, value: value))
        var index = entries.count - 1
        while index > 0, entries[index].comes(before: entries[(index - 1) / 2]) {
            entries.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    /// Takes the next one out; nil where there is none.
    public mutating func removeFirst() -> Value? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first.value }
        entries[0] = last
        var index = 0
        while true {
            var next = 2 * index + 1
            guard next < entries.count else { return first.value }
            if next + 1 < entries.count, entries[next + 1].comes(before: entries[next]) { next += 1 }
            guard entries[next].comes(before: entries[index]) else { return first.value }
            entries.swapAt(index, next)
            index = next
        }
    }
}
