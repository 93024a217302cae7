import ArgumentParser
import Programs
import Settings

/// The command line of `tprtd`.
struct TprtdArguments: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tprtd",
        abstract: "A greylisting policy server for Postfix.",
        discussion: """
            What is said later wins: the defaults, the files in their order, variables such as \
            TPRT_SERVICE_GREY_DELAY, the flags below, and then every -i.
            """)

    @Option(
        name: [.customShort("c", allowingJoined: true), .long],
        help: ArgumentHelp("Read a configuration file; may be given several times.", valueName: "file"),
        completion: .file())
    var configfile: [String] = []

    @Option(
        name: [.customShort("i"), .long],
        help: ArgumentHelp(
            "Give any setting a value; may be given several times.",
            discussion: "The type is one of bool, int, float and bytes; without it, the setting's own.",
            valueName: "section.key=[:type:]value"))
    var inject: [String] = []

    @Flag(name: .long, help: "Say what is wrong with the configuration, and stop.")
    var checkConfig = false

    @Flag(name: .long, help: "Print every setting with its value and where that comes from, and stop.")
    var printConfig = false

    @Flag(name: .long, help: "With --print-config: only what differs from the defaults.")
    var changed = false

    @Flag(name: .long, help: "With --print-config: as JSON, in the form of a configuration file.")
    var json = false

    @Flag(name: .long, help: "Let it run as root where no server.user is named.")
    var allowRoot = false

    @Flag(name: .shortAndLong, help: "Print the version, and stop.")
    var version = false

    @OptionGroup var flags: SettingFlags
}

extension TprtdArguments {
    /// Reads the files that were named, and builds the configuration from them, the environment and the flags.
    ///
    /// - Parameters:
    ///   - environment: All variables; only those that begin with `TPRT_` count.
    ///   - read: Reads a file as bytes.
    /// - Returns: The configuration with the origin of each value.
    /// - Throws: Every error there is; if files can't be read, only that.
    func load(
        environment: [String: String], read: (String) throws -> [UInt8]
    ) throws(SettingErrors) -> LoadedConfiguration {
        try sources(environment: environment).load(read: read)
    }

    /// What the settings are read from, at the start and at each reload.
    func sources(environment: [String: String]) -> SettingSources {
        SettingSources(
            files: configfile, environment: environment, flags: flags.assignments, injections: inject)
    }

    /// What `--print-config` prints, as `--changed` and `--json` would have it.
    func printed(_ loaded: LoadedConfiguration) -> String {
        json ? loaded.printedJSON(onlyChanged: changed) : loaded.printed(onlyChanged: changed)
    }
}
