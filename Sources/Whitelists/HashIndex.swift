/// Numbers 0, 1, 2, … by the hash of what they stand for: open addressing, 16 bytes a number.
///
/// The hash stands beside the number, so that what isn't there costs one look into memory, however much is there.
struct HashIndex: Sendable {
    /// The hash in the upper half, the number plus 1 in the lower; 0 for a free slot.
    ///
    /// A power of two, at most half full.
    private var slots: [UInt64] = Array(repeating: 0, count: 16)
    private(set) var count = 0

    /// Adds the next number; there may be others with the same hash.
    mutating func append(hash: UInt32) {
        count += 1
        occupy(UInt64(hash) << 32 | UInt64(count))
        guard count * 2 > slots.count else { return }
        let former = slots
        slots = Array(repeating: 0, count: slots.count * 2)
        for slot in former where slot != 0 { occupy(slot) }
    }

    /// The first slot for a hash, to be handed to `forEach`.
    ///
    /// Those of several indexes, fetched before any of them is looked at, come from memory at the same time.
    @inline(__always)
    func slot(for hash: UInt32) -> UInt64 {
        slots[Int(hash) & (slots.count - 1)]
    }

    /// Calls `body` with each number of that hash, in no order.
    @inline(__always)
    func forEach(hash: UInt32, from first: UInt64, _ body: (Int) -> Void) {
        var slot = first
        var place = Int(hash)
        while slot != 0 {
            if UInt32(truncatingIfNeeded: slot >> 32) == hash { body(Int(UInt32(truncatingIfNeeded: slot)) - 1) }
            place += 1
            slot = slots[place & (slots.count - 1)]
        }
    }

    private mutating func occupy(_ slot: UInt64) {
        let mask = slots.count - 1
        var place = Int(slot >> 32) & mask
        while slots[place] != 0 { place = (place + 1) & mask }
        slots[place] = slot
    }
}
