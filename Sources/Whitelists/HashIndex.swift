/// Numbers by the hash of what they stand for: open addressing, 16 to 33 bytes a number.
///
/// The hash stands beside the number, so that nothing else is looked at for what isn't there; and most of that is known from
/// a filter of a sixteenth of the size, which stays in the processor's caches when the slots don't.
struct HashIndex: Sendable {
    /// The hash in the upper half, the number plus 1 in the lower; 0 for a free slot.
    ///
    /// A power of two, at most half full.
    private var slots: [UInt64] = Array(repeating: 0, count: 16)
    /// A bit for each hash that is there, by its lowest bits: four for each slot.
    private var filter: [UInt64] = [0]
    private var count = 0

    /// Adds a number; there may be others with the same hash.
    mutating func add(_ number: UInt32, hash: UInt32) {
        count += 1
        occupy(UInt64(hash) << 32 | UInt64(number + 1))
        guard count * 2 > slots.count else { return }
        let former = slots
        slots = Array(repeating: 0, count: slots.count * 2)
        filter = Array(repeating: 0, count: slots.count / 16)
        for slot in former where slot != 0 { occupy(slot) }
    }

    /// The first slot for a hash, to be handed to `forEach`; 0 where there is nothing of that hash.
    ///
    /// Those of several indexes, fetched before any of them is looked at, come from memory at the same time.
    @inline(__always)
    func slot(for hash: UInt32) -> UInt64 {
        guard filter[Int(hash >> 6) & (filter.count - 1)] & 1 << UInt64(hash & 63) != 0 else { return 0 }
        return slots[Int(hash) & (slots.count - 1)]
    }

    /// Calls `body` with each number of that hash, in no order.
    @inline(__always)
    func forEach(hash: UInt32, from first: UInt64, _ body: (UInt32) -> Void) {
        var slot = first
        var place = Int(hash)
        while slot != 0 {
            if UInt32(truncatingIfNeeded: slot >> 32) == hash { body(UInt32(truncatingIfNeeded: slot) - 1) }
            place += 1
            slot = slots[place & (slots.count - 1)]
        }
    }

    private mutating func occupy(_ slot: UInt64) {
        let hash = UInt32(truncatingIfNeeded: slot >> 32)
        filter[Int(hash >> 6) & (filter.count - 1)] |= 1 << UInt64(hash & 63)
        let mask = slots.count - 1
        var place = Int(hash) & mask
        while slots[place] != 0 { place = (place + 1) & mask }
        slots[place] = slot
    }
}
