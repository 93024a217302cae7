import Greylist

/// Byte strings with the numbers of their entries, found without making a string and whatever the case of letters.
///
/// Open addressing over one block of bytes: some 40 bytes a string beside the string itself.
struct LiteralTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where each string ends in `bytes`; it begins where the one before it ends.
    private var ends: [UInt32] = []
    private var numbers: [UInt32] = []
    /// Index into `ends` plus 1, 0 for a free slot; a power of two, at most half full.
    private var slots: [UInt32] = Array(repeating: 0, count: 16)

    var isEmpty: Bool { ends.isEmpty }

    /// Adds a string in lower case; the same one may come again with a higher number.
    mutating func add(_ literal: [UInt8], number: Int) {
        bytes.append(contentsOf: literal)
        ends.append(UInt32(bytes.count))
        numbers.append(UInt32(number))
        if ends.count * 2 > slots.count {
            slots = Array(repeating: 0, count: slots.count * 2)
            for index in ends.indices { occupy(index) }
        } else {
            occupy(ends.count - 1)
        }
    }

    /// The lowest number below `limit` of exactly this string that is accepted.
    @inline(__always)
    func first(_ literal: Span<UInt8>, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
        guard !isEmpty else { return nil }
        var slot = hash(literal) & (slots.count - 1)
        // The same string again stands further on, in the order in which it was added.
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            let number = Int(numbers[index])
            if number < limit, isEqual(index, literal), accepts(number) { return number }
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
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }

    private func isEqual(_ index: Int, _ literal: Span<UInt8>) -> Bool {
        let place = place(index)
        guard place.count == literal.count else { return false }
        for offset in 0..<literal.count where bytes[place.lowerBound + offset] != literal[offset].lowercased {
            return false
        }
        return true
    }

    /// FNV-1a, 64 bits.
    ///
    /// The table is filled from the administrator's lists, so no sender can make it degenerate.
    private func hash(_ literal: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<literal.count { hash = (hash ^ UInt64(literal[index].lowercased)) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
