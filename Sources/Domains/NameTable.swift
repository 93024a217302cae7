import Bytes

/// Names with a number each, found by their bytes without an allocation.
///
/// The administrator makes it and no sender grows it, so its hash needs no secret.
struct NameTable: Sendable {
    /// The number in each slot and 1 more, or 0 where it is free: a power of two of them, less than half in use.
    private var slots: [UInt32]
    private var text: [UInt8] = []
    private var places: [Range<Int>] = []

    /// The names, each of which gets the number of its place; no name may come twice.
    init(_ names: [[UInt8]]) {
        var size = 4
        while size < names.count * 2 + 1 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        for (number, name) in names.enumerated() {
            places.append(text.count..<text.count + name.count)
            text += name
            var slot = Int(truncatingIfNeeded: name.span.hash) & (size - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = UInt32(number + 1)
        }
    }

    /// The number of a name; nil where it has none.
    subscript(name: Span<UInt8>) -> Int? {
        let text = text.span
        var slot = Int(truncatingIfNeeded: name.hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if text.extracting(places[number]).equals(name) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }
}

extension Span<UInt8> {
    /// FNV-1a, with a last mix so that the low bits depend on all of them.
    fileprivate var hash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in indices { hash = (hash ^ UInt64(self[index])) &* 0x0000_0100_0000_01b3 }
        return hash ^ hash >> 32
    }
}
