package import NIOCore

/// How commands are written: an array of bulk texts. The number of arguments and every length come first.
///
///     buffer.writeCommand("GET", arguments: 1)
///     buffer.writeBulk(key)
extension ByteBuffer {
    /// Begins a command that has that many arguments, which have to follow.
    package mutating func writeCommand(_ name: StaticString, arguments: Int) {
        writeArrayHeader(count: arguments + 1)
        writeBulk(name)
    }

    /// Begins an array of that many elements, which have to follow.
    package mutating func writeArrayHeader(count: Int) {
        writeWithOutputRawSpan(minimumWritableBytes: OutputRawSpan.roomForHeader) { $0.append(header: "*", count) }
    }

    /// Writes an argument.
    package mutating func writeBulk(_ text: StaticString) {
        writeBulk(length: text.utf8CodeUnitCount) { $0.append(text) }
    }

    /// Writes an argument.
    package mutating func writeBulk(_ text: String) {
        writeBulk(text.utf8Span.span)
    }

    /// Writes an argument.
    package mutating func writeBulk(_ bytes: ByteBuffer) {
        writeBulk(bytes.readableBytesUInt8Span)
    }

    /// Writes an argument.
    package mutating func writeBulk(_ bytes: Span<UInt8>) {
        writeBulk(length: bytes.count) { $0.append(bytes) }
    }

    /// Writes an argument: the number in decimal digits.
    package mutating func writeBulk(_ number: Int) {
        writeBulk(length: number.decimalWidth) { $0.append(decimal: number) }
    }

    /// Writes an argument of `length` bytes, which `write` appends.
    package mutating func writeBulk(length: Int, _ write: (inout OutputRawSpan) -> Void) {
        writeWithOutputRawSpan(minimumWritableBytes: OutputRawSpan.roomForBulk(length)) {
            $0.append(bulkLength: length, write)
        }
    }
}

/// The same into room that is there.
extension OutputRawSpan {
    /// How many bytes the beginning of an array or an argument has at most: a type, a number, and the line's end.
    @inlinable
    package static var roomForHeader: Int { 1 + 20 + 2 }

    /// How many bytes an argument has at most.
    @inlinable
    package static func roomForBulk(_ length: Int) -> Int { roomForHeader + length + 2 }

    /// Begins an array (`*`) or an argument (`$`) of that count.
    @inlinable
    package mutating func append(header type: Unicode.Scalar, _ count: Int) {
        append(UInt8(ascii: type))
        append(decimal: count)
        append("\r\n")
    }

    /// Appends an argument.
    @inlinable
    package mutating func append(bulk text: StaticString) {
        append(bulkLength: text.utf8CodeUnitCount) { $0.append(text) }
    }

    /// Appends an argument of `length` bytes, which `write` appends.
    @inlinable @inline(__always)
    package mutating func append(bulkLength length: Int, _ write: (inout OutputRawSpan) -> Void) {
        append(header: "$", length)
        let start = byteCount
        write(&self)
        precondition(byteCount == start + length, "an argument hasn't the length that was announced")
        append("\r\n")
    }

    @inlinable @inline(__always)
    package mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { for byte in $0 { append(byte) } }
    }

    @inlinable @inline(__always)
    package mutating func append(_ bytes: Span<UInt8>) {
        for index in bytes.indices { append(bytes[index]) }
    }

    /// Appends a number in decimal digits, without making a String of it.
    @inlinable
    package mutating func append(decimal number: Int) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var divisor: UInt = 1
        while number.magnitude / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number.magnitude / divisor % 10))
            divisor /= 10
        }
    }
}

extension Int {
    /// How many characters its decimal form has.
    @inlinable
    package var decimalWidth: Int {
        var width = self < 0 ? 2 : 1
        var rest = magnitude / 10
        while rest > 0 {
            width += 1
            rest /= 10
        }
        return width
    }
}
