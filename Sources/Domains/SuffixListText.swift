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
        let start = text[first...].starts(with: [0xef, 0xbb, 0xbf]) ? first + 3 : first
        guard start < text.count else { throw .empty }
        guard text[start] != UInt8(ascii: "<") else { throw .html }
        var (rules, line, marks) = (0, 0, marks[...])
        for content in text[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            line += 1
            // What follows a blank is no part of a rule.
            let rule = content.prefix { $0 > 0x20 }
            if rule.starts(with: "//".utf8) {
                if let mark = marks.first, content.firstRange(of: Array(mark.utf8)) != nil { marks.removeFirst() }
            } else if !rule.isEmpty {
                guard isRule(rule) else { throw .malformed(line: line) }
                rules += 1
            }
        }
        if let mark = marks.first { throw .incomplete(mark: mark) }
        return rules
    }

    private static func isRule(_ text: ArraySlice<UInt8>) -> Bool {
        var labels = text.first == UInt8(ascii: "!") ? text.dropFirst() : text
        while labels.starts(with: "*.".utf8) { labels = labels.dropFirst(2) }
        return !labels.isEmpty && labels.allSatisfy { $0.isLetterOrDigit || $0.isNamePunctuation || $0 >= 0x80 }
    }
}

extension UInt8 {
    /// Whether it is a dot, a hyphen or an underscore.
    @inline(__always)
    var isNamePunctuation: Bool {
        self == UInt8(ascii: ".") || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
    }
}
