/// Whether bytes are the same, eight at a time.
extension Span<UInt8> {
    /// Whether these bytes are exactly the ASCII bytes of `text`.
    @inlinable @inline(__always)
    public func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && equals(as: UnsafeRawPointer(text.utf8Start))
    }

    /// Whether these bytes are exactly those.
    @inlinable @inline(__always)
    public func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return other.withUnsafeBytes { other in
            guard let expected = other.baseAddress else { return true }
            return equals(as: expected)
        }
    }

    /// Whether these bytes are the ones from `expected` on.
    @inlinable @inline(__always)
    func equals(as expected: UnsafeRawPointer) -> Bool {
        let bytes = bytes
        // As many bytes at a time as there are at least, the last ones overlapping those before them.
        if count >= 8 {
            var index = 0
            while true {
                let word = bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
                guard word == expected.loadUnaligned(fromByteOffset: index, as: UInt64.self) else { return false }
                guard index < count - 8 else { return true }
                index = Swift.min(index + 8, count - 8)
            }
        }
        if count >= 4 {
            let (first, last) = (
                bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self),
                bytes.unsafeLoadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            )
            return first == expected.loadUnaligned(as: UInt32.self)
                && last == expected.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
        }
        for index in indices where self[index] != expected.load(fromByteOffset: index, as: UInt8.self) { return false }
        return true
    }
}

/// Bytes whatever the case of the letters A to Z.
extension Span<UInt8> {
    /// Whether these are the bytes of `other`, which is in lower case, whatever the case of letters here.
    @inlinable @inline(__always)
    public func equals(lowercase other: Span<UInt8>) -> Bool {
        count == other.count
            && allLowercaseWords { offset, word in word == (count < 8 ? other.fewBytes : other.word(at: offset)) }
    }

    /// Whether these are the ASCII bytes of `text`, which is in lower case, whatever the case of letters here.
    @inlinable @inline(__always)
    public func equals(lowercase text: StaticString) -> Bool {
        text.withUTF8Buffer { equals(lowercase: $0.span) }
    }

    /// Calls `body` with all bytes, eight at a time, the letters A to Z in lower case; false as soon as it returns false.
    ///
    /// The last eight overlap those before them; fewer than eight in all are filled up with zeros.
    @inlinable @inline(__always)
    public func allLowercaseWords(_ body: (_ offset: Int, _ word: UInt64) -> Bool) -> Bool {
        guard count >= 8 else { return body(0, fewBytes.lowercasedBytes) }
        var offset = 0
        while offset < count - 8 {
            guard body(offset, word(at: offset).lowercasedBytes) else { return false }
            offset += 8
        }
        return body(count - 8, word(at: count - 8).lowercasedBytes)
    }

    /// Eight bytes in the order of memory.
    @inlinable @inline(__always)
    public func word(at offset: Int) -> UInt64 {
        bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// All bytes, fewer than eight.
    @inlinable @inline(__always)
    var fewBytes: UInt64 {
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(self[index]) << UInt64(8 * index) }
        return word
    }
}

extension UInt64 {
    /// The bytes with the letters A to Z made lower case.
    @inlinable @inline(__always)
    var lowercasedBytes: UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let rest = self & (0x7f * ones)
        // The highest bit of a byte tells whether its lower seven are at least A, and beyond Z.
        let fromA = rest + UInt64(0x80 - UInt8(ascii: "A")) * ones
        let beyondZ = rest + UInt64(0x7f - UInt8(ascii: "Z")) * ones
        let isLetter = fromA & ~beyondZ & ~self & (0x80 * ones)
        return self | isLetter >> 2
    }
}
