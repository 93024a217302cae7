/// Text in quotes, as logfmt and JSON both read it.
///
/// What stands between the quotes is the escaped text of the postgrey format (`\xHH` for each byte that isn't printable
/// ASCII, and for the backslash), quoted as RFC 8259 has it: so every backslash is doubled, and the quotation mark has
/// one before it. Whoever reads JSON gets the escaped text, and turns each `\xHH` in it back into its byte.
extension [UInt8] {
    mutating func append(quoting text: Span<UInt8>) {
        append(UInt8(ascii: "\""))
        for index in 0..<text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "\"") {
                append(word: "\\\"")
            } else if byte.isPrintable, byte != UInt8(ascii: "\\") {
                append(byte)
            } else {
                append(UInt8(ascii: "\\"))
                append(escape: byte)
            }
        }
        append(UInt8(ascii: "\""))
    }
}

extension Span<UInt8> {
    /// Whether logfmt reads it as it is, without quotes.
    var isPlain: Bool {
        guard !isEmpty else { return false }
        for index in indices {
            switch self[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"): return false
            case let byte where !byte.isPrintable: return false
            default: continue
            }
        }
        return true
    }
}
