public import NIOCore

/// Takes requests out of a stream, in whatever pieces it arrives.
///
/// It remembers how far it has read, so that every byte is looked at once, however small the pieces are.
///
/// Grammar: lines of `name=value`, each ended by LF (a CR before it is dropped), and an empty line.
public struct PolicyDecoder: Sendable {
    private let limits: PolicyLimits
    /// What was found of the request that is still incomplete; offsets count from its first byte.
    private var places = InlineArray<12, PolicyRequest.Place>(repeating: .init())
    private var attributes = 0
    private var lineStart = 0
    private var searched = 0

    /// A decoder at the beginning of a stream.
    public init(limits: PolicyLimits = PolicyLimits()) {
        self.limits = limits
    }

    /// The next complete request, taken off the front of `buffer`; nil when more bytes are needed.
    ///
    /// Between two calls `buffer` may only grow at its end. After an error the stream can't be read any further.
    public mutating func next(in buffer: inout ByteBuffer) throws(PolicyViolation) -> PolicyRequest? {
        guard let length = try scan(buffer.readableBytesUInt8Span) else { return nil }
        guard let bytes = buffer.readSlice(length: length) else {
            preconditionFailure("a request was found beyond the end of the buffer")
        }
        let request = PolicyRequest(bytes: bytes, places: places)
        self = PolicyDecoder(limits: limits)
        guard request.isEmpty(.request) || request.value(of: .request, is: "smtpd_access_policy") else {
            throw .unknownRequest
        }
        return request
    }

    /// Says whether the stream may end here, `buffer` being what is left of it.
    public func end(leaving buffer: ByteBuffer) throws(PolicyViolation) {
        if buffer.readableBytes > 0 { throw .endInsideRequest }
    }

    /// Reads line by line; returns the length of the request once its empty line is there.
    private mutating func scan(_ bytes: Span<UInt8>) throws(PolicyViolation) -> Int? {
        while true {
            let lineEnd = bytes.firstLineFeed(from: searched)
            guard lineEnd - lineStart <= limits.line else { throw .lineTooLong(limit: limits.line) }
            guard lineEnd < limits.request else { throw .requestTooLong(limit: limits.request) }
            searched = lineEnd
            guard lineEnd < bytes.count else { return nil }
            let start = lineStart
            let end = lineEnd > start && bytes[lineEnd - 1] == UInt8(ascii: "\r") ? lineEnd - 1 : lineEnd
            searched = lineEnd + 1
            lineStart = searched
            if start == end { return searched }
            try note(start..<end, of: bytes)
        }
    }

    /// Notes the place of the attribute that this line holds.
    private mutating func note(_ line: Range<Int>, of bytes: Span<UInt8>) throws(PolicyViolation) {
        attributes += 1
        guard attributes <= limits.attributes else { throw .tooManyAttributes(limit: limits.attributes) }
        var equals = line.lowerBound
        while equals < line.upperBound, bytes[equals] != UInt8(ascii: "=") { equals += 1 }
        guard equals < line.upperBound, equals > line.lowerBound else { throw .notAnAttribute }
        if let attribute = PolicyAttribute(name: bytes.extracting(line.lowerBound..<equals)) {
            let start = equals + 1
            places[attribute.rawValue] = .init(start: UInt16(start), count: UInt16(line.upperBound - start))
        }
    }
}

extension Span<UInt8> {
    /// The place of the first line feed at or after `start`, or the end.
    @inline(__always)
    fileprivate func firstLineFeed(from start: Int) -> Int {
        var index = start
        while index < count, self[index] != UInt8(ascii: "\n") { index += 1 }
        return index
    }
}
