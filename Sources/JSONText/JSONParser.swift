/// Reads JSON with the comforts of JSON5: comments, trailing commas, bare keys and single quotes.
///
/// Numbers must be finite, and nesting must not pass `depthLimit`.
package struct JSONParser {
    static let depthLimit = 64

    private var scanner: JSONScanner

    /// Reads a whole text.
    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONNode {
        var parser = try JSONParser(bytes)
        let node = try parser.value()
        try parser.end()
        return node
    }

    /// A parser before the first value of a text, which is then to be read piece by piece.
    package init(_ bytes: [UInt8]) throws(JSONError) {
        if let fault = faultOfEncoding(bytes) { throw fault }
        scanner = JSONScanner(bytes)
        try scanner.skipBlanks()
    }

    /// Whether an object begins here.
    package var isAtObject: Bool { scanner.current == UInt8(ascii: "{") }
    /// Whether a list begins here.
    package var isAtArray: Bool { scanner.current == UInt8(ascii: "[") }

    /// Reads the value that begins here.
    package mutating func value() throws(JSONError) -> JSONNode {
        try node(depth: 0)
    }

    /// Reads an object here, member by member: `body` is given each key with its line, and must read the value.
    package mutating func forEachMember(
        _ body: (inout JSONParser, _ key: String, _ line: Int) throws(JSONError) -> Void
    ) throws(JSONError) {
        scanner.advance()
        try scanner.skipBlanks()
        while scanner.current != UInt8(ascii: "}") {
            let line = scanner.line
            let key = try key()
            try body(&self, key, line)
            try separator(before: UInt8(ascii: "}"), "\",\" or \"}\"")
        }
        scanner.advance()
    }

    /// Reads a list here, element by element.
    ///
    /// - Parameter depth: how many values the list is inside of
    package mutating func forEachElement(
        depth: Int = 1, _ body: (JSONNode) throws(JSONError) -> Void
    ) throws(JSONError) {
        scanner.advance()
        try scanner.skipBlanks()
        while scanner.current != UInt8(ascii: "]") {
            try body(try node(depth: depth + 1))
            try separator(before: UInt8(ascii: "]"), "\",\" or \"]\"")
        }
        scanner.advance()
    }

    /// Where in the bytes it is.
    package var offset: Int { scanner.offset }

    /// Reads a list here, and returns the bytes that each element takes, without blanks and comments around it.
    ///
    /// - Parameter depth: how many values the list is inside of
    package mutating func elementRanges(depth: Int = 1) throws(JSONError) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        scanner.advance()
        try scanner.skipBlanks()
        while scanner.current != UInt8(ascii: "]") {
            let start = scanner.offset
            _ = try node(depth: depth + 1)
            ranges.append(start..<scanner.offset)
            try separator(before: UInt8(ascii: "]"), "\",\" or \"]\"")
        }
        scanner.advance()
        return ranges
    }

    /// Where the first byte is, from `offset` on, that belongs neither to a blank nor to a comment.
    package static func endOfBlanks(in bytes: [UInt8], from offset: Int) throws(JSONError) -> Int {
        var scanner = JSONScanner(bytes, offset: offset)
        try scanner.skipBlanks()
        return scanner.offset
    }

    /// Sees to it that nothing stands behind the value.
    package mutating func end() throws(JSONError) {
        try scanner.skipBlanks()
        guard scanner.atEnd else { throw scanner.unexpected("the end of the text") }
    }

    /// Moves over a key and its colon.
    private mutating func key() throws(JSONError) -> String {
        let key = try scanner.key()
        try scanner.skipBlanks()
        try scanner.expect(UInt8(ascii: ":"), "\":\" after the key")
        try scanner.skipBlanks()
        return key
    }

    private mutating func node(depth: Int) throws(JSONError) -> JSONNode {
        guard depth <= Self.depthLimit else {
            throw scanner.fault("nested deeper than \(Self.depthLimit) levels")
        }
        let (line, column) = (scanner.line, scanner.column)
        return JSONNode(line: line, column: column, content: try content(depth: depth))
    }

    private mutating func content(depth: Int) throws(JSONError) -> JSONNode.Content {
        switch scanner.current {
        case UInt8(ascii: "{"): return .object(try members(depth: depth))
        case UInt8(ascii: "["): return .array(try elements(depth: depth))
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .scalar(.string(try scanner.string()))
        case .some(let byte) where isNumberStart(byte): return .scalar(try scanner.number())
        default: return .scalar(try scanner.word())
        }
    }

    private mutating func members(depth: Int) throws(JSONError) -> [JSONMember] {
        var members: [JSONMember] = []
        try forEachMember { (parser, key, line) throws(JSONError) in
            members.append(JSONMember(key: key, line: line, node: try parser.node(depth: depth + 1)))
        }
        return members
    }

    private mutating func elements(depth: Int) throws(JSONError) -> [JSONNode] {
        var elements: [JSONNode] = []
        try forEachElement(depth: depth) { elements.append($0) }
        return elements
    }

    /// Moves over the comma after a member, or up to the bracket that closes.
    private mutating func separator(before closing: UInt8, _ expected: String) throws(JSONError) {
        try scanner.skipBlanks()
        if scanner.current == closing { return }
        try scanner.expect(UInt8(ascii: ","), expected)
        try scanner.skipBlanks()
    }
}

/// A fault where a text stops being UTF-8, if it does.
private func faultOfEncoding(_ bytes: [UInt8]) -> JSONError? {
    do throws(UTF8.ValidationError) {
        _ = try UTF8Span(validating: bytes.span)
        return nil
    } catch {
        var scanner = JSONScanner(bytes)
        while scanner.offset < error.byteOffsets.lowerBound { scanner.advance() }
        return scanner.fault("the text is not UTF-8")
    }
}

/// Why a text is not JSON, and where.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// The line, counted from 1.
    package var line: Int
    /// The character in that line, counted from 1.
    package var column: Int
    /// What is wrong there.
    package var message: String
    /// What would be right, if that can be said.
    package var remedy: String?

    /// A fault there.
    package init(line: Int, column: Int, message: String, remedy: String? = nil) {
        self.line = line
        self.column = column
        self.message = message
        self.remedy = remedy
    }

    /// What is wrong, with its column; the line belongs to the name of the file.
    package var description: String { "not JSON: \(message) at column \(column)" }
}
