import JSONText

extension Configuration {
    /// A file that says nothing: every setting at its default, behind `//`, with its explanation.
    public static func exampleFile() -> String {
        var lines = [
            "// The configuration of tprtd: JSON, in which comments and trailing commas are allowed.",
            "// Every setting stands here at its default; take the // away to change it.",
            "{",
        ]
        for section in sections {
            lines.append("    \"\(section)\": {")
            let entries = fields.filter { $0.section == section }.map(exampleEntry)
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
