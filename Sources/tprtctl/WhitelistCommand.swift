import ArgumentParser

/// `tprtctl whitelist`: looks into whitelists.
struct WhitelistCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whitelist", abstract: "Look into whitelists.",
        subcommands: [
            WhitelistCheckCommand.self, WhitelistTestCommand.self, WhitelistListCommand.self,
            WhitelistAcceptCommand.self,
        ])
}
