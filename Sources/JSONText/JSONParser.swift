/// Reads JSON with the comforts of JSON5: comments, trailing commas, bare keys and single quotes.
///
/// Numbers must be finite, and nesting must not pass `depthLimit`.
package struct JSONParser {
    static let depthLimit = 64

    private var scanner: JSONScanner

    /// Reads a whole text.
    package static func parse(_ bytes: [UInt8]) throws(JSONFault) -> JSONNode {
        if let fault = faultOfEncoding(bytes) { throw fault }
        var parser = JSONParser(scanner: JSONScanner(bytes))
        try parser.scanner.skipBlanks()
        let node = try parser.node(depth: 0)
        try parser.scanner.skipBlanks()
        guard parser.scanner.atEnd else { throw parser.scanner.unexpected("the end of the text") }
        return node
    }

    private mutating func node(depth: Int) throws(JSONFault) -> JSONNode {
        guard depth <= Self.depthLimit else {
            throw scanner.fault("nested deeper than \(Self.depthLimit) levels")
        }
        let (line, column) = (scanner.line, scanner.column)
        return JSONNode(line: line, column: column, content: try content(depth: depth))
    }

    private mutating func content(depth: Int) throws(JSONFault) -> JSONNode.Content {
        switch scanner.current {
        case UInt8(ascii: "{"): return .object(try members(depth: depth))
        case UInt8(ascii: "["): return .array(try elements(depth: depth))
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .scalar(.string(try scanner.string()))
        case .some(let byte) where isNumberStart(byte): return .scalar(try scanner.number())
        default: return .scalar(try scanner.word())
        }
    }

    private mutating func members(depth: Int) throws(JSONFault) -> [JSONMember] {
        var members: [JSONMember] = []
        scanner.advance()
        try scanner.skipBlanks()
        while scanner.current != UInt8(ascii: "}") {
            let line = scanner.line
            let key = try scanner.key()
            try scanner.skipBlanks()
            try scanner.expect(UInt8(ascii: ":"), "\":\" after the key")
            try scanner.skipBlanks()
            members.append(JSONMember(key: key, line: line, node: try node(depth: depth + 1)))
            try separator(before: UInt8(ascii: "}"), "\",\" or \"}\"")
        }
        scanner.advance()
        return members
    }

    private mutating func elements(depth: Int) throws(JSONFault) -> [JSONNode] {
        var elements: [JSONNode] = []
        scanner.advance()
        try scanner.skipBlanks()
        while scanner.current != UInt8(ascii: "]") {
            elements.append(try node(depth: depth + 1))
            try separator(before: UInt8(ascii: "]"), "\",\" or \"]\"")
        }
        scanner.advance()
        return elements
    }

    /// Moves over the comma after a member, or up to the bracket that closes.
    private mutating func separator(before closing: UInt8, _ expected: String) throws(JSONFault) {
        try scanner.skipBlanks()
        if scanner.current == closing { return }
        try scanner.expect(UInt8(ascii: ","), expected)
        try scanner.skipBlanks()
    }
}

/// A fault where a text stops being UTF-8, if it does.
private func faultOfEncoding(_ bytes: [UInt8]) -> JSONFault? {
    do throws(UTF8.ValidationError) {
        _ = try UTF8Span(validating: bytes.span)
        return nil
    } catch {
        var scanner = JSONScanner(bytes)
        while scanner.offset < error.byteOffsets.lowerBound { scanner.advance() }
        return scanner.fault("the text is not UTF-8")
    }
}
