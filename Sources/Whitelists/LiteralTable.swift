import Greylist

/// Byte strings with the numbers of their entries, found without making a string and whatever the case of letters.
struct LiteralTable: Sendable {
    /// The table while it is filled.
    struct Draft {
        /// A record each, one behind the other.
        fileprivate var records: [UInt8] = []
        /// Where each record starts.
        fileprivate var starts: [UInt32] = []

        /// Adds a string in lower case; the same one may come again, with a higher number.
        mutating func add(_ literal: [UInt8], number: Int) {
            starts.append(UInt32(records.count))
            let header = UInt64(literal.count) << 32 | UInt64(UInt32(number))
            withUnsafeBytes(of: header) { records.append(contentsOf: $0) }
            records.append(contentsOf: literal)
        }

        /// The place of a record.
        fileprivate func place(_ index: Int) -> Range<Int> {
            Int(starts[index])..<(index + 1 < starts.count ? Int(starts[index + 1]) : records.count)
        }
    }

    /// The number of the entry in the lower half, the length of the string in the upper.
    private static let headerSize = MemoryLayout<UInt64>.size

    /// A header and a string each, without a gap.
    private let records: [UInt8]
    private let buckets: Buckets

    init(_ draft: Draft) {
        var records = [UInt8](repeating: 0, count: draft.records.count)
        buckets = Buckets(
            count: draft.starts.count,
            hash: { draft.records.span.extracting(draft.place($0).dropFirst(Self.headerSize)).hash },
            size: { draft.place($0).count },
            place: { index, start in
                let place = draft.place(index)
                for offset in 0..<place.count { records[start + offset] = draft.records[place.lowerBound + offset] }
            })
        self.records = records
    }

    var isEmpty: Bool { records.isEmpty }

    /// The lowest number below `limit` of exactly this string that is accepted, else `limit`.
    @inline(__always)
    func first(_ literal: Span<UInt8>, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        let range = buckets.range(of: literal.hash)
        let records = records.span
        var start = range.lowerBound
        while start < range.upperBound {
            let header = records.word(at: start)
            start += Self.headerSize
            let count = Int(header >> 32)
            if literal.isLiteral(records.extracting(start..<start + count)) {
                // Those that follow have higher numbers.
                let number = Int(UInt32(truncatingIfNeeded: header))
                if number >= limit || accepts(number) { return min(number, limit) }
            }
            start += count
        }
        return limit
    }
}

/// Bytes taken eight at a time.
extension Span<UInt8> {
    /// Calls `body` with all bytes, eight at a time, the letters A to Z in lower case; false as soon as it returns false.
    ///
    /// The last eight overlap those before them; fewer than eight in all are filled up with zeros.
    @inline(__always)
    func allWords(_ body: (_ offset: Int, _ word: UInt64) -> Bool) -> Bool {
        guard count >= 8 else { return body(0, fewBytes.lowercasedBytes) }
        var offset = 0
        while offset < count - 8 {
            guard body(offset, word(at: offset).lowercasedBytes) else { return false }
            offset += 8
        }
        return body(count - 8, word(at: count - 8).lowercasedBytes)
    }

    /// Eight bytes.
    @inline(__always)
    func word(at offset: Int) -> UInt64 {
        bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// All bytes, fewer than eight.
    @inline(__always)
    private var fewBytes: UInt64 {
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(self[index]) << UInt64(8 * index) }
        return word
    }

    /// Whether these are the bytes of `other`, which is in lower case, whatever the case of letters here.
    @inline(__always)
    func isLiteral(_ other: Span<UInt8>) -> Bool {
        count == other.count
            && allWords { offset, word in word == (count < 8 ? other.fewBytes : other.word(at: offset)) }
    }

    /// The hash of the bytes, whatever the case of letters.
    @inline(__always)
    var hash: UInt64 {
        var hash = UInt64(count)
        _ = allWords { _, word in
            hash = (hash ^ word).mixed
            return true
        }
        return hash
    }
}

extension UInt64 {
    /// The bytes with the letters A to Z made lower case.
    @inline(__always)
    fileprivate var lowercasedBytes: UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let rest = self & (0x7f * ones)
        // The highest bit of a byte tells whether its lower seven are at least A, and beyond Z.
        let fromA = rest + UInt64(0x80 - UInt8(ascii: "A")) * ones
        let beyondZ = rest + UInt64(0x7f - UInt8(ascii: "Z")) * ones
        let isLetter = fromA & ~beyondZ & ~self & (0x80 * ones)
        return self | isLetter >> 2
    }
}
