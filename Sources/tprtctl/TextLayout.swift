import JSONText

/// A text in lines of a bounded width, as mail and terminals have it.
struct FoldedText {
    /// How many columns a line may have.
    static let columns = 78

    /// The lines.
    let lines: [String]

    /// The text in lines that are no wider than `columns`; what is wider than a line is cut.
    ///
    /// - Parameters:
    ///   - lead: what stands before the first line; the others are indented by as much
    ///   - text: words between blanks
    init(_ text: String, lead: String = "", columns: Int = Self.columns) {
        let indentation = String(repeating: " ", count: lead.count)
        let room = max(4, columns - lead.count)
        var (lines, line): ([String], String) = ([], "")
        for word in text.split(separator: " ") {
            let word = word.count <= room ? String(word) : word.prefix(room - 3) + "..."
            if !line.isEmpty, line.count + 1 + word.count > room {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? word : " " + word
        }
        lines.append(line)
        self.lines = lines.enumerated().map { ($0 == 0 ? lead : indentation) + $1 }
    }

    /// The lines as one text.
    var text: String { lines.joined(separator: "\n") }
}

/// A table for people: texts to the left, numbers behind them to the right.
struct TextTable {
    let head: [String]
    let rows: [[String]]
    /// How many columns are texts.
    var texts = 1

    /// The lines, the head first.
    var lines: [String] {
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        return ([head] + rows).map { Self.line($0, widths: widths, texts: texts) }
    }

    /// The lines as one text.
    var text: String { lines.joined(separator: "\n") }

    /// One row, in columns of at least these widths.
    static func line(_ row: [String], widths: [Int], texts: Int) -> String {
        let cells = zip(row, widths).enumerated().map { column, cell in
            let padding = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
            if column >= texts { return padding + cell.0 }
            return column == row.count - 1 ? cell.0 : cell.0 + padding
        }
        return cells.joined(separator: "  ")
    }

    /// A text for a cell: what is missing is `-`, what has blanks in it is quoted, so that it can't pass for two cells, and
    /// what is very long is cut.
    static func cell(_ text: String, widest: Int = 48) -> String {
        if text.isEmpty { return "-" }
        let shown = text.contains(" ") ? quoted(text) : text
        return shown.count <= widest ? shown : shown.prefix(widest - 3) + "..."
    }
}
