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

    /// What is to be done; nil where it was no more than printing the version.
    func order(environment: [String: String]) -> DaemonOrder? {
        if version {
            print("\(Program.name) \(Release.version)")
            return nil
        }
        let action: DaemonOrder.Action = printConfig ? .print(printed) : checkConfig ? .check : .serve
        return DaemonOrder(action: action, sources: sources(environment: environment), allowsRoot: allowRoot)
    }

    /// What `--print-config` prints, as `--changed` and `--json` would have it.
    func printed(_ loaded: LoadedConfiguration) -> String {
        json ? loaded.printedJSON(onlyChanged: changed) : loaded.printed(onlyChanged: changed)
    }
}

/// The flags of all settings that have one, made from `Configuration.fields`.
///
/// ArgumentParser looks for options in the mirror of a value, so the mirror shows one for each such field.
struct SettingFlags: ParsableArguments, CustomReflectable {
    /// What the command line says, in the order of the fields.
    private(set) var assignments: [Assignment] = []

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        for field in Configuration.fields {
            guard let flag = field.flag else { continue }
            if let text = try container.decodeIfPresent(String.self, forKey: AnyKey(field.key)) {
                let origin = Origin.flag(name: "--\(flag.long)")
                assignments.append(Assignment(key: field.key, input: .text(text), origin: origin))
            }
        }
    }

    var customMirror: Mirror {
        let options = Configuration.fields.compactMap { field in
            field.flag.map { (label: Optional("_\(field.key)"), value: option(field, $0) as Any) }
        }
        return Mirror(self, children: options)
    }

    private func option(_ field: Field, _ flag: Field.Flag) -> Option<String?> {
        var names = [NameSpecification.Element.customLong(flag.long)]
        if let short = flag.short { names.insert(.customShort(short, allowingJoined: true), at: 0) }
        if let dashed = flag.dashed { names.append(.customLong(dashed)) }
        return Option(
            name: NameSpecification(names),
            help: ArgumentHelp(
                "\(field.summary) \(field.form)", discussion: field.discussion, valueName: valueName(of: field)),
            completion: field.choices.isEmpty ? .default : .list(field.choices))
    }

    private func valueName(of field: Field) -> String {
        field.choices.isEmpty ? String(field.typeName.map { $0 == " " ? "-" : $0 }) : "word"
    }
}

/// A coding key of any name.
private struct AnyKey: CodingKey {
    let stringValue: String

    init(_ name: String) {
        stringValue = name
    }

    init?(stringValue: String) {
        self.init(stringValue)
    }

    init?(intValue: Int) {
        nil
    }

    var intValue: Int? { nil }
}
