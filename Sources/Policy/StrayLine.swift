/// Lines that may stand before the first attribute of a connection, and those that never may.
///
/// Monitoring plugins and hand-written scripts send such a line (`<<EOF`, `hello`) and expect their answer all the same.
/// What speaks another protocol is still to be closed at its first line: else a browser, or a mail client that somebody
/// led astray, could be made to ask.
extension Span<UInt8> {
    /// Whether the line is printable ASCII, and nothing that a client of HTTP or SMTP says.
    var isStrayLine: Bool {
        for index in indices where !(0x20...0x7e).contains(self[index]) { return false }
        return !endsWithHTTPVersion && !beginsWithSMTPVerb
    }

    /// Whether it ends as the first line of an HTTP request does: `HTTP/`, a digit, a point, a digit.
    private var endsWithHTTPVersion: Bool {
        var end = count
        while end > 0, self[end - 1] == UInt8(ascii: " ") { end -= 1 }
        guard end >= 8 else { return false }
        let version = extracting(end - 8..<end)
        return version.begins(with: "http/") && version[5].isDigit && version[6] == UInt8(ascii: ".")
            && version[7].isDigit
    }

    /// Whether its first word is a command of SMTP, LMTP or one of their extensions.
    private var beginsWithSMTPVerb: Bool {
        var start = 0
        while start < count, self[start] == UInt8(ascii: " ") { start += 1 }
        var end = start
        while end < count, self[end].isLetter || self[end].isDigit { end += 1 }
        let word = extracting(start..<end)
        let verbs: [StaticString] = [
            "ehlo", "helo", "lhlo", "mail", "rcpt", "data", "bdat", "burl", "quit", "rset", "noop", "help", "vrfy",
            "expn",
            "etrn", "atrn", "turn", "auth", "send", "soml", "saml", "starttls", "xclient", "xforward", "xexch50",
        ]
        return verbs.contains { $0.utf8CodeUnitCount == word.count && word.begins(with: $0) }
    }

    /// Whether it begins with these bytes, which have no upper-case letters; its own letters may be of either case.
    private func begins(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { index in
            let byte = self[index].isLetter ? self[index] | 0x20 : self[index]
            return byte == text.utf8Start[index]
        }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }
}
