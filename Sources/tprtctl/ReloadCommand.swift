import ArgumentParser
import Control

/// `tprtctl reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon reload its settings and whitelists, and wait for the result.",
        discussion: """
            Ends with status 65 where something is wrong with whitelists (the rest is in force), with 78 where something is \
            wrong with the settings (the former ones stay), and with 69 where no daemon answers.
            """)

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        try daemon.ask(ControlRequest("reload"))
    }
}
