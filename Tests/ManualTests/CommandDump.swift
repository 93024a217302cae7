import Foundation

/// What ArgumentParser knows of a command, as `--experimental-dump-help` says it.
struct CommandDump: Decodable {
    struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }

        let kind: String
        let names: [Name]?
        let valueName: String
        let abstract: String?
        let discussion: String?
        let isOptional: Bool
        let isRepeating: Bool
        let shouldDisplay: Bool

        func isNamed(_ names: Set<String>) -> Bool { (self.names ?? []).contains { names.contains($0.name) } }
    }

    private struct Tool: Decodable {
        let command: CommandDump
    }

    let commandName: String
    let abstract: String?
    let discussion: String?
    let arguments: [Argument]?
    let subcommands: [CommandDump]?

    /// The command that a dump describes.
    static func read(_ dump: String) throws -> CommandDump {
        try JSONDecoder().decode(Tool.self, from: Data(dump.utf8)).command
    }

    /// All that a manual shows: everything but the help.
    var shownArguments: [Argument] {
        (arguments ?? []).filter { $0.shouldDisplay && !$0.isNamed(["help"]) }
    }

    /// The commands below it that do something, each with the words that lead to it.
    var leaves: [(words: [String], command: CommandDump)] {
        let below = (subcommands ?? []).filter { $0.commandName != "help" }
        return below.flatMap { command in
            let leaves = command.leaves
            return leaves.isEmpty
                ? [([command.commandName], command)]
                : leaves.map { ([command.commandName] + $0.words, $0.command) }
        }
    }
}
