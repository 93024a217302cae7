/// The networks of one family and prefix length, by their leading bits, with the numbers of their entries.
struct NetworkRow<Bits: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    /// The row while it is filled.
    struct Draft {
        let prefixLength: Int
        private(set) fileprivate var records: [Record] = []

        init(prefixLength: Int) {
            self.prefixLength = prefixLength
        }

        /// Adds the network around an address; the same one may come again, with a higher number.
        mutating func add(_ bits: Bits, number: Int) {
            records.append(Record(bits: bits & NetworkRow.mask(prefixLength), number: UInt32(number)))
        }
    }

    struct Record: Sendable {
        let bits: Bits
        let number: UInt32
    }

    private let mask: Bits
    private let records: [Record]
    private let buckets: Buckets

    init(_ draft: Draft) {
        var records = draft.records
        buckets = Buckets(
            count: records.count, hash: { Self.hash(draft.records[$0].bits) }, size: { _ in 1 },
            place: { records[$1] = draft.records[$0] })
        mask = Self.mask(draft.prefixLength)
        self.records = records
    }

    /// The lowest accepted number below `limit` of the network that holds the address, else `limit`.
    @inline(__always)
    func first(_ address: Bits, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        let bits = address & mask
        for index in buckets.range(of: Self.hash(bits)) where records[index].bits == bits {
            // Those that follow have higher numbers.
            let number = Int(records[index].number)
            if number >= limit || accepts(number) { return min(number, limit) }
        }
        return limit
    }

    private static func mask(_ prefixLength: Int) -> Bits {
        prefixLength == 0 ? 0 : Bits.max << (Bits.bitWidth - prefixLength)
    }

    @inline(__always)
    private static func hash(_ bits: Bits) -> UInt64 {
        let low = UInt64(truncatingIfNeeded: bits)
        return Bits.bitWidth > 64 ? (UInt64(truncatingIfNeeded: bits >> 64).mixed ^ low).mixed : low.mixed
    }
}
