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
