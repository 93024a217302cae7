import ArgumentParser
import Settings

@testable import DaemonApp
@testable import tprtctl

/// All our manual pages.
enum Pages {
    /// tprtd(8).
    static func daemon() throws -> ManualPage {
        let command = try CommandDump.read(TprtdArguments._dumpHelp())
        return ManualPage(name: "tprtd.8", parts: ["@OPTIONS@": command.optionList()])
    }

    /// tprtctl(1).
    static func tool() throws -> ManualPage {
        ManualPage(name: "tprtctl.1", parts: ["@COMMANDS@": try toolCommands().commandSections()])
    }

    /// tprt.conf(5).
    static func configuration() -> ManualPage {
        ManualPage(name: "tprt.conf.5", parts: ["@SETTINGS@": Configuration.settingSections()])
    }

    /// tprt-whitelist(5), which is written by hand.
    static let whitelist = ManualPage(name: "tprt-whitelist.5", parts: [:])

    static func generated() throws -> [ManualPage] { [try daemon(), try tool(), configuration()] }

    static func all() throws -> [ManualPage] { try generated() + [whitelist] }

    /// The commands of tprtctl.
    static func toolCommands() throws -> CommandDump { try CommandDump.read(Tprtctl._dumpHelp()) }
}
