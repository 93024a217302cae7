import Bytes

/// A place in a JSON text, and the moves over what stands there.
struct JSONScanner {
    private let bytes: [UInt8]
    private(set) var offset = 0
    private(set) var line = 1
    private(set) var column = 1

    /// Begins at the start of `bytes`, which are UTF-8, after a byte order mark.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { offset = 3 }
    }

    /// Begins at a place in the middle; lines and columns are counted from there.
    init(_ bytes: [UInt8], offset: Int) {
        self.bytes = bytes
        self.offset = offset
    }

    var atEnd: Bool { offset >= bytes.count }

    var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    /// Moves over one byte.
    mutating func advance() {
        if current == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if let current, current & 0xc0 != 0x80 {  // All but the first byte of a character begin with 10.
            column += 1
        }
        offset += 1
    }

    /// Moves over the bytes that satisfy a condition, and returns them as text.
    mutating func take(while condition: (UInt8) -> Bool) -> String {
        let start = offset
        while let byte = current, condition(byte) { advance() }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    /// Moves over one given byte.
    mutating func expect(_ byte: UInt8, _ what: String) throws(JSONError) {
        guard current == byte else { throw unexpected(what) }
        advance()
    }

    /// Moves over blanks and comments.
    mutating func skipBlanks() throws(JSONError) {
        while let byte = current {
            switch byte {
            case 0x09...0x0d, 0x20: advance()
            case 0xc2 where follows(0xa0): skip(2)
            case UInt8(ascii: "/") where follows(UInt8(ascii: "/")):
                _ = take { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "/") where follows(UInt8(ascii: "*")): try skipComment()
            default: return
            }
        }
    }

    private mutating func skipComment() throws(JSONError) {
        let unclosed = fault("this comment has no end")
        skip(2)
        while !atEnd {
            if current == UInt8(ascii: "*"), follows(UInt8(ascii: "/")) { return skip(2) }
            advance()
        }
        throw unclosed
    }

    private mutating func skip(_ count: Int) {
        for _ in 0..<count { advance() }
    }

    private func follows(_ byte: UInt8) -> Bool {
        offset + 1 < bytes.count && bytes[offset + 1] == byte
    }

    /// A fault at this place.
    func fault(_ message: String, remedy: String? = nil) -> JSONError {
        JSONError(line: line, column: column, message: message, remedy: remedy)
    }

    /// A fault at this place, where something else should stand.
    func unexpected(_ expected: String) -> JSONError {
        fault("expected \(expected), found \(currentCharacter)")
    }

    private var currentCharacter: String {
        guard !atEnd else { return "the end of the text" }
        let rest = String(decoding: bytes[offset..<min(offset + 4, bytes.count)], as: UTF8.self)
        return rest.unicodeScalars.first.map { quoted(String($0)) } ?? "nothing"
    }
}

/// Whether a number may begin with a byte.
func isNumberStart(_ byte: UInt8) -> Bool {
    byte.isDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
}

private func isNameByte(_ byte: UInt8) -> Bool {
    byte.isLetterOrDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || byte >= 0x80
}

extension JSONScanner {
    /// Reads the key of a member: a string, or a bare word.
    mutating func key() throws(JSONError) -> String {
        switch current {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return try string()
        case .some(let byte) where isNameByte(byte) && !byte.isDigit: return take(while: isNameByte)
        default: throw unexpected("a key or \"}\"")
        }
    }

    /// Reads `true`, `false` or `null`.
    mutating func word() throws(JSONError) -> JSONValue {
        let start = self
        let word = take(while: isNameByte)
        switch word {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case "": throw start.unexpected("a value")
        case "NaN", "Infinity": throw start.fault("\(word) is not a finite number")
        default:
            let meant =
                switch word.lowercased() {
                case "yes", "on": "true"
                case "no", "off": "false"
                case "none", "nil": "null"
                case let word: ["true", "false", "null"].first { $0.hasPrefix(word) }
                }
            throw start.fault(
                "expected a value, found \(shortened(word))",
                remedy: meant.map { "did you mean \($0)?" } ?? "a text needs quotes")
        }
    }

    /// Reads a number: decimal, with or without fraction and exponent, or hexadecimal.
    mutating func number() throws(JSONError) -> JSONValue {
        let start = self
        let text = take { isNameByte($0) || isNumberStart($0) }
        let isNegative = text.hasPrefix("-")
        let body = isNegative || text.hasPrefix("+") ? String(text.dropFirst()) : text
        let bytes = Array(body.utf8)
        if bytes.count > 1, bytes[0] == UInt8(ascii: "0"), bytes[1].isDigit {
            throw start.fault("a number cannot begin with 0", remedy: "write \(quoted(text)) if a text is meant")
        }
        if body.lowercased().hasPrefix("0x") {
            let digits = body.dropFirst(2)
            if digits.utf8.allSatisfy({ $0.isLetterOrDigit }), let value = Int(digits, radix: 16) {
                return .int(isNegative ? -value : value)
            }
        } else if bytes.first.map({ $0.isDigit || $0 == UInt8(ascii: ".") }) == true {
            if bytes.allSatisfy(\.isDigit), let value = Int(text) { return .int(value) }
            if bytes.allSatisfy({ isNumberStart($0) || $0 | 0x20 == UInt8(ascii: "e") }),
                let value = Double(text), value.isFinite
            {
                return Int(exactly: value).map { .int($0) } ?? .double(value)
            }
        }
        throw start.fault("\(shortened(text)) is not a number", remedy: "a text needs quotes")
    }

    /// Reads a string in double or single quotes.
    mutating func string() throws(JSONError) -> String {
        let start = self
        let quote = current
        advance()
        var result = ""
        while current != quote {
            result += take { $0 != quote && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }
            switch current {
            case nil: throw start.fault("this text in quotes has no end")
            case UInt8(ascii: "\\"): try escape(into: &result)
            case quote: break
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                throw start.fault("a line ends inside this text", remedy: "is its closing quote missing?")
            default: throw unexpected("no control character inside a text")
            }
        }
        advance()
        return result
    }

    private mutating func escape(into result: inout String) throws(JSONError) {
        let start = self
        advance()
        guard let byte = current else { throw start.fault("the text ends after a \\") }
        switch byte {
        case UInt8(ascii: "b"): result += "\u{8}"
        case UInt8(ascii: "f"): result += "\u{c}"
        case UInt8(ascii: "n"): result += "\n"
        case UInt8(ascii: "r"): result += "\r"
        case UInt8(ascii: "t"): result += "\t"
        case UInt8(ascii: "v"): result += "\u{b}"
        case UInt8(ascii: "0"): result += "\0"
        case UInt8(ascii: "x"): return try hexadecimal(2, into: &result, from: start)
        case UInt8(ascii: "u"): return try hexadecimal(4, into: &result, from: start)
        case UInt8(ascii: "\r"):
            advance()
            if current == UInt8(ascii: "\n") { advance() }
            return
        case UInt8(ascii: "\n"): break
        case UInt8(ascii: "1")...UInt8(ascii: "9"): throw start.fault("\\ before a digit means nothing")
        case 0x80...: return  // The character itself follows.
        default: result.unicodeScalars.append(Unicode.Scalar(byte))
        }
        advance()
    }

    private mutating func hexadecimal(
        _ count: Int, into result: inout String, from start: JSONScanner
    ) throws(JSONError) {
        var code = try hexadecimalDigits(count, from: start)
        if (0xd800..<0xdc00).contains(code), current == UInt8(ascii: "\\") {
            advance()
            if current == UInt8(ascii: "u") {
                let low = try hexadecimalDigits(4, from: start)
                guard (0xdc00..<0xe000).contains(low) else { throw start.fault("unpaired surrogate in \\u escape") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
        }
        guard let scalar = Unicode.Scalar(code) else { throw start.fault("unpaired surrogate in \\u escape") }
        result.unicodeScalars.append(scalar)
    }

    private mutating func hexadecimalDigits(_ count: Int, from start: JSONScanner) throws(JSONError) -> UInt32 {
        advance()
        var digits = ""
        while digits.utf8.count < count, let byte = current, byte.isLetterOrDigit {
            digits.unicodeScalars.append(Unicode.Scalar(byte))
            advance()
        }
        guard digits.utf8.count == count, let code = UInt32(digits, radix: 16) else {
            throw start.fault("\(count) hexadecimal digits are missing in this escape")
        }
        return code
    }
}
