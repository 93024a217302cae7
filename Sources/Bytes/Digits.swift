/// Hexadecimal digits.
extension UInt8 {
    /// The lower-case digit of a number from 0 to 15.
    @inlinable @inline(__always)
    public init(hexadecimalDigitOf number: UInt8) {
        self = number < 10 ? UInt8(ascii: "0") + number : UInt8(ascii: "a") + number - 10
    }

    /// The number that a digit of either case stands for, 0 to 15; nil where it is none.
    @inlinable @inline(__always)
    public var hexadecimalValue: UInt8? {
        if isDigit { return self - UInt8(ascii: "0") }
        return isHexadecimal ? (self | 0x20) - UInt8(ascii: "a") + 10 : nil
    }
}

extension [UInt8] {
    /// The bytes that are written as two hexadecimal digits each, of either case; nil where they are anything else.
    public init?(hexadecimal digits: some Collection<UInt8>) {
        guard digits.count.isMultiple(of: 2) else { return nil }
        self.init()
        reserveCapacity(digits.count / 2)
        var rest = digits.makeIterator()
        while let first = rest.next(), let second = rest.next() {
            guard let high = first.hexadecimalValue, let low = second.hexadecimalValue else { return nil }
            append(high << 4 | low)
        }
    }

    /// Appends a byte as two lower-case hexadecimal digits.
    @inlinable
    public mutating func append(hexadecimalPairOf byte: UInt8) {
        append(UInt8(hexadecimalDigitOf: byte >> 4))
        append(UInt8(hexadecimalDigitOf: byte & 0xf))
    }

    /// Appends a number of zero or more in decimal digits, with zeros in front up to `width`.
    @inlinable
    public mutating func append(decimal number: Int, width: Int = 1) {
        let number = number.magnitude
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

extension String {
    /// Two lower-case hexadecimal digits for each byte.
    public init(hexadecimal bytes: some Collection<UInt8>) {
        var digits: [UInt8] = []
        digits.reserveCapacity(2 * bytes.count)
        for byte in bytes { digits.append(hexadecimalPairOf: byte) }
        self.init(decoding: digits, as: UTF8.self)
    }
}

extension OutputSpan<UInt8> {
    /// Appends a number below 1,000 in decimal digits.
    @inlinable @inline(__always)
    public mutating func append(decimal number: UInt16) {
        let zero = UInt8(ascii: "0")
        if number >= 100 { append(zero + UInt8(truncatingIfNeeded: number / 100)) }
        if number >= 10 { append(zero + UInt8(truncatingIfNeeded: number / 10 % 10)) }
        append(zero + UInt8(truncatingIfNeeded: number % 10))
    }

    /// Appends a number in lower-case hexadecimal digits.
    @inlinable @inline(__always)
    public mutating func append(hexadecimal number: UInt16) {
        var shift: UInt16 = number >= 0x1000 ? 12 : number >= 0x100 ? 8 : number >= 0x10 ? 4 : 0
        while true {
            append(UInt8(hexadecimalDigitOf: UInt8(truncatingIfNeeded: number >> shift & 0xf)))
            guard shift > 0 else { return }
            shift -= 4
        }
    }
}

extension Span<UInt8> {
    /// The number whose decimal digits stand at `index`, which is moved behind them; nil where there is none.
    ///
    /// - Parameter limit: how many digits are taken at most, 18 or fewer: so many always fit
    @inlinable @inline(__always)
    public func decimal(at index: inout Int, atMost limit: Int) -> Int? {
        let start = index
        var number = 0
        while index < count, index - start < limit, self[index].isDigit {
            number = number * 10 + Int(self[index] - UInt8(ascii: "0"))
            index += 1
        }
        return index > start ? number : nil
    }
}
