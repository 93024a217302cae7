import CRE2

/// A regular expression as a whitelist source spells it.
///
/// It is RE2's dialect: Perl's but for what can't be matched in linear time. Patterns and texts are compared byte by
/// byte and blind to case, so `.` and a character class stand for one byte of a character outside ASCII.
public struct TextPattern: Sendable, Hashable {
    /// Why a pattern can't be used.
    public struct PatternError: Error, Sendable, Hashable, CustomStringConvertible {
        /// One line for whoever wrote the pattern.
        public let description: String
    }

    /// The largest number of bytes a pattern may have.
    public static let maximumLength = 1_000

    /// The expression.
    public let text: String
    /// Whether it has to match at the start of a text rather than anywhere in it.
    public let isAnchored: Bool
    /// Whether it matches the empty text.
    ///
    /// Such a pattern matches every text more often than not: `x*` does, `^$` doesn't.
    public let matchesEmptyText: Bool
    /// Whether it is run on every text, since it holds no string of three bytes or more that a text must contain.
    public let isUnfiltered: Bool
    /// How many instructions its program has: the most steps, about, that a byte of a text may take.
    let size: Int

    /// Checks the expression.
    public init(_ text: String, isAnchored: Bool) throws(PatternError) {
        let length = text.utf8.count
        guard length <= Self.maximumLength else {
            throw PatternError(
                description: "the pattern has \(length) bytes; at most \(Self.maximumLength) are allowed")
        }
        guard let set = cre2_create() else { throw PatternError(description: "out of memory") }
        defer { cre2_delete(set) }
        switch set.add(text, isAnchored: isAnchored) {
        case .success(let id):
            matchesEmptyText = cre2_matches_empty(set, id)
            size = cre2_program_size(set, id)
        case .failure(let reason): throw PatternError(reason.text, of: text)
        }
        guard cre2_compile(set) else { throw PatternError(description: "out of memory") }
        isUnfiltered = cre2_unfiltered(set) > 0
        self.text = text
        self.isAnchored = isAnchored
    }
}

/// What RE2 says about a pattern it refuses.
struct RE2Reason: Error {
    let text: String
}

extension OpaquePointer {
    /// Adds an expression to the set this points to; the answer is its id there.
    func add(_ text: String, isAnchored: Bool) -> Result<Int32, RE2Reason> {
        // The reason quotes no more than the pattern.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: TextPattern.maximumLength + 100) { reason in
            var text = text
            let id = text.withUTF8 {
                cre2_add(self, $0.baseAddress, $0.count, isAnchored, reason.baseAddress, reason.count)
            }
            if id >= 0 { return .success(id) }
            let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return .failure(RE2Reason(text: String(decoding: bytes, as: UTF8.self)))
        }
    }
}

extension TextPattern.PatternError {
    /// A sentence made from RE2's reason, some of which say little to those who don't know RE2.
    init(_ reason: String, of pattern: String) {
        description = "\(Self.explanation(of: reason, for: pattern)) (RE2): \(Self.line(reason))"
    }

    private static func explanation(of reason: String, for pattern: String) -> String {
        let parts = reason.split(separator: ": ", maxSplits: 1)
        let quoted = parts.count == 2 ? parts[1] : ""
        switch parts.first {
        case "invalid escape sequence" where quoted.dropFirst().first?.isNumber == true || quoted == "\\k",
            "invalid perl operator" where quoted == "(?P" && pattern.contains("(?P="):
            return "back-references are not supported"
        case "invalid perl operator" where quoted == "(?=" || quoted == "(?!":
            return "look-ahead is not supported"
        case "invalid perl operator"
        where quoted == "(?<" && (pattern.contains("(?<=") || pattern.contains("(?<!")):
            return "look-behind is not supported"
        case "invalid perl operator", "invalid escape sequence":
            return "this is not supported"
        case "missing )", "unexpected )":
            return "the parentheses are not balanced"
        case "missing ]":
            return "a bracket is not closed"
        case "invalid repetition size", "pattern too large - compile failed":
            return "the pattern is too large"
        default:
            return "the pattern can't be read"
        }
    }

    /// The text on one line of bounded length.
    private static func line(_ text: String) -> String {
        let limit = 120
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(limit) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: line.append("?")
            default: line.append(scalar)
            }
        }
        return String(line) + (text.unicodeScalars.count > limit ? "..." : "")
    }
}
