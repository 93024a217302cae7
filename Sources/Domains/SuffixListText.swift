import Bytes

/// Why a text isn't taken as the public suffix list.
public enum SuffixListError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no file, or it can't be read.
    case missing
    /// Nothing but blanks.
    case empty
    /// A web page, such as that of a proxy that wants a login.
    case html
    /// A line that is neither a comment nor a rule; its number, the first being 1.
    case malformed(line: Int)
    /// A mark of the format is missing, so the file is cut off, or is another list.
    case incomplete(mark: String)
    /// It has less than half as many rules as the list in use.
    case shrunk(to: Int, from: Int)
    /// libpsl can't load it.
    case notLoaded

    /// What is wrong, as the end of a sentence, and the remedy.
    public var description: String {
        let remedy = "install Debian's package publicsuffix again"
        return switch self {
        case .missing: "file is missing or can't be read (install Debian's package publicsuffix)"
        case .empty: "file is empty (\(remedy))"
        case .html: "file is HTML, not a list of suffixes (\(remedy))"
        case .malformed(let line): "line \(line) is not a rule (\(remedy))"
        case .incomplete(let mark): "the mark \(mark) is missing, so the file is incomplete (\(remedy))"
        case .shrunk(let count, let former):
            "it has \(count) rules, and the list in use has \(former): more than half are gone"
        case .notLoaded: "libpsl can't load it (\(remedy))"
        }
    }
}

/// The text of the public suffix list, before libpsl gets it: libpsl takes any file, and makes rules of all lines.
enum SuffixListText {
    /// What every list has, in this order (https://github.com/publicsuffix/list/wiki/Format); the last one stands at its
    /// end, so a list without it was cut off.
    private static let marks = ["===BEGIN ICANN DOMAINS===", "===END PRIVATE DOMAINS==="]

    /// How many rules a list has.
    static func ruleCount(_ text: [UInt8]) throws(SuffixListError) -> Int {
        guard let first = text.firstIndex(where: { $0 > 0x20 }) else { throw .empty }
        // A byte order mark may stand before it.
        var start = text[first...].starts(with: [0xef, 0xbb, 0xbf]) ? first + 3 : first
        guard start < text.count else { throw .empty }
        let text = text.span
        guard text[start] != UInt8(ascii: "<") else { throw .html }
        var (rules, line, marks) = (0, 0, marks.map { Array($0.utf8) }[...])
        while start < text.count {
            line += 1
            let end = text.firstIndex(of: UInt8(ascii: "\n"), in: start..<text.count) ?? text.count
            let content = text.extracting(start..<end)
            if content.isComment {
                if let mark = marks.first, content.holds(mark.span) { marks.removeFirst() }
            } else if !content.isBlank {
                guard content.isRule else { throw .malformed(line: line) }
                rules += 1
            }
            start = end + 1
        }
        if let mark = marks.first { throw .incomplete(mark: String(decoding: mark, as: UTF8.self)) }
        return rules
    }
}

extension Span<UInt8> {
    fileprivate var isComment: Bool {
        count >= 2 && self[0] == UInt8(ascii: "/") && self[1] == UInt8(ascii: "/")
    }

    /// Whether a line is a rule: labels, with `*.` or `!` before them; what follows a blank is no part of it.
    fileprivate var isRule: Bool {
        var index = self[0] == UInt8(ascii: "!") ? 1 : 0
        while index + 1 < count, self[index] == UInt8(ascii: "*"), self[index + 1] == UInt8(ascii: ".") { index += 2 }
        let start = index
        while index < count, self[index] > 0x20 {
            guard self[index].isLetterOrDigit || self[index].isNamePunctuation || self[index] >= 0x80 else {
                return false
            }
            index += 1
        }
        return index > start
    }

    fileprivate var isBlank: Bool {
        for index in indices where self[index] > 0x20 { return false }
        return true
    }

    fileprivate func holds(_ other: Span<UInt8>) -> Bool {
        guard count >= other.count else { return false }
        for start in 0...count - other.count where extracting(start..<start + other.count).equals(other) { return true }
        return false
    }
}

extension UInt8 {
    /// Whether it is a dot, a hyphen or an underscore.
    @inline(__always)
    var isNamePunctuation: Bool {
        self == UInt8(ascii: ".") || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
    }
}
