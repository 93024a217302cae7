import ArgumentParser
import Programs

/// The command line of `tprtctl`: a tree of commands.
struct Tprtctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Program.name,
        abstract: "Looks after what the greylisting policy server tprtd keeps.",
        version: "\(Program.name) \(Release.version)",
        subcommands: [ReloadCommand.self, StoreCommand.self, WhitelistCommand.self])
}
