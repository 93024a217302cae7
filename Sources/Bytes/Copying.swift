/// Copies in which each byte may become another one, sixteen at a time.
extension OutputSpan<UInt8> {
    /// Appends bytes.
    @inlinable @inline(__always)
    public mutating func append(copying bytes: Span<UInt8>) {
        append(bytes, sixteen: { $0 }, each: { $0 })
    }

    /// Appends bytes with the letters A to Z made lower case; no other byte is touched, no locale asked.
    @inlinable @inline(__always)
    public mutating func append(lowercasing bytes: Span<UInt8>) {
        append(bytes, sixteen: { $0.lowercased }, each: { $0.lowercased })
    }

    /// Appends bytes, each as one of the two makes it: sixteen at a time, or one by one where there are fewer.
    @inlinable @inline(__always)
    mutating func append(
        _ bytes: Span<UInt8>, sixteen: (SIMD16<UInt8>) -> SIMD16<UInt8>, each: (UInt8) -> UInt8
    ) {
        guard bytes.count >= 16 else {
            for index in bytes.indices { append(each(bytes[index])) }
            return
        }
        let start = count
        append(repeating: 0, count: bytes.count)
        var written = mutableSpan
        var target = written.mutableBytes
        target.store(bytes, at: start, sixteen: sixteen)
    }
}

extension OutputRawSpan {
    /// Appends bytes with a `?` for each that isn't printable ASCII.
    @inlinable @inline(__always)
    public mutating func append(printable bytes: Span<UInt8>) {
        guard bytes.count >= 16 else {
            for index in bytes.indices { append(bytes[index].isPrintable ? bytes[index] : UInt8(ascii: "?")) }
            return
        }
        let start = byteCount
        append(repeating: 0, count: bytes.count, as: UInt8.self)
        var target = mutableBytes
        target.store(bytes, at: start) { $0.replacing(with: UInt8(ascii: "?"), where: .!$0.isPrintable) }
    }
}

extension [UInt8] {
    /// Appends bytes with the letters A to Z made lower case; no other byte is touched, no locale asked.
    @inlinable
    public mutating func append(lowercasing bytes: Span<UInt8>) {
        append(addingCapacity: bytes.count) { $0.append(lowercasing: bytes) }
    }

    /// Appends the bytes of a text.
    @inlinable
    public mutating func append(_ text: String) {
        append(contentsOf: text.utf8)
    }
}

extension MutableRawSpan {
    /// Puts sixteen bytes or more where as many are, as `change` makes them.
    @inlinable @inline(__always)
    mutating func store(_ bytes: Span<UInt8>, at start: Int, sixteen change: (SIMD16<UInt8>) -> SIMD16<UInt8>) {
        let source = bytes.bytes
        let last = bytes.count &- 16
        var index = 0
        while true {
            let vector = source.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            storeBytes(of: change(vector), toByteOffset: start &+ index, as: SIMD16<UInt8>.self)
            guard index < last else { return }
            // The last sixteen overlap those before them.
            index = Swift.min(index &+ 16, last)
        }
    }
}

extension SIMD16<UInt8> {
    /// The letters A to Z made lower case, any other byte as it is.
    @inlinable @inline(__always)
    var lowercased: SIMD16<UInt8> {
        let (first, last) = (SIMD16<UInt8>(repeating: UInt8(ascii: "A")), SIMD16<UInt8>(repeating: UInt8(ascii: "Z")))
        let isUpper = unsafeBitCast((self .>= first) .& (self .<= last), to: SIMD16<UInt8>.self)
        return self | isUpper & SIMD16<UInt8>(repeating: 0x20)
    }

    /// Which bytes can be printed: from the blank to the tilde.
    @inlinable @inline(__always)
    var isPrintable: SIMDMask<SIMD16<Int8>> {
        (self .>= SIMD16<UInt8>(repeating: 0x20)) .& (self .<= SIMD16<UInt8>(repeating: 0x7e))
    }
}
