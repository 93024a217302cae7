import Bytes
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
            if literal.equals(lowercase: records.extracting(start..<start + count)) {
                // Those that follow have higher numbers.
                let number = Int(UInt32(truncatingIfNeeded: header))
                if number >= limit || accepts(number) { return min(number, limit) }
            }
            start += count
        }
        return limit
    }
}

extension Span<UInt8> {
    /// The hash of the bytes, whatever the case of letters.
    @inline(__always)
    var hash: UInt64 {
        var hash = UInt64(count)
        _ = allLowercaseWords { _, word in
            hash = (hash ^ word).mixed
            return true
        }
        return hash
    }
}
