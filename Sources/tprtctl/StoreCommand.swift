import ArgumentParser

/// `tprtctl store`: what is done with whole stores.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Work on stores as a whole.", subcommands: [CopyCommand.self])
}
