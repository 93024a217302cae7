import Bytes

/// A text with macros as a record has it, read (RFC 7208, section 7.1).
struct MacroString: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case literal(ArraySlice<UInt8>)
        case expansion(Expansion)
    }

    /// `%{d2r-}` and the like.
    struct Expansion: Sendable, Hashable {
        var letter: MacroLetter
        /// Whether it is written in upper case: the value is escaped as in a URL.
        var isEscaped: Bool
        /// How many parts are taken, counted from the right; nil for all.
        var count: Int?
        var isReversed: Bool
        /// What separates parts; empty for the dot.
        var delimiters: [UInt8]
    }

    let parts: [Part]

    /// The letters that stand in it.
    var letters: [MacroLetter] {
        parts.compactMap { part in
            guard case .expansion(let expansion) = part else { return nil }
            return expansion.letter
        }
    }
}

/// The letters that may stand for something in a record; `c`, `r` and `t` are for explanations only.
enum MacroLetter: Character, Sendable {
    case sender = "s"
    case localPart = "l"
    case senderDomain = "o"
    case domain = "d"
    case address = "i"
    case clientName = "p"
    case helo = "h"
    case family = "v"
}

extension MacroString {
    /// Reads a macro-string; nil where the syntax is wrong, or a byte isn't visible ASCII.
    init?(_ text: ArraySlice<UInt8>) {
        var parts: [Part] = []
        var rest = text
        while let first = rest.first {
            guard first == UInt8(ascii: "%") else {
                let literal = rest.prefix { $0 != UInt8(ascii: "%") }
                guard literal.allSatisfy({ $0.isPrintable && $0 != UInt8(ascii: " ") }) else { return nil }
                parts.append(.literal(literal))
                rest = rest[literal.endIndex...]
                continue
            }
            guard let (part, end) = Self.macro(rest) else { return nil }
            parts.append(part)
            rest = rest[end...]
        }
        self.parts = parts
    }

    /// Reads a domain-spec: a macro-string that ends with a macro, or with a dot and a label that may be the top one.
    init?(domain text: ArraySlice<UInt8>) {
        guard let string = MacroString(text), let last = string.parts.last else { return nil }
        if case .literal(var literal) = last, !Self.isEscapedByte(literal) {
            if literal.last == UInt8(ascii: ".") { literal.removeLast() }
            guard let dot = literal.lastIndex(of: UInt8(ascii: ".")),
                literal[(dot + 1)...].isTopLabel
            else { return nil }
        }
        self = string
    }

    /// Whether it came from `%%`, `%_` or `%-`: no other literal begins with a percent sign or a blank.
    private static func isEscapedByte(_ literal: ArraySlice<UInt8>) -> Bool {
        literal.first == UInt8(ascii: "%") || literal.first == UInt8(ascii: " ")
    }

    /// The macro at the beginning of `text`, and where it ends.
    private static func macro(_ text: ArraySlice<UInt8>) -> (Part, end: Int)? {
        guard let second = text.dropFirst().first else { return nil }
        let end = text.startIndex + 2
        switch second {
        case UInt8(ascii: "%"): return (.literal([UInt8(ascii: "%")]), end)
        case UInt8(ascii: "_"): return (.literal([UInt8(ascii: " ")]), end)
        case UInt8(ascii: "-"): return (.literal(ArraySlice("%20".utf8)), end)
        case UInt8(ascii: "{"):
            guard let close = text.firstIndex(of: UInt8(ascii: "}")),
                let expansion = Expansion(text[end..<close])
            else { return nil }
            return (.expansion(expansion), close + 1)
        default: return nil
        }
    }
}

extension MacroString.Expansion {
    /// Reads what stands between the braces.
    init?(_ text: ArraySlice<UInt8>) {
        guard let first = text.first, let letter = MacroLetter(rawValue: Character(Unicode.Scalar(first.lowercased)))
        else { return nil }
        self.letter = letter
        isEscaped = first != first.lowercased
        var rest = text.dropFirst()
        let digits = rest.prefix(while: \.isDigit)
        if !digits.isEmpty {
            // More parts than fit into a name are all of them.
            let number = digits.reduce(0) { min($0 * 10 + Int($1 - UInt8(ascii: "0")), 100_000) }
            guard number > 0 else { return nil }
            count = number
            rest = rest[digits.endIndex...]
        }
        isReversed = rest.first?.lowercased == UInt8(ascii: "r")
        if isReversed { rest = rest.dropFirst() }
        guard rest.allSatisfy({ ".-+,/_=".utf8.contains($0) }) else { return nil }
        delimiters = Array(rest)
    }
}

extension ArraySlice<UInt8> {
    /// Whether it is letters, digits and inner hyphens, with something among them that is no digit.
    fileprivate var isTopLabel: Bool {
        guard let first, let last, first.isLetterOrDigit, last.isLetterOrDigit else { return false }
        return allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") } && !allSatisfy(\.isDigit)
    }
}
