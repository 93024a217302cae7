import Greylist

/// Byte strings with the numbers of their entries, found without making a string and whatever the case of letters.
///
/// All strings stand in one block of bytes: some 30 bytes a string beside the string itself.
struct LiteralTable: Sendable {
    private struct Literal: Sendable {
        /// Where it ends in `bytes`; it begins where the one before it ends.
        let end: UInt32
        /// Its first entry.
        let first: UInt32
    }

    private var bytes: [UInt8] = []
    private var literals: [Literal] = []
    private var numbers = EntryNumbers()
    private var index = HashIndex()

    var isEmpty: Bool { literals.isEmpty }

    /// Adds a string in lower case; the same one may come again.
    mutating func add(_ literal: [UInt8], number: Int) {
        if let known = first(of: literal.span) { return numbers.add(number, after: known) }
        index.add(UInt32(literals.count), hash: Self.hash(literal.span))
        bytes.append(contentsOf: literal)
        literals.append(Literal(end: UInt32(bytes.count), first: UInt32(number)))
    }

    /// The lowest number below `limit` of exactly this string that is accepted.
    @inline(__always)
    func first(_ literal: Span<UInt8>, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
        guard !isEmpty, let first = first(of: literal) else { return nil }
        let best = numbers.lowest(from: first, below: limit, where: accepts)
        return best < limit ? best : nil
    }

    /// How many entries this string has.
    func count(of literal: Span<UInt8>) -> Int {
        first(of: literal).map(numbers.count) ?? 0
    }

    @inline(__always)
    private func first(of literal: Span<UInt8>) -> UInt32? {
        let hash = Self.hash(literal)
        var first: UInt32?
        index.forEach(hash: hash, from: index.slot(for: hash)) { place in
            if isEqual(Int(place), literal) { first = literals[Int(place)].first }
        }
        return first
    }

    private func isEqual(_ place: Int, _ literal: Span<UInt8>) -> Bool {
        let start = place == 0 ? 0 : Int(literals[place - 1].end)
        guard Int(literals[place].end) - start == literal.count else { return false }
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
