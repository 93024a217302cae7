/// The language of our manual pages, mdoc(7).
enum Mdoc {
    /// A line of text that shows just as it is given.
    static func text(_ text: String) -> String {
        let line = escaped(text)
        return line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
    }

    /// Paragraphs, a line for each sentence; an empty line stands between two in `text`.
    static func paragraphs(_ text: String) -> [String] {
        text.split(separator: "\n\n").enumerated().flatMap { index, paragraph in
            let lines = paragraph.replacing(". ", with: ".\n").split(separator: "\n")
            return (index > 0 ? [".Pp"] : []) + lines.map { Mdoc.text(String($0)) }
        }
    }

    /// One argument of a macro; it may hold blanks.
    static func argument(_ text: String) -> String {
        let argument = escaped(text).split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\(dq")
        return argument.contains(" ") ? "\"\(argument)\"" : argument
    }

    /// A tagged list; nothing where it is empty.
    static func list(_ items: [(tag: String, body: [String])]) -> [String] {
        items.isEmpty ? [] : [".Bl -tag -width Ds"] + items.flatMap { [".It \($0.tag)"] + $0.body } + [".El"]
    }

    /// Without these, groff sets typographic characters, which can't be copied into a shell.
    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            default: result.append(character)
            }
        }
    }
}
