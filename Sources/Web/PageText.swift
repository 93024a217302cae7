import JSONText

/// A text as it is shown: on one line, in which nothing is hidden, and with an end.
///
/// Characters that steer, hide or turn what follows are escaped. What was shown once is shown the same again.
func visible(_ text: String) -> String {
    var shown = printable(text)
    if shown.utf8.contains(UInt8(ascii: "\n")) {
        shown = shown.unicodeScalars.map { $0 == "\n" ? "\\u000a" : String($0) }.joined()
    }
    guard shown.utf8.count > PageHTML.longestText else { return shown }
    let scalars = shown.unicodeScalars
    guard scalars.count > PageHTML.longestText else { return shown }
    let kept = PageHTML.longestText - 40
    return "\(String(scalars.prefix(kept)))… and \((scalars.count - kept).grouped) more characters"
}

extension String {
    /// Its beginning and its end, as much as is shown of a long text.
    var cutInMiddle: String {
        let scalars = unicodeScalars
        let (head, tail) = (PageHTML.shortText * 5 / 8, PageHTML.shortText * 3 / 8 - 1)
        return "\(String(scalars.prefix(head)))…\(String(scalars.suffix(tail)))"
    }

    /// As a value in a URL's query.
    var percentEncoded: String {
        var result = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "!"), UInt8(ascii: "~"), UInt8(ascii: "*"), UInt8(ascii: "'"), UInt8(ascii: "("),
                UInt8(ascii: ")"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += byte < 16 ? "%0" : "%"
                result += String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}

extension PageCommand {
    /// A word as a shell takes it, without a character that could steer a terminal.
    ///
    /// What needs quotes stands in single ones; what has control or invisible characters in `$'…'`, as bash and zsh
    /// know it, since a terminal would obey them before the shell does.
    static func shellWord(_ word: String) -> String {
        if word.unicodeScalars.contains(where: breaksLine) {
            return "$'" + word.utf8.map(Self.escaped).joined() + "'"
        }
        if !word.isEmpty, word.utf8.allSatisfy(Self.isPlain) { return word }
        // By scalars: to a String, a quotation mark under an accent is another character, but not to a shell.
        return "'" + word.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
    }

    private static func escaped(_ byte: UInt8) -> String {
        if isPlain(byte) { return String(Unicode.Scalar(byte)) }
        return "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "@%+=:,./-_".utf8.contains(byte)
        }
    }
}
