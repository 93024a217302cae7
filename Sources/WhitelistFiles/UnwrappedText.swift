import Bytes
import JSONText

/// A name, address or network without what people put round it: quotes, angle brackets, a scheme, a port, a comment.
struct UnwrappedText {
    /// What is left.
    let text: String
    /// Whether anything but blanks was taken off.
    let isChanged: Bool

    /// More layers than anybody writes.
    private static let layers = 8

    init(_ original: String) {
        let trimmed = Self.trimmed(original[...])
        var (rest, text) = (trimmed, trimmed)
        for _ in 0..<Self.layers {
            rest = Self.trimmed(Self.withoutLayer(rest))
            if rest == text { break }
            text = rest
        }
        self.text = String(text)
        isChanged = text != trimmed
    }

    private static func withoutLayer(_ text: Substring) -> Substring {
        // Nearly all texts are plain.
        guard text.utf8.contains(where: { !$0.isPlain }) else { return text }
        let steps = [withoutComment, withoutQuotes, withoutAngles, withoutScheme, withoutBrackets, withoutPort]
        for step in steps {
            let rest = step(text)
            if rest != text { return rest }
        }
        return text
    }

    private static func withoutComment(_ text: Substring) -> Substring {
        for sign in [" #", "\t#", " //", "\t//", " ;", "\t;", " --", " /*"] {
            if let start = text.firstRange(of: sign)?.lowerBound { return text[..<start] }
        }
        guard let last = text.last, last == "," || last == ";" || last == "/" else { return text }
        // An expression ends as it begins.
        return last == "/" && text.first == "/" ? text : text.dropLast()
    }

    private static func withoutQuotes(_ text: Substring) -> Substring {
        for (open, close) in [("\"", "\""), ("'", "'"), ("`", "`"), ("`", "'"), ("\u{201c}", "\u{201d}")] {
            let isQuoted = text.count > 2 && text.hasPrefix(open) && text.hasSuffix(close)
            if isQuoted { return text.dropFirst().dropLast() }
        }
        return text
    }

    /// `<user@domain>`, also behind a name.
    private static func withoutAngles(_ text: Substring) -> Substring {
        if text.last == ">" {
            let start = text.lastIndex(of: "<").map { text.index(after: $0) } ?? text.startIndex
            return text[start...].dropLast()
        }
        return text.first == "<" ? text.dropFirst() : text
    }

    private static let schemes = [
        "mailto:", "smtp:", "lmtp:", "email:", "ip4:", "ip6:", "ipv4:", "ipv6:", "inet:", "cidr:", "host:", "domain:",
    ]

    private static func withoutScheme(_ text: Substring) -> Substring {
        if let end = text.firstRange(of: "://") {
            let name = text[..<end.lowerBound]
            guard !name.isEmpty, name.utf8.allSatisfy({ $0.isLetterOrDigit }) else { return text }
            let rest = text[end.upperBound...]
            return rest.prefix { $0 != "/" && $0 != "?" }
        }
        guard text.utf8.contains(UInt8(ascii: ":")) else { return text }
        let start = text.prefix(8).lowercased()
        return schemes.first { start.hasPrefix($0) }.map { text.dropFirst($0.count) } ?? text
    }

    /// `[192.0.2.1]`, and `[2001:db8::]/32` as Postfix' tables have it.
    private static func withoutBrackets(_ text: Substring) -> Substring {
        guard text.first == "[", let end = text.firstIndex(of: "]") else { return text }
        return text[text.index(after: text.startIndex)..<end] + text[text.index(after: end)...]
    }

    /// `mx.example.org:25`, `192.0.2.1:25`.
    private static func withoutPort(_ text: Substring) -> Substring {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, parts[1].utf8.allSatisfy(\.isDigit) else {
            return text
        }
        return parts[0]
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.unicodeScalars.first, first.isSpace { text.unicodeScalars.removeFirst() }
        while let last = text.unicodeScalars.last, last.isSpace { text.unicodeScalars.removeLast() }
        return text
    }
}

extension UInt8 {
    /// Whether names, addresses and networks consist of such bytes.
    fileprivate var isPlain: Bool {
        switch self {
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "@"): true
        default: isLetterOrDigit
        }
    }
}

extension Unicode.Scalar {
    /// Whether it is a blank, visible or not.
    fileprivate var isSpace: Bool {
        switch value {
        case 0...0x20, 0xa0, 0x200b...0x200f, 0x2028, 0x2029, 0x202a...0x202f, 0x2060, 0x2066...0x2069, 0x3000, 0xfeff:
            true
        default: false
        }
    }
}
