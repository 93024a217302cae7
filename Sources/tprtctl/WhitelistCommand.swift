import ArgumentParser

/// `tprtctl whitelist`: looks into whitelists, and changes them.
struct WhitelistCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whitelist", abstract: "Look into whitelists, and change them.",
        subcommands: [
            WhitelistCheckCommand.self, WhitelistTestCommand.self, WhitelistListCommand.self,
            WhitelistImportCommand.self, WhitelistExportCommand.self, WhitelistAddCommand.self,
            WhitelistRemoveCommand.self, WhitelistAcceptCommand.self,
        ])
}
