import NIOCore

/// How commands are written: an array of bulk texts. The number of arguments and every length come first.
///
///     buffer.writeCommand("GET", arguments: 1)
///     buffer.writeBulk(key)
extension ByteBuffer {
    /// Begins a command that has that many arguments, which have to follow.
    mutating func writeCommand(_ name: StaticString, arguments: Int) {
        writeHeader(UInt8(ascii: "*"), arguments + 1)
        writeBulk(name)
    }

    /// Writes an argument.
    mutating func writeBulk(_ text: StaticString) {
        writeBulkHeader(length: text.utf8CodeUnitCount)
        writeStaticString(text)
        writeBulkEnd()
    }

    /// Writes an argument.
    mutating func writeBulk(_ text: String) {
        writeBulkHeader(length: text.utf8.count)
        writeString(text)
        writeBulkEnd()
    }

    /// Writes an argument.
    mutating func writeBulk(_ bytes: ByteBuffer) {
        writeBulkHeader(length: bytes.readableBytes)
        writeImmutableBuffer(bytes)
        writeBulkEnd()
    }

    /// Writes an argument.
    mutating func writeBulk(_ bytes: Span<UInt8>) {
        writeBulkHeader(length: bytes.count)
        writeBytes(bytes.bytes)
        writeBulkEnd()
    }

    /// Writes an argument: the number in decimal digits.
    mutating func writeBulk(_ number: Int) {
        writeBulkHeader(length: number.decimalWidth)
        writeDecimal(number)
        writeBulkEnd()
    }

    /// Begins an argument that is written in parts: `length` bytes and ``writeBulkEnd()`` have to follow.
    mutating func writeBulkHeader(length: Int) {
        writeHeader(UInt8(ascii: "$"), length)
    }

    /// Ends an argument.
    mutating func writeBulkEnd() {
        writeInteger(0x0d0a as UInt16)
    }

    /// Writes a number in decimal digits, without making a String of it.
    mutating func writeDecimal(_ number: Int) {
        if number < 0 { writeInteger(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = digits.count
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        writeBytes(digits.span.extracting(start...).bytes)
    }

    mutating func writeHeader(_ type: UInt8, _ count: Int) {
        writeInteger(type)
        writeDecimal(count)
        writeBulkEnd()
    }
}

extension Int {
    /// How many characters its decimal form has.
    var decimalWidth: Int {
        var width = self < 0 ? 2 : 1
        var rest = magnitude / 10
        while rest > 0 {
            width += 1
            rest /= 10
        }
        return width
    }
}
