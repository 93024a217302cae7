import ArgumentParser
import Programs
import WhitelistFiles

/// `tprtctl whitelist export`.
struct WhitelistExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the entries of whitelists as one JSON file.",
        discussion: """
            The same entries always give the same text, so that it can be compared and versioned. Lists of the same \
            name are joined. Where any entry is faulty, nothing is written, and the status is 65.
            """)

    @OptionGroup var selection: WhitelistSelection

    @Option(
        name: [.short, .long], help: ArgumentHelp("Write this file, whole or not at all.", valueName: "file"),
        completion: .file())
    var output: String?

    func run() throws {
        let text = try selection.lists().lists.text
        guard let output else { return try say(text, terminator: "") }
        try FileReplacement(of: output).replace(by: Array(text.utf8))
    }
}
