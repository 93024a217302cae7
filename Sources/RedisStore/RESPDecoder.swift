package import NIOCore

/// Takes replies out of a stream, in whatever pieces it arrives.
///
/// What it has understood it takes off the buffer and keeps, an unfinished array with the elements it has so far: every
/// byte of a line is looked at once, and a long text isn't looked at before it is there.
package struct RESPDecoder {
    /// An array whose elements are still coming.
    private struct OpenArray {
        let count: Int
        var elements: [RESPValue]
    }

    private let limits: RESPLimits
    private var arrays: [OpenArray] = []
    /// The length of the bulk text that is still coming.
    private var bulkLength: Int?
    /// How much of the line that is still coming was searched for its end.
    private var searched = 0
    /// The bytes taken off for the value that is still coming.
    private var taken = 0

    /// A decoder at the beginning of a stream.
    package init() {
        self.init(limits: RESPLimits())
    }

    init(limits: RESPLimits) {
        self.limits = limits
    }

    /// The next complete value, taken off the front of `buffer`; nil when more bytes are needed.
    ///
    /// Between two calls `buffer` may only grow at its end. After an error the stream can't be read any further.
    package mutating func next(in buffer: inout ByteBuffer) throws(RESPError) -> RESPValue? {
        while let item = try nextItem(in: &buffer) {
            guard taken <= limits.reply else { throw .replyTooLong(limit: limits.reply) }
            if let value = close(with: item) {
                taken = 0
                return value
            }
        }
        return nil
    }

    /// What stands next in the stream.
    private enum Item {
        case value(RESPValue)
        case arrayHeader(count: Int)
    }

    /// Adds an item to the innermost array, and to those around it what becomes complete by that; returns the
    /// outermost value once it is.
    private mutating func close(with item: Item) -> RESPValue? {
        var value: RESPValue
        switch item {
        case .value(let scalar): value = scalar
        case .arrayHeader(count: 0): value = .array([])
        case .arrayHeader(let count):
            var elements: [RESPValue] = []
            // The count is only a claim.
            elements.reserveCapacity(min(count, 64))
            arrays.append(OpenArray(count: count, elements: elements))
            return nil
        }
        while let innermost = arrays.indices.last {
            arrays[innermost].elements.append(value)
            guard arrays[innermost].elements.count == arrays[innermost].count else { return nil }
            value = .array(arrays.removeLast().elements)
        }
        return value
    }

    private mutating func nextItem(in buffer: inout ByteBuffer) throws(RESPError) -> Item? {
        if bulkLength == nil {
            guard let item = try readLine(in: &buffer) else { return nil }
            if let item { return item }
        }
        guard let length = bulkLength else { preconditionFailure("a line without a value announces a bulk text") }
        guard buffer.readableBytes >= length + 2 else { return nil }
        guard let text = buffer.readSlice(length: length), buffer.readInteger(as: UInt16.self) == 0x0d0a else {
            throw .bulkWithoutEnd
        }
        bulkLength = nil
        taken += length + 2
        return .value(.bulk(text))
    }

    /// Reads a line: nil when it isn't complete, `.some(nil)` when it announces a bulk text.
    private mutating func readLine(in buffer: inout ByteBuffer) throws(RESPError) -> Item?? {
        guard let end = try lineEnd(buffer.readableBytesUInt8Span) else { return nil }
        guard let type = buffer.readInteger(as: UInt8.self), let text = buffer.readSlice(length: end - 2) else {
            preconditionFailure("a line was found beyond the end of the buffer")
        }
        buffer.moveReaderIndex(forwardBy: 2)
        taken += end + 1
        searched = 0
        switch type {
        case UInt8(ascii: "+"): return .value(.simple(text))
        case UInt8(ascii: "-"): return .value(.error(text))
        case UInt8(ascii: ":"):
            guard let number = Int(decimal: text.readableBytesUInt8Span) else { throw .malformedNumber }
            return .value(.integer(number))
        case UInt8(ascii: "$"):
            guard let length = try length(text) else { return .value(.null) }
            guard length <= limits.bulk else { throw .bulkTooLong(limit: limits.bulk) }
            bulkLength = length
            return .some(nil)
        default:
            guard let count = try length(text) else { return .value(.null) }
            guard count <= limits.elements else { throw .tooManyElements(limit: limits.elements) }
            guard arrays.count < limits.depth else { throw .tooDeep(limit: limits.depth) }
            return .arrayHeader(count: count)
        }
    }

    /// The place of the LF that ends the line at the front, counted from the line's type; nil where it isn't there yet.
    private mutating func lineEnd(_ bytes: Span<UInt8>) throws(RESPError) -> Int? {
        guard bytes.count > 0 else { return nil }
        switch bytes[0] {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "$"), UInt8(ascii: "*"): break
        default: throw .unknownType
        }
        var index = max(searched, 1)
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
        // The type and the CR aren't counted.
        guard index - 2 <= limits.line else { throw .lineTooLong(limit: limits.line) }
        searched = index
        guard index < bytes.count else { return nil }
        guard index >= 2, bytes[index - 1] == UInt8(ascii: "\r") else { throw .malformedLine }
        return index
    }

    /// A length; nil where it is that of nothing.
    private func length(_ text: ByteBuffer) throws(RESPError) -> Int? {
        guard let length = Int(decimal: text.readableBytesUInt8Span), length >= -1 else { throw .malformedLength }
        return length < 0 ? nil : length
    }
}
