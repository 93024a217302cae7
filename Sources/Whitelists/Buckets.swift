/// Where the records of a table lie that is filled once: those of one bucket of hashes side by side.
///
/// A look-up costs the same however many records there are: it asks memory for the place of a bucket and a filter of bits,
/// two bytes a record, and then once for the records of the bucket, or not even that where the filter says that what is
/// looked for isn't among them.
struct Buckets: Sendable {
    /// How many records a bucket has on average.
    private static let load = 4

    /// Of each bucket the filter in the upper half and the start in the lower, and behind the last one where it ends.
    private let heads: [UInt64]

    /// Arranges `count` records.
    ///
    /// - Parameters:
    ///   - hash: the hash of a record
    ///   - size: how much room it takes
    ///   - place: is told where it starts; those of a bucket keep their order
    init(count: Int, hash: (Int) -> UInt64, size: (Int) -> Int, place: (_ record: Int, _ start: Int) -> Void) {
        let bucketCount = max(1, count / Self.load)
        var heads = [UInt64](repeating: 0, count: bucketCount + 1)
        var ends = [Int](repeating: 0, count: bucketCount)
        for record in 0..<count {
            let hash = hash(record)
            let bucket = Self.bucket(hash, of: bucketCount)
            heads[bucket] |= Self.filter(hash)
            ends[bucket] += size(record)
        }
        var end = 0
        for bucket in 0..<bucketCount {
            heads[bucket] |= UInt64(UInt32(end))
            (ends[bucket], end) = (end, end + ends[bucket])
        }
        heads[bucketCount] = UInt64(UInt32(end))
        for record in 0..<count {
            let bucket = Self.bucket(hash(record), of: bucketCount)
            place(record, ends[bucket])
            ends[bucket] += size(record)
        }
        self.heads = heads
    }

    /// Where the records lie among which one with that hash is, if there is one.
    @inline(__always)
    func range(of hash: UInt64) -> Range<Int> {
        let bucket = Self.bucket(hash, of: heads.count - 1)
        let (head, filter) = (heads[bucket], Self.filter(hash))
        guard head & filter == filter else { return 0..<0 }
        return Int(UInt32(truncatingIfNeeded: head))..<Int(UInt32(truncatingIfNeeded: heads[bucket + 1]))
    }

    private static func bucket(_ hash: UInt64, of count: Int) -> Int {
        Int(hash.multipliedFullWidth(by: UInt64(count)).high)
    }

    /// Two bits of the upper half: one in twenty hashes that aren't there has both of its bits set by others.
    private static func filter(_ hash: UInt64) -> UInt64 {
        1 &<< (32 + hash & 31) | 1 &<< (32 + hash >> 5 & 31)
    }
}

extension UInt64 {
    /// A number every bit of which depends on every bit of this one.
    ///
    /// Tables are filled from the administrator's lists, so no sender can make them degenerate.
    @inline(__always)
    var mixed: UInt64 {
        let product = (self ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
        return product.high ^ product.low
    }
}
