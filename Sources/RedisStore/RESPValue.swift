package import NIOCore

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
    var text: ByteBuffer? {
        switch self {
        case .simple(let bytes), .bulk(let bytes): bytes
        case .error, .integer, .null, .array: nil
        }
    }

    /// A text as a String; for what is no request's.
    var string: String? { text.map { String(buffer: $0) } }

    /// The elements of an array.
    var elements: [RESPValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// A number, be it sent as one or as a text.
    var number: Int? {
        if case .integer(let number) = self { return number }
        return text.flatMap { Int(decimal: $0.readableBytesUInt8Span) }
    }
}

extension Int {
    /// The number that is written with an optional sign and at least one digit; nil where it is none or doesn't fit.
    init?(decimal text: Span<UInt8>) {
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
