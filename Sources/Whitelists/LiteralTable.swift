import Greylist

/// Byte strings with the numbers of their entries, found without making a string and whatever the case of letters.
///
/// All strings stand in one block of bytes: some 30 bytes a string beside the string itself.
struct LiteralTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where each string ends in `bytes`; it begins where the one before it ends.
    private var ends: [UInt32] = []
    private var numbers = EntryNumbers()
    private var index = HashIndex()

    var isEmpty: Bool { ends.isEmpty }

    /// Adds a string in lower case; the same one may come again.
    mutating func add(_ literal: [UInt8], number: Int) {
        let known = place(of: literal.span)
        numbers.add(number, at: known)
        guard known == nil else { return }
        bytes.append(contentsOf: literal)
        ends.append(UInt32(bytes.count))
        index.append(hash: Self.hash(literal.span))
    }

    /// The lowest number below `limit` of exactly this string that is accepted.
    @inline(__always)
    func first(_ literal: Span<UInt8>, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
        guard !isEmpty else { return nil }
        var best = limit
        let hash = Self.hash(literal)
        index.forEach(hash: hash, from: index.slot(for: hash)) { index in
            if isEqual(index, literal) { best = numbers.lowest(at: index, below: best, where: accepts) }
        }
        return best < limit ? best : nil
    }

    /// How many entries this string has.
    func count(of literal: Span<UInt8>) -> Int {
        place(of: literal).map(numbers.count) ?? 0
    }

    private func place(of literal: Span<UInt8>) -> Int? {
        let hash = Self.hash(literal)
        var place: Int?
        index.forEach(hash: hash, from: index.slot(for: hash)) { index in
            if isEqual(index, literal) { place = index }
        }
        return place
    }

    private func isEqual(_ index: Int, _ literal: Span<UInt8>) -> Bool {
        let start = index == 0 ? 0 : Int(ends[index - 1])
        guard Int(ends[index]) - start == literal.count else { return false }
        for offset in 0..<literal.count where bytes[start + offset] != literal[offset].lowercased { return false }
        return true
    }

    /// FNV-1a, 64 bits, folded.
    ///
    /// The table is filled from the administrator's lists, so no sender can make it degenerate.
    private static func hash(_ literal: Span<UInt8>) -> UInt32 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<literal.count { hash = (hash ^ UInt64(literal[index].lowercased)) &* 0x100_0000_01b3 }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
