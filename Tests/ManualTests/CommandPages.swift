/// Options and commands in mdoc.
extension CommandDump {
    /// The options and arguments, each with what it does.
    func optionList() -> [String] {
        Self.list(shownArguments)
    }

    /// Each command that does something, with its synopsis and options.
    func commandSections() -> [String] {
        // What every command has is said once, for the whole program.
        let common = Set((arguments ?? []).flatMap { $0.names ?? [] }.map(\.name))
        return leaves.flatMap { words, command in
            let arguments = command.shownArguments.filter { !$0.isNamed(common) }
            let words = words.joined(separator: " ")
            var lines = [".Ss \(commandName) \(words)", ".Nm \(commandName)", ".Cm \(words)"]
            lines += arguments.map(\.synopsis)
            for text in [command.abstract, command.discussion].compactMap({ $0 }) where !text.isEmpty {
                lines.append(".Pp")
                lines += Mdoc.paragraphs(text)
            }
            return lines + Self.list(arguments)
        }
    }

    private static func list(_ arguments: [Argument]) -> [String] {
        Mdoc.list(arguments.map { ($0.tag, $0.body) })
    }
}

extension CommandDump.Argument {
    fileprivate var tag: String {
        let value = kind == "flag" ? "" : " Ar \(Mdoc.argument(valueName))"
        let spellings = spellings.map { "Fl \($0)" }.joined(separator: " , ")
        return spellings.isEmpty ? String(value.dropFirst()) : spellings + value
    }

    fileprivate var synopsis: String {
        let name = spellings.first.map { "Fl \($0)" }
        let value = kind == "flag" ? nil : "Ar \(Mdoc.argument(valueName))"
        let whole = [name, value].compactMap { $0 }.joined(separator: " ") + (isRepeating ? " ..." : "")
        return isOptional ? ".Op \(whole)" : ".\(whole)"
    }

    fileprivate var body: [String] {
        Mdoc.paragraphs(abstract ?? "") + Mdoc.paragraphs(discussion ?? "")
    }

    /// The names as `Fl` takes them, short ones first.
    private var spellings: [String] {
        let names = names ?? []
        return names.filter { $0.kind == "short" }.map { Mdoc.argument($0.name) }
            + names.filter { $0.kind == "long" }.map { "\\-" + Mdoc.argument($0.name) }
    }
}
