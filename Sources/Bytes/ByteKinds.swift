/// What a byte is in ASCII, whatever the locale.
extension UInt8 {
    /// Whether it is a digit, 0 to 9.
    @inlinable @inline(__always)
    public var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// Whether it is a letter, a to z or A to Z.
    @inlinable @inline(__always)
    public var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }

    /// Whether it is a letter or a digit.
    @inlinable @inline(__always)
    public var isLetterOrDigit: Bool { isDigit || isLetter }

    /// Whether it is a hexadecimal digit, 0 to 9, a to f or A to F.
    @inlinable @inline(__always)
    public var isHexadecimal: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }

    /// Whether it is a hexadecimal digit in lower case, 0 to 9 or a to f.
    @inlinable @inline(__always)
    public var isLowercaseHexadecimal: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self) }

    /// Whether it can be printed: from the blank to the tilde.
    @inlinable @inline(__always)
    public var isPrintable: Bool { (0x20...0x7e).contains(self) }

    /// A letter A to Z made lower case, any other byte as it is.
    @inlinable @inline(__always)
    public var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
