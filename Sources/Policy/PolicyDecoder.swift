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
        return request
    }

    /// Says whether the stream may end here, `buffer` being what is left of it.
    public func end(leaving buffer: ByteBuffer) throws(PolicyViolation) {
        if buffer.readableBytes > 0 { throw .endInsideRequest }
    }

    /// Reads line by line; returns the length of the request once its empty line is there.
    private mutating func scan(_ bytes: Span<UInt8>) throws(PolicyViolation) -> Int? {
        while true {
            let lineEnd = bytes.firstIndex(of: UInt8(ascii: "\n"), from: searched)
            guard lineEnd - lineStart <= limits.line else { throw .lineTooLong(limit: limits.line) }
            guard lineEnd < limits.request else { throw .requestTooLong(limit: limits.request) }
            searched = lineEnd
            guard lineEnd < bytes.count else { return nil }
            let start = lineStart
            let end = lineEnd > start && bytes[lineEnd - 1] == UInt8(ascii: "\r") ? lineEnd - 1 : lineEnd
            searched = lineEnd + 1
            lineStart = searched
            if start == end {
                try checkKind(of: bytes)
                return searched
            }
            try note(start..<end, of: bytes)
        }
    }

    /// Notes the place of the attribute that this line holds.
    private mutating func note(_ line: Range<Int>, of bytes: Span<UInt8>) throws(PolicyViolation) {
        attributes += 1
        guard attributes <= limits.attributes else { throw .tooManyAttributes(limit: limits.attributes) }
        let equals = bytes.firstIndex(of: UInt8(ascii: "="), from: line.lowerBound)
        guard equals < line.upperBound, equals > line.lowerBound else { throw .notAnAttribute }
        if let attribute = PolicyAttribute(name: bytes.extracting(line.lowerBound..<equals)) {
            let start = equals + 1
            places[attribute.rawValue] = .init(start: UInt16(start), count: UInt16(line.upperBound - start))
        }
    }

    /// A request of another kind can't be answered; one without a kind is for others to judge.
    private func checkKind(of bytes: Span<UInt8>) throws(PolicyViolation) {
        let kind = places[PolicyAttribute.request.rawValue].range
        guard kind.isEmpty || bytes.extracting(kind).equals("smtpd_access_policy") else { throw .unknownRequest }
    }
}

extension Span<UInt8> {
    /// The place of the first byte of that value at or after `start`, or the end.
    ///
    /// Eight bytes are looked at at a time: a byte is found where the word, less one in each byte, borrows (H. S. Warren,
    /// Hacker's Delight, section 6-1). All loads are checked against the bounds.
    @inline(__always)
    fileprivate func firstIndex(of byte: UInt8, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let pattern = ones &* UInt64(byte)
        let words = bytes
        var index = start
        while index <= count &- 8 {
            let word = unsafe UInt64(littleEndian: words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            let difference = word ^ pattern
            let found = (difference &- ones) & ~difference & (ones << 7)
            if found != 0 { return index &+ found.trailingZeroBitCount >> 3 }
            index &+= 8
        }
        while index < count, self[index] != byte { index &+= 1 }
        return index
    }
}
