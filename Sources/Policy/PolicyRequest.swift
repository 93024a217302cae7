import NIOCore

/// One request as Postfix sent it: slices of the bytes that were read, no copies.
///
/// A value is any bytes but LF; nothing promises UTF-8. Where a name comes twice, the last one counts.
public struct PolicyRequest: Sendable {
    /// Where a value lies in `bytes`.
    ///
    /// No value begins at 0, since `name=` stands before it: 0 means absent.
    struct Place: Sendable {
        var start: UInt16 = 0
        var count: UInt16 = 0
    }

    var bytes: ByteBuffer
    var places: InlineArray<11, Place>

    /// Whether the attribute was sent, be it with an empty value.
    public func has(_ attribute: PolicyAttribute) -> Bool {
        places[attribute.rawValue].start != 0
    }

    /// Whether the attribute was left out or sent with an empty value: Postfix means the same by both.
    public func isEmpty(_ attribute: PolicyAttribute) -> Bool {
        places[attribute.rawValue].count == 0
    }

    /// Hands the bytes of the value to `body`; no bytes where the attribute is absent.
    @inline(__always)
    public func read<Result>(_ attribute: PolicyAttribute, _ body: (Span<UInt8>) -> Result) -> Result {
        let place = places[attribute.rawValue]
        let start = Int(place.start)
        return body(bytes.readableBytesUInt8Span.extracting(start..<start + Int(place.count)))
    }

    /// Whether the value is exactly these ASCII bytes.
    public func value(of attribute: PolicyAttribute, is text: StaticString) -> Bool {
        read(attribute) { $0.equals(text) }
    }
}
