import NIOCore

/// How much a cache holds.
struct CacheLimits: Sendable {
    var entries: Int
    var bytes: Int
}

/// Values that hold for a while, in a bounded number and of a bounded size; the oldest go first.
///
/// It reads no clock; for a cache, time only goes forwards.
struct BoundedCache<Key: Hashable, Value> {
    private struct Entry {
        var value: Value
        var expiry: NIODeadline
        var size: Int
        var number: UInt64
    }

    private let limits: CacheLimits
    private var entries: [Key: Entry] = [:]
    /// Each insertion in its order; what was inserted again or removed meanwhile has another number.
    private var order = CircularBuffer<(key: Key, number: UInt64)>()
    private var next: UInt64 = 0
    private(set) var bytes = 0

    init(_ limits: CacheLimits) {
        self.limits = limits
    }

    var count: Int { entries.count }

    /// A value that holds, and how long it still does.
    func value(for key: Key, at now: NIODeadline) -> (value: Value, remaining: TimeAmount)? {
        guard let entry = entries[key], entry.expiry > now else { return nil }
        return (entry.value, entry.expiry - now)
    }

    /// Keeps a value until `expiry`, which takes `size` bytes, more or less; one that exceeds the limit isn't kept.
    mutating func insert(_ value: Value, for key: Key, until expiry: NIODeadline, size: Int) {
        remove(key)
        guard size <= limits.bytes else { return }
        next += 1
        entries[key] = Entry(value: value, expiry: expiry, size: size, number: next)
        bytes += size
        order.append((key, next))
        while order.count > limits.entries || bytes > limits.bytes, let oldest = order.popFirst() {
            if entries[oldest.key]?.number == oldest.number { remove(oldest.key) }
        }
    }

    private mutating func remove(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { bytes -= entry.size }
    }
}
