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
    mutating func expect(_ byte: UInt8, _ what: String) throws(JSONFault) {
        guard current == byte else { throw unexpected(what) }
        advance()
    }

    /// Moves over blanks and comments.
    mutating func skipBlanks() throws(JSONFault) {
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

    private mutating func skipComment() throws(JSONFault) {
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
    func fault(_ complaint: String, remedy: String? = nil) -> JSONFault {
        JSONFault(line: line, column: column, complaint: complaint, remedy: remedy)
    }

    /// A fault at this place, where something else should stand.
    func unexpected(_ expected: String) -> JSONFault {
        fault("expected \(expected), found \(currentCharacter)")
    }

    private var currentCharacter: String {
        guard !atEnd else { return "the end of the text" }
        let rest = String(decoding: bytes[offset..<min(offset + 4, bytes.count)], as: UTF8.self)
        return rest.unicodeScalars.first.map { quoted(String($0)) } ?? "nothing"
    }
}

/// Whether a byte is an ASCII digit.
package func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

/// Whether a byte is an ASCII letter.
package func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}
