/// Why a text is not JSON, and where.
struct JSONFault: Error, Equatable {
    var line: Int
    var column: Int
    var complaint: String
    var remedy: String?
}

/// A JSON text that was read.
struct JSONDocument: Equatable {
    var value: JSONValue
    /// The line of each key of the outer object and of the objects in it, by its path, such as `service.grey_delay`.
    var lines: [String: Int]
}

/// Reads JSON with the comforts of JSON5: comments, trailing commas, bare keys and single quotes.
///
/// Of a key that is given twice the last value stands. A list at the outside is taken with the lines of its first
/// element. Numbers must be finite, and nesting must not pass `depthLimit`.
struct JSONParser {
    static let depthLimit = 64

    private(set) var scanner: JSONScanner
    private var lines: [String: Int] = [:]

    private init(_ bytes: [UInt8]) {
        scanner = JSONScanner(bytes)
    }

    /// Reads a whole text.
    static func parse(_ bytes: [UInt8]) throws(JSONFault) -> JSONDocument {
        if let line = lineOfBrokenUTF8(bytes) {
            throw JSONFault(line: line, column: 1, complaint: "the text is not UTF-8")
        }
        var parser = JSONParser(bytes)
        try parser.scanner.skipBlanks()
        let value = try parser.value(path: "", depth: 0)
        try parser.scanner.skipBlanks()
        guard parser.scanner.atEnd else { throw parser.scanner.unexpected("the end of the text") }
        return JSONDocument(value: value, lines: parser.lines)
    }

    /// Reads one value; `path` leads to it, or is nil where lines are of no interest.
    private mutating func value(path: String?, depth: Int) throws(JSONFault) -> JSONValue {
        guard depth <= Self.depthLimit else {
            throw scanner.fault("nested deeper than \(Self.depthLimit) levels")
        }
        switch scanner.current {
        case UInt8(ascii: "{"): return try object(path: path, depth: depth)
        case UInt8(ascii: "["): return try array(path: path, depth: depth)
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try scanner.string())
        case .some(let byte) where isNumberStart(byte): return try scanner.number()
        default: return try scanner.word()
        }
    }

    private mutating func object(path: String?, depth: Int) throws(JSONFault) -> JSONValue {
        var members: [String: JSONValue] = [:]
        scanner.advance()
        try scanner.skipBlanks()
        while scanner.current != UInt8(ascii: "}") {
            let line = scanner.line
            let key = try scanner.key()
            var below: String?
            if let path {
                let whole = path.isEmpty ? key : "\(path).\(key)"
                lines[whole] = line
                below = path.isEmpty ? whole : nil
            }
            try scanner.skipBlanks()
            try scanner.expect(UInt8(ascii: ":"), "\":\" after the key")
            try scanner.skipBlanks()
            members[key] = try value(path: below, depth: depth + 1)
            try separator(before: UInt8(ascii: "}"), "\",\" or \"}\"")
        }
        scanner.advance()
        return .object(members)
    }

    private mutating func array(path: String?, depth: Int) throws(JSONFault) -> JSONValue {
        var elements: [JSONValue] = []
        scanner.advance()
        try scanner.skipBlanks()
        while scanner.current != UInt8(ascii: "]") {
            let isFirstOfOuter = elements.isEmpty && depth == 0
            elements.append(try value(path: isFirstOfOuter ? path : nil, depth: depth + 1))
            try separator(before: UInt8(ascii: "]"), "\",\" or \"]\"")
        }
        scanner.advance()
        return .array(elements)
    }

    /// Moves over the comma after a member, or up to the bracket that closes.
    private mutating func separator(before closing: UInt8, _ expected: String) throws(JSONFault) {
        try scanner.skipBlanks()
        if scanner.current == closing { return }
        try scanner.expect(UInt8(ascii: ","), expected)
        try scanner.skipBlanks()
    }
}

/// The line in which a text stops being UTF-8, if it does.
private func lineOfBrokenUTF8(_ bytes: [UInt8]) -> Int? {
    if String(validating: bytes, as: UTF8.self) != nil { return nil }
    var codec = UTF8()
    var iterator = bytes.makeIterator()
    var line = 1
    while case .scalarValue(let scalar) = codec.decode(&iterator) {
        if scalar == "\n" { line += 1 }
    }
    return line
}
