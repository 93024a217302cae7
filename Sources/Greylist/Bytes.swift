extension [UInt8] {
    /// Appends bytes with the letters A to Z made lower case; no other byte is touched, no locale asked.
    package mutating func append(lowercasing bytes: Span<UInt8>) {
        append(addingCapacity: bytes.count) { $0.append(lowercasing: bytes) }
    }

    /// Appends a number of zero or more in decimal digits, with zeros in front up to `width`.
    public mutating func append(decimal number: Int, width: Int = 1) {
        append(digitsOf: number.magnitude, width: width)
    }

    /// Appends the bytes of a text.
    public mutating func append(_ text: String) {
        append(contentsOf: text.utf8)
    }

    private mutating func append(digitsOf number: UInt, width: Int) {
        var divisor: UInt = 1
        var digits = 1
        while number / divisor >= 10 || digits < width {
            divisor *= 10
            digits += 1
        }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}

extension OutputSpan<UInt8> {
    /// Appends bytes.
    @inline(__always)
    mutating func append(copying bytes: Span<UInt8>) {
        append(bytes, sixteen: { $0 }, each: { $0 })
    }

    /// Appends bytes with the letters A to Z made lower case.
    @inline(__always)
    mutating func append(lowercasing bytes: Span<UInt8>) {
        append(bytes, sixteen: { $0.lowercased }, each: { $0.lowercased })
    }

    /// Appends bytes, each as one of the two makes it: sixteen at a time, or one by one where there are fewer.
    @inline(__always)
    private mutating func append(
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
        let source = bytes.bytes
        let last = bytes.count &- 16
        var index = 0
        while true {
            let vector = source.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            target.storeBytes(of: sixteen(vector), toByteOffset: start &+ index, as: SIMD16<UInt8>.self)
            guard index < last else { return }
            // The last sixteen overlap those before them.
            index = Swift.min(index &+ 16, last)
        }
    }

    /// Appends a number below 1,000 in decimal digits.
    @inline(__always)
    mutating func append(decimal number: UInt16) {
        let zero = UInt8(ascii: "0")
        if number >= 100 { append(zero + UInt8(truncatingIfNeeded: number / 100)) }
        if number >= 10 { append(zero + UInt8(truncatingIfNeeded: number / 10 % 10)) }
        append(zero + UInt8(truncatingIfNeeded: number % 10))
    }

    /// Appends a number in lower-case hexadecimal digits.
    @inline(__always)
    mutating func append(hexadecimal number: UInt16) {
        var shift: UInt16 = number >= 0x1000 ? 12 : number >= 0x100 ? 8 : number >= 0x10 ? 4 : 0
        while true {
            let digit = UInt8(truncatingIfNeeded: number >> shift & 0xf)
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            guard shift > 0 else { return }
            shift -= 4
        }
    }
}

extension SIMD16<UInt8> {
    /// The letters A to Z made lower case, any other byte as it is.
    @inline(__always)
    fileprivate var lowercased: SIMD16<UInt8> {
        let (first, last) = (SIMD16<UInt8>(repeating: UInt8(ascii: "A")), SIMD16<UInt8>(repeating: UInt8(ascii: "Z")))
        let isUpper = unsafeBitCast((self .>= first) .& (self .<= last), to: SIMD16<UInt8>.self)
        return self | isUpper & SIMD16<UInt8>(repeating: 0x20)
    }
}

extension UInt8 {
    /// A letter A to Z made lower case, any other byte as it is.
    @inline(__always)
    package var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }

    /// Whether it is a letter a to z, A to Z, or a digit.
    package var isLetterOrDigit: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }

    /// Whether it is a digit.
    package var isDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
