import ArgumentParser
import JSONText
import Programs
import Settings

/// What the words of a command line are, where ArgumentParser says little of it.
struct CommandWords {
    private let words: [String]

    init(_ words: [String]) {
        self.words = words
    }

    /// Whether the result is wanted as JSON; so are errors then.
    var wantJSON: Bool { words.prefix { $0 != "--" }.contains("--json") }

    /// What is wrong with a word that stands where a command should; nil where that is not the fault.
    var unknownCommand: ProgramError? {
        var commands = Tprtctl.configuration.subcommands
        var path = Program.name
        for word in words where !word.hasPrefix("-") {
            if commands.isEmpty { return nil }
            var names: [String] = []
            var found: [any ParsableCommand.Type]?
            for command in commands {
                let configuration = command.configuration
                guard let name = configuration.commandName else { continue }
                names.append(name)
                if name == word { found = configuration.subcommands }
            }
            guard let found else {
                guard word != "help" else { return nil }
                let advice = nearest(to: word.lowercased(), among: names).map { "did you mean \($0)?" }
                let remedy = advice ?? "there are \(names.joined(separator: ", "))"
                // A word may be a URL with a password in it.
                let shown = word.contains("://") ? "" : " \(shortened(word))"
                return ProgramError(.usage, "unknown command\(shown) (\(remedy); see \(path) --help)")
            }
            commands = found
            path += " \(word)"
        }
        return nil
    }
}
