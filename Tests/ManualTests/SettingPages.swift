import Settings

/// Settings in mdoc.
extension Configuration {
    /// A section for each of the file's, with its settings in their order.
    static func settingSections() -> [String] {
        sections.flatMap { section in
            [".Ss \(section)"]
                + Mdoc.list(fields.filter { $0.section == section }.map { ("Cm \(Mdoc.argument($0.name))", $0.body) })
        }
    }
}

extension Field {
    fileprivate var body: [String] {
        var lines = Mdoc.paragraphs(summary) + Mdoc.paragraphs(discussion)
        lines += [".br"] + Mdoc.paragraphs(form)
        lines += [".br", "Variable", ".Ev \(Mdoc.argument(environmentName))"]
        if let flag { lines += ["and flag", ".Fl \\-\(Mdoc.argument(flag.long))"] }
        return lines + [mayReload ? "(reload)." : "(restart)."]
    }
}
