import JSONText

/// The variables that a file of `/etc/default` sets: lines that a shell reads.
///
/// What only a shell could work out (`$NAME`, command substitution, conditions) is refused, not guessed at.
struct ShellVariables: Equatable {
    /// A value, and the line where it is set.
    struct Setting: Equatable {
        let value: String
        let line: Int
    }

    /// What can't be read, and where.
    struct ParseError: Error, Equatable {
        let line: Int
        let message: String
    }

    private(set) var settings: [String: Setting] = [:]

    /// Reads the text of a file.
    init(_ text: String) throws(ParseError) {
        var reader = Reader(text)
        while !reader.isAtEnd {
            let line = reader.line
            guard let word = try reader.word() else { continue }
            if word.text == "export", !word.isQuoted { continue }
            guard let equals = word.text.firstIndex(of: "="), Self.isName(word.text[..<equals]) else {
                throw ParseError(line: line, message: "\(shortened(word.text)) is not a setting such as NAME=\"value\"")
            }
            settings[String(word.text[..<equals])] = Setting(
                value: String(word.text[word.text.index(after: equals)...]), line: line)
        }
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(48...57).contains(first) else { return false }
        return text.utf8.allSatisfy { $0 == 95 || (48...57).contains($0) || (65...90).contains($0 & 0xdf) }
    }

    /// Takes words off a text, as a shell does.
    private struct Reader {
        private var rest: Substring
        private(set) var line = 1

        init(_ text: String) {
            rest = text[...]
        }

        var isAtEnd: Bool { rest.isEmpty }

        private mutating func next() -> Character? {
            guard let character = rest.popFirst() else { return nil }
            if character == "\n" { line += 1 }
            return character
        }

        /// The next word; nil at a break between words, or behind a comment.
        mutating func word() throws(ParseError) -> (text: String, isQuoted: Bool)? {
            var (text, hasBegun, isQuoted) = ("", false, false)
            while let character = rest.first {
                switch character {
                case " ", "\t", "\n", "\r", "\r\n", ";":
                    guard !hasBegun else { return (text, isQuoted) }
                    _ = next()
                    return nil
                case "#" where !hasBegun:
                    while let other = rest.first, other != "\n" { _ = other == rest.first ? next() : nil }
                    return nil
                case "'", "\"":
                    _ = next()
                    isQuoted = true
                    text += try quoted(by: character)
                case "\\":
                    _ = next()
                    guard let escaped = next() else {
                        throw ParseError(line: line, message: "it ends with a backslash")
                    }
                    if escaped != "\n" { text.append(escaped) }
                case "$", "`", "(", ")", "&", "|", "<", ">":
                    throw ParseError(
                        line: line,
                        message: "\(character) takes a shell to read: write the value out, or give --options")
                default:
                    _ = next()
                    text.append(character)
                }
                hasBegun = true
            }
            return hasBegun ? (text, isQuoted) : nil
        }

        private mutating func quoted(by quote: Character) throws(ParseError) -> String {
            let start = line
            var text = ""
            while let character = next() {
                switch character {
                case quote: return text
                case "\\" where quote == "\"":
                    guard let escaped = next() else { break }
                    if escaped == "\n" { continue }
                    if !["\"", "\\", "$", "`"].contains(escaped) { text.append("\\") }
                    text.append(escaped)
                case "$" where quote == "\"", "`" where quote == "\"":
                    throw ParseError(
                        line: line,
                        message: "\(character) takes a shell to read: write the value out, or give --options")
                default: text.append(character)
                }
            }
            throw ParseError(line: start, message: "the quotation mark has no other one")
        }
    }
}
