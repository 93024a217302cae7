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

/// One reply of a server, in RESP2.
///
/// Texts are slices of what was received, so a value that is kept for long keeps all that came with it: copy it then.
package enum RESPValue: Sendable, Equatable {
    case simple(ByteBuffer)
    case error(ByteBuffer)
    case integer(Int)
    case bulk(ByteBuffer)
    /// The null bulk string, or the null array.
    case null
    case array([RESPValue])
}

extension RESPValue {
    /// The bytes of a text, be it simple or bulk.
    package var text: ByteBuffer? {
        switch self {
        case .simple(let bytes), .bulk(let bytes): bytes
        case .error, .integer, .null, .array: nil
        }
    }

    /// A text as a String; for what is no request's.
    package var string: String? { text.map { String(buffer: $0) } }

    /// The elements of an array.
    package var elements: [RESPValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// A number, be it sent as one or as a text.
    package var number: Int? {
        if case .integer(let number) = self { return number }
        return text.flatMap { Int(decimal: $0.readableBytesUInt8Span) }
    }
}

extension Int {
    /// The number that is written with an optional sign and at least one digit; nil where it is none or doesn't fit.
    package init?(decimal text: Span<UInt8>) {
        var index = 0
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if isNegative || (text.count > 0 && text[0] == UInt8(ascii: "+")) { index = 1 }
        guard index < text.count else { return nil }
        var value = 0
        while index < text.count {
            let digit = Int(text[index]) - Int(UInt8(ascii: "0"))
            guard (0...9).contains(digit) else { return nil }
            let (shifted, overflows) = value.multipliedReportingOverflow(by: 10)
            // Towards the sign from the start, since the smallest number has no positive counterpart.
            let (sum, overflowsToo) = shifted.addingReportingOverflow(isNegative ? -digit : digit)
            guard !overflows, !overflowsToo else { return nil }
            value = sum
            index += 1
        }
        self = value
    }
}

/// What a reply may have at most.
///
/// A server that keeps to the protocol never comes near; what isn't Redis at all, or no longer in step, soon does.
struct RESPLimits: Sendable {
    /// Bytes of a line: a simple text, an error, a number.
    var line = 64 << 10
    /// Bytes of a bulk text.
    var bulk = 64 << 20
    /// Elements of an array.
    var elements = 1 << 20
    /// Arrays inside each other.
    var depth = 8
    /// Bytes of a whole reply.
    var reply = 128 << 20
}

/// Why what a server sends can't be read as RESP2.
///
/// Nothing behind it can be read either.
package enum RESPError: Error, Equatable, CustomStringConvertible {
    case unknownType
    case malformedLine
    case malformedNumber
    case malformedLength
    case bulkWithoutEnd
    case lineTooLong(limit: Int)
    case bulkTooLong(limit: Int)
    case tooManyElements(limit: Int)
    case tooDeep(limit: Int)
    case replyTooLong(limit: Int)

    package var description: String {
        switch self {
        case .unknownType: "a reply is of no known type"
        case .malformedLine: "a line of a reply doesn't end with CR and LF"
        case .malformedNumber: "a number in a reply is none"
        case .malformedLength: "a length in a reply is none"
        case .bulkWithoutEnd: "a text in a reply doesn't end where its length says"
        case .lineTooLong(let limit): "a line of a reply has more than \(limit) bytes"
        case .bulkTooLong(let limit): "a text in a reply has more than \(limit) bytes"
        case .tooManyElements(let limit): "an array in a reply has more than \(limit) elements"
        case .tooDeep(let limit): "a reply has more than \(limit) arrays inside each other"
        case .replyTooLong(let limit): "a reply has more than \(limit) bytes"
        }
    }
}
