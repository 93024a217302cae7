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
