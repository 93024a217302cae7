/// Where bytes are, sixteen looked at at a time.
///
/// All loads are checked against the bounds.
extension Span<UInt8> {
    /// The place of the first byte of that value in `range`; nil where there is none.
    ///
    /// Bytes behind the range are looked at, too, where that saves time.
    @inlinable @inline(__always)
    public func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        let pattern = SIMD16<UInt8>(repeating: byte)
        let bytes = bytes
        var index = range.lowerBound
        while index <= count &- 16 {
            let vector = bytes.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            let found = unsafeBitCast(vector .== pattern, to: SIMD2<UInt64>.self)
            var place = index
            if found[0] != 0 {
                place &+= UInt64(littleEndian: found[0]).trailingZeroBitCount &>> 3
                return place < range.upperBound ? place : nil
            }
            if found[1] != 0 {
                place &+= 8 &+ UInt64(littleEndian: found[1]).trailingZeroBitCount &>> 3
                return place < range.upperBound ? place : nil
            }
            index &+= 16
            guard index < range.upperBound else { return nil }
        }
        while index < range.upperBound {
            if self[index] == byte { return index }
            index &+= 1
        }
        return nil
    }

    /// Which of the 64 bytes from `start` are LF, a bit for each, the first one's the lowest; bytes that aren't there are none.
    ///
    /// The lines of a text differ in length, and a loop to the end of each would go on or not as no processor can
    /// foresee; so the bits of many lines are found without a branch.
    @inlinable @inline(__always)
    public func lineFeeds(from start: Int) -> UInt64 {
        var bits: UInt64 = 0
        var offset = 0
        while offset < 64, start &+ offset <= count &- 16 {
            bits |= lineFeeds(inSixteenFrom: start &+ offset) &<< UInt64(offset)
            offset &+= 16
        }
        guard offset < 64, start &+ offset < count else { return bits }
        if count >= 16 {
            // The last sixteen overlap those before them.
            let last = count &- 16
            return bits | lineFeeds(inSixteenFrom: last) << (last &- start)
        }
        for index in start..<count where self[index] == UInt8(ascii: "\n") { bits |= 1 &<< UInt64(index &- start) }
        return bits
    }

    @inlinable @inline(__always)
    func lineFeeds(inSixteenFrom start: Int) -> UInt64 {
        let vector = bytes.unsafeLoadUnaligned(fromByteOffset: start, as: SIMD16<UInt8>.self)
        let lineFeed = SIMD16<UInt8>(repeating: UInt8(ascii: "\n"))
        let found = unsafeBitCast(vector .== lineFeed, to: SIMD2<UInt64>.self)
        return found[0].bitOfEachByte | found[1].bitOfEachByte &<< 8
    }
}

extension UInt64 {
    /// One bit for each byte in the order of memory, which is all ones or all zeros.
    @inlinable @inline(__always)
    var bitOfEachByte: UInt64 {
        // Each byte keeps a bit of its own, and the product adds all bytes up in the highest one.
        ((UInt64(littleEndian: self) & 0x8040_2010_0804_0201) &* 0x0101_0101_0101_0101) &>> 56
    }
}
