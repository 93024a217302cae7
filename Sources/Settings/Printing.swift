import JSONText

extension LoadedConfiguration {
    /// One line for each setting with its value and origin, passwords hidden.
    ///
    /// - Parameter onlyChanged: Whether to leave out the settings that are at their defaults.
    /// - Returns: Lines, each with its line break.
    public func printed(onlyChanged: Bool = false) -> String {
        let rows = chosenFields(onlyChanged).map { field in
            (key: field.key, value: shown(field), origin: origin(of: field.key).description)
        }
        let widthLimit = 40
        let keyWidth = rows.map(\.key.count).max() ?? 0
        let valueWidth = min(widthLimit, rows.map(\.value.count).max() ?? 0)
        return rows.map { row in
            "\(padded(row.key, keyWidth)) = \(padded(row.value, valueWidth))    # \(row.origin)\n"
        }.joined()
    }

    /// A file that says the same, as JSON.
    ///
    /// - Parameters:
    ///   - onlyChanged: Whether to leave out the settings that are at their defaults.
    ///   - revealingSecrets: Whether passwords are written out; a file in which they are hidden is refused.
    /// - Returns: The text of the file.
    public func printedJSON(onlyChanged: Bool = false, revealingSecrets: Bool = false) -> String {
        let fields = chosenFields(onlyChanged)
        let sections = Configuration.sections.compactMap { section -> String? in
            let lines = fields.filter { $0.section == section }.map { field in
                let value = field.json(in: configuration, revealingSecrets: revealingSecrets)
                return "    \(quoted(field.name)): \(value.text)"
            }
            return lines.isEmpty ? nil : "  \(quoted(section)): {\n\(lines.joined(separator: ",\n"))\n  }"
        }
        return sections.isEmpty ? "{}\n" : "{\n\(sections.joined(separator: ",\n"))\n}\n"
    }

    private func chosenFields(_ onlyChanged: Bool) -> [Field] {
        guard onlyChanged else { return Configuration.fields }
        let changed = Set(Configuration.changes(from: Configuration(), to: configuration).map(\.key))
        return Configuration.fields.filter { changed.contains($0.key) }
    }

    private func shown(_ field: Field) -> String {
        bareOrQuoted(field.text(in: configuration))
    }
}

private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

extension Configuration {
    /// A file that says nothing: every setting at its default, behind `//`, with its explanation; none that is refused.
    public static func exampleFile() -> String {
        var lines = [
            "// The configuration of tprtd: JSON, in which comments and trailing commas are allowed.",
            "// Every setting stands here at its default; take the // away to change it.",
            "{",
        ]
        for section in sections {
            lines.append("    \"\(section)\": {")
            let entries = fields.filter { $0.section == section && !$0.isRefused }.map(exampleEntry)
            lines.append(entries.joined(separator: "\n\n"))
            lines.append("    },")
        }
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func exampleEntry(_ field: Field) -> String {
        let defaults = Configuration()
        var lines = wrapped("\(field.summary) \(field.discussion)", to: 100)
        lines += wrapped(field.form, to: 100)
        return (lines.map { "// \($0)" } + ["//\"\(field.name)\": \(field.json(in: defaults).text),"])
            .map { "        \($0)" }.joined(separator: "\n")
    }
}

extension Field {
    /// The values it takes and its default.
    ///
    /// Such as `Takes: duration, 0s to 1d. Default: 5m.`
    public var form: String {
        let kind = choices.isEmpty ? typeName : choices.joined(separator: ", ")
        let values = allowed.isEmpty ? kind : "\(kind), \(allowed)"
        let initial = text(in: Configuration())
        return "Takes: \(values). Default: \(initial.isEmpty ? "empty" : initial)."
    }
}

/// The words of a text in lines of at most `width` characters, if the words allow it.
private func wrapped(_ text: String, to width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
        if let last = lines.last, last.count + 1 + word.count <= width {
            lines[lines.count - 1] = "\(last) \(word)"
        } else {
            lines.append(String(word))
        }
    }
    return lines
}
