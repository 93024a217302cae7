import Bytes
public import NIOCore

/// Takes requests out of a stream, in whatever pieces it arrives.
///
/// It remembers how far it has read, so that every byte is looked at once, however small the pieces are.
///
/// Grammar: lines of `name=value`, each ended by LF (a CR before it is dropped), and an empty line. An empty line with
/// nothing before it is no request. Before the first attribute of a connection a few stray lines may stand.
public struct PolicyDecoder: Sendable {
    private let limits: PolicyLimits
    /// What was found of the request that is still incomplete; offsets count from its first byte.
    private var places = InlineArray<13, PolicyRequest.Place>(repeating: .init())
    private var attributes = 0
    private var lineStart = 0
    private var searched = 0
    /// How many bytes of empty lines came since the last request.
    private var emptyBytes = 0
    /// Whether no request has come yet.
    private var isAtBeginning = true
    /// How many lines that are no attributes were skipped before the first request.
    public private(set) var strayLines = 0

    /// A decoder at the beginning of a stream.
    public init(limits: PolicyLimits = PolicyLimits()) {
        self.limits = limits
    }

    /// The next complete request, taken off the front of `buffer`; nil when more bytes are needed.
    ///
    /// Between two calls `buffer` may only grow at its end. After an error the stream can't be read any further.
    public mutating func next(in buffer: inout ByteBuffer) throws(PolicyError) -> PolicyRequest? {
        while let length = try scan(buffer.readableBytesUInt8Span) {
            guard let bytes = buffer.readSlice(length: length) else {
                preconditionFailure("a request was found beyond the end of the buffer")
            }
            // Nothing was asked by a line that doesn't count.
            guard attributes > 0 else {
                (lineStart, searched) = (0, 0)
                continue
            }
            let request = PolicyRequest(bytes: bytes, places: places)
            beginNext()
            return request
        }
        return nil
    }

    private mutating func beginNext() {
        let skipped = strayLines
        self = PolicyDecoder(limits: limits)
        isAtBeginning = false
        strayLines = skipped
    }

    /// Says whether the stream may end here, `buffer` being what is left of it.
    public func end(leaving buffer: ByteBuffer) throws(PolicyError) {
        // Half of an empty line is as little as a whole one.
        guard buffer.readableBytes == 0 || attributes == 0 && buffer.readableBytesUInt8Span.equals("\r") else {
            throw .endInsideRequest
        }
        if isAtBeginning, strayLines > 0 { throw .notAnAttribute }
    }

    /// Reads line by line; returns the length of the request once its empty line is there, or, without an attribute, of a
    /// line that doesn't count.
    private mutating func scan(_ bytes: Span<UInt8>) throws(PolicyError) -> Int? {
        while searched < bytes.count {
            let block = searched
            var lineFeeds = bytes.lineFeeds(from: block)
            while lineFeeds != 0 {
                let lineEnd = block &+ lineFeeds.trailingZeroBitCount
                lineFeeds &= lineFeeds &- 1
                if try take(lineStart, lineEnd, of: bytes) { return lineEnd + 1 }
                lineStart = lineEnd &+ 1
            }
            searched = Swift.min(block + 64, bytes.count)
        }
        try checkLimits(lineEnd: bytes.count)
        return nil
    }

    /// Takes in the line up to its LF; true where a request ends with it, or where it doesn't count.
    @inline(__always)
    private mutating func take(_ start: Int, _ lineEnd: Int, of bytes: Span<UInt8>) throws(PolicyError) -> Bool {
        try checkLimits(lineEnd: lineEnd)
        let end = lineEnd > start && bytes[lineEnd - 1] == UInt8(ascii: "\r") ? lineEnd - 1 : lineEnd
        if start == end {
            if attributes == 0 { try skipEmptyLine(of: lineEnd + 1 - start) } else { try checkKind(of: bytes) }
            return true
        }
        try note(start..<end, of: bytes)
        return attributes == 0
    }

    private mutating func skipEmptyLine(of count: Int) throws(PolicyError) {
        // Lines, and then an empty one, without a single attribute: that is another protocol.
        if isAtBeginning, strayLines > 0 { throw .notAnAttribute }
        emptyBytes += count
        guard emptyBytes <= limits.emptyLines else { throw .tooManyEmptyLines(limit: limits.emptyLines) }
    }

    private mutating func skipStrayLine(_ line: Span<UInt8>) throws(PolicyError) {
        guard isAtBeginning, attributes == 0, strayLines < limits.strayLines, line.count <= limits.strayLine,
            line.isStrayLine
        else { throw .notAnAttribute }
        strayLines += 1
    }

    @inline(__always)
    private func checkLimits(lineEnd: Int) throws(PolicyError) {
        guard lineEnd - lineStart <= limits.line else { throw .lineTooLong(limit: limits.line) }
        guard lineEnd < limits.request else { throw .requestTooLong(limit: limits.request) }
    }

    /// Notes the place of the attribute that this line holds, or skips the line where it may be one that holds none.
    @inline(__always)
    private mutating func note(_ line: Range<Int>, of bytes: Span<UInt8>) throws(PolicyError) {
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "="), in: line) else {
            return try skipStrayLine(bytes.extracting(line))
        }
        guard equals > line.lowerBound else { throw .notAnAttribute }
        attributes += 1
        guard attributes <= limits.attributes else { throw .tooManyAttributes(limit: limits.attributes) }
        if let attribute = PolicyAttribute(name: bytes.extracting(line.lowerBound..<equals)) {
            let start = equals + 1
            places[attribute.rawValue] = .init(start: UInt16(start), count: UInt16(line.upperBound - start))
        }
    }

    /// A request of another kind can't be answered; one without a kind is for others to judge.
    private func checkKind(of bytes: Span<UInt8>) throws(PolicyError) {
        let kind = places[PolicyAttribute.request.rawValue].range
        guard kind.isEmpty || bytes.extracting(kind).equals("smtpd_access_policy") else { throw .unknownRequest }
    }
}

/// How large a request may be before it is taken for a broken or hostile client.
///
/// Postfix stays far below each.
public struct PolicyLimits: Sendable {
    /// The longest line in bytes, its line feed not counted.
    public var line: Int
    /// The most attributes in one request.
    public var attributes: Int
    /// The most bytes in one request, line ends counted.
    ///
    /// At most 65,536: places in a request are kept in 16 bits.
    public var request: Int
    /// How many lines that are no attributes may stand before the first attribute of a connection.
    public var strayLines: Int
    /// The longest of these lines in bytes.
    public var strayLine: Int
    /// The most bytes in empty lines between two requests.
    public var emptyLines: Int

    /// The limits of the daemon: 8 KiB a line, 200 attributes, 64 KiB a request; 4 stray lines of 128 bytes, 1 KiB of
    /// empty lines.
    public init(
        line: Int = 8 << 10, attributes: Int = 200, request: Int = 64 << 10, strayLines: Int = 4, strayLine: Int = 128,
        emptyLines: Int = 1 << 10
    ) {
        precondition(request <= 1 << 16, "a request is at most 65,536 bytes, its places are kept in 16 bits")
        self.line = line
        self.attributes = attributes
        self.request = request
        self.strayLines = strayLines
        self.strayLine = strayLine
        self.emptyLines = emptyLines
    }
}

/// Why a stream can't be read as requests of the policy protocol.
///
/// The only sound answer is to say nothing and close: Postfix then asks again on a new connection (SMTPD_POLICY_README,
/// "Simple policy client/server protocol").
public enum PolicyError: Error, Equatable, Sendable {
    case lineTooLong(limit: Int)
    case tooManyAttributes(limit: Int)
    case requestTooLong(limit: Int)
    case notAnAttribute
    case unknownRequest
    case endInsideRequest
    case tooManyEmptyLines(limit: Int)

    /// What is wrong, without its limit.
    public enum Kind: Int, Sendable, CaseIterable {
        case lineTooLong, tooManyAttributes, requestTooLong
        /// A line is no attribute: malformed, or another protocol, such as HTTP or SMTP.
        case notAnAttribute
        case unknownRequest, endInsideRequest, tooManyEmptyLines

        /// The kind in the form of a label.
        public var text: StaticString {
            switch self {
            case .lineTooLong: "line-too-long"
            case .tooManyAttributes: "too-many-attributes"
            case .requestTooLong: "request-too-long"
            case .notAnAttribute: "not-an-attribute"
            case .unknownRequest: "unknown-request"
            case .endInsideRequest: "end-inside-request"
            case .tooManyEmptyLines: "too-many-empty-lines"
            }
        }
    }

    /// The error without its limit.
    public var kind: Kind {
        switch self {
        case .lineTooLong: .lineTooLong
        case .tooManyAttributes: .tooManyAttributes
        case .requestTooLong: .requestTooLong
        case .notAnAttribute: .notAnAttribute
        case .unknownRequest: .unknownRequest
        case .endInsideRequest: .endInsideRequest
        case .tooManyEmptyLines: .tooManyEmptyLines
        }
    }
}

extension PolicyError: CustomStringConvertible {
    /// What is wrong, for the log, without a byte of the client's.
    public var description: String {
        switch self {
        case .lineTooLong(let limit): "a line is longer than \(limit) bytes"
        case .tooManyAttributes(let limit): "a request has more than \(limit) attributes"
        case .requestTooLong(let limit): "a request is longer than \(limit) bytes"
        case .notAnAttribute: "malformed attribute (expected name=value)"
        case .unknownRequest: "the request attribute is not smtpd_access_policy"
        case .endInsideRequest: "the connection ended inside a request"
        case .tooManyEmptyLines(let limit): "more than \(limit) bytes of empty lines stand between two requests"
        }
    }
}

/// Lines that may stand before the first attribute of a connection, and those that never may.
///
/// Monitoring plugins and hand-written scripts send such a line (`<<EOF`, `hello`) and expect their answer all the same.
/// What speaks another protocol is still to be closed at its first line: else a browser, or a mail client that somebody
/// led astray, could be made to ask.
extension Span<UInt8> {
    /// Whether the line is printable ASCII, and nothing that a client of HTTP or SMTP says.
    var isStrayLine: Bool {
        for index in indices where !self[index].isPrintable { return false }
        return !endsWithHTTPVersion && !beginsWithSMTPVerb
    }

    /// Whether it ends as the first line of an HTTP request does: `HTTP/`, a digit, a point, a digit.
    private var endsWithHTTPVersion: Bool {
        var end = count
        while end > 0, self[end - 1] == UInt8(ascii: " ") { end -= 1 }
        guard end >= 8 else { return false }
        let version = extracting(end - 8..<end)
        return version.extracting(0..<5).equals(lowercase: "http/") && version[5].isDigit
            && version[6] == UInt8(ascii: ".") && version[7].isDigit
    }

    /// Whether its first word is a command of SMTP, LMTP or one of their extensions.
    private var beginsWithSMTPVerb: Bool {
        var start = 0
        while start < count, self[start] == UInt8(ascii: " ") { start += 1 }
        var end = start
        while end < count, self[end].isLetterOrDigit { end += 1 }
        let word = extracting(start..<end)
        let verbs: [StaticString] = [
            "ehlo", "helo", "lhlo", "mail", "rcpt", "data", "bdat", "burl", "quit", "rset", "noop", "help", "vrfy",
            "expn",
            "etrn", "atrn", "turn", "auth", "send", "soml", "saml", "starttls", "xclient", "xforward", "xexch50",
        ]
        return verbs.contains { word.equals(lowercase: $0) }
    }
}
