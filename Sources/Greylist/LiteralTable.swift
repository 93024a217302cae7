/// Byte strings with a number for each, found without making a string: open addressing over one block of bytes.
struct LiteralTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where each string ends in `bytes`; it begins where the one before it ends.
    private var ends: [Int] = []
    private var numbers: [Int] = []
    /// Index into `ends` plus 1, 0 for a free slot; a power of two, at most half full.
    private var slots: [UInt32] = Array(repeating: 0, count: 16)

    /// Adds a string; where it is there already, the earlier number stays.
    mutating func add(_ literal: [UInt8], number: Int) {
        guard self.number(of: literal.span) == nil else { return }
        bytes.append(contentsOf: literal)
        ends.append(bytes.count)
        numbers.append(number)
        if ends.count * 2 > slots.count {
            slots = Array(repeating: 0, count: slots.count * 2)
            for index in ends.indices { occupy(index) }
        } else {
            occupy(ends.count - 1)
        }
    }

    /// The number of exactly this string.
    func number(of literal: Span<UInt8>) -> Int? {
        var slot = hash(literal) & (slots.count - 1)
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if isEqual(index, literal) { return numbers[index] }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private mutating func occupy(_ index: Int) {
        var slot = hash(bytes.span.extracting(place(index))) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(index + 1)
    }

    private func place(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : ends[index - 1])..<ends[index]
    }

    private func isEqual(_ index: Int, _ literal: Span<UInt8>) -> Bool {
        let place = place(index)
        guard place.count == literal.count else { return false }
        for offset in 0..<literal.count where bytes[place.lowerBound + offset] != literal[offset] { return false }
        return true
    }

    /// FNV-1a, 64 bits.
    ///
    /// The table is filled from the administrator's lists, so no sender can make it degenerate.
    private func hash(_ literal: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<literal.count { hash = (hash ^ UInt64(literal[index])) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
