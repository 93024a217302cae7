import ArgumentParser
import Control

/// `tprtctl whitelist accept`.
struct WhitelistAcceptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept",
        abstract: "Have the daemon take whitelists as they are, though they have lost most of their entries.",
        discussion: """
            A source that has lost more than half of its entries keeps what it had, since that is more often a mistake than \
            meant. This reads all sources again and takes them as they are now.
            """)

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        try daemon.ask(ControlRequest("accept-whitelists"))
    }
}
