extension [UInt8] {
    /// Appends bytes with the letters A to Z made lower case; no other byte is touched, no locale asked.
    package mutating func append(lowercasing bytes: Span<UInt8>) {
        for index in 0..<bytes.count { append(bytes[index].lowercased) }
    }

    /// Appends a number of zero or more in decimal digits, with zeros in front up to `width`.
    public mutating func append(decimal number: Int, width: Int = 1) {
        append(digitsOf: number.magnitude, base: 10, width: width)
    }

    /// Appends the bytes of a text.
    public mutating func append(_ text: String) {
        append(contentsOf: text.utf8)
    }

    /// Appends a number of zero or more in lower-case hexadecimal digits.
    mutating func append(hexadecimal number: Int) {
        append(digitsOf: number.magnitude, base: 16, width: 1)
    }

    private mutating func append(digitsOf number: UInt, base: UInt, width: Int) {
        let start = count
        var rest = number
        repeat {
            let digit = UInt8(truncatingIfNeeded: rest % base)
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            rest /= base
        } while rest > 0 || count - start < width
        self[start...].reverse()
    }
}

extension UInt8 {
    /// A letter A to Z made lower case, any other byte as it is.
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
