import ArgumentParser
import FileStorage
import FoundationEssentials
import Import
import JSONText
import Programs
import Settings

/// `tprtctl import`.
struct ImportCommand: MainActorCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Import the entries of another greylister.",
        discussion: """
            postgrey: its directory (read by Debian's db5.3-util), or what db5.3_dump prints. sqlgrey: its SQLite file, or \
            its tables as text. greylistd: its directory, or its files states and triplets. gld, iredapd, cbpolicyd: their \
            tables as text, between tabs or as CSV. milter-greylist: its dump. spamdb: what spamdb prints. postgrey-log: \
            mail logs with postgrey's lines. A source named - is standard input.

            Everything is read once before anything is written: where a source is something else, or is damaged, the \
            status is 65 and nothing is imported. Lines that can't be entries are left out and counted, and so are \
            expired entries and those that pass by a whitelist.

            What the store has stays: where both know a sender, the earlier first attempt and the later use count. So an \
            import may be run again, and changes nothing the second time.

            A running tprtd gets the entries through its control socket, and answers mail meanwhile. Where none answers \
            there, and with --to, they go straight into the store.
            """)

    @Argument(
        help: ArgumentHelp("What it is from: \(Self.kinds.joined(separator: ", ")).", valueName: "kind"),
        completion: .list(Self.kinds),
        transform: { text in
            guard let kind = ImportKind(rawValue: text) else {
                let advice = nearest(to: text.lowercased(), among: Self.kinds).map { "did you mean \($0)?" }
                throw ValidationError(
                    "\(shortened(text)) is not a greylister (\(advice ?? "there are \(Self.kinds.joined(separator: ", "))"))"
                )
            }
            return kind
        })
    var kind: ImportKind

    @Argument(
        help: ArgumentHelp("Files, a directory, or - for standard input.", valueName: "source"), completion: .file())
    var sources: [String]

    @OptionGroup var settings: SettingFiles

    @Option(
        help: ArgumentHelp(
            "Import into this store, as if it were grey_db, and not through the daemon.", valueName: "url"))
    var to: String?

    @Option(
        help: ArgumentHelp("The control socket of the daemon; else server.control_socket.", valueName: "path"),
        completion: .file())
    var socket: String?

    @Option(
        help: ArgumentHelp(
            "After how many seconds the other greylister let mail pass; unless given, what is usual for it.",
            discussion: "postgrey and gld don't mark what has passed: it is what came again after that time.",
            valueName: "seconds"))
    var delay: Int64?

    @Option(help: ArgumentHelp("postgrey's --ipv4cidr.", valueName: "bits"))
    var ipv4cidr = 24

    @Option(help: ArgumentHelp("postgrey's --ipv6cidr.", valueName: "bits"))
    var ipv6cidr = 64

    @Option(
        help: ArgumentHelp(
            "Which table a text is, where neither its name nor its columns say it.", valueName: "name"))
    var sourceTable: String?

    @Option(
        help: ArgumentHelp(
            "The name that a heading has for a column of the greylister's table, as in src=client_address.",
            discussion: "It may be given for several columns.", valueName: "column=name"))
    var map: [String] = []

    @Option(
        help: ArgumentHelp(
            "Write the whitelist entries of the other greylister to this JSON file, which must not exist.",
            valueName: "file"), completion: .file())
    var whitelistFile: String?

    @Flag(help: "Read and count only; no store is touched.")
    var dryRun = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard (0...32).contains(ipv4cidr), (0...128).contains(ipv6cidr) else {
            throw ValidationError("--ipv4cidr is from 0 to 32, --ipv6cidr from 0 to 128")
        }
        guard delay.map({ $0 >= 0 }) ?? true else { throw ValidationError("--delay is a number of seconds, from 0") }
        _ = try columnNames()
        guard to == nil || socket == nil else {
            throw ValidationError("--to names a store, --socket a daemon: give one of them")
        }
    }

    /// What `--map` says, by the names in the heading.
    func columnNames() throws -> [String: String] {
        var names: [String: String] = [:]
        for text in map {
            let parts = text.lowercased().split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ValidationError(
                    "--map: \(shortened(text)) is not a column and a name, such as src=client_address")
            }
            guard kind.columns.contains(parts[0]) else {
                let known = kind.columns.isEmpty ? "it has no tables" : "it has \(kind.columns.joined(separator: ", "))"
                throw ValidationError("--map: \(shortened(parts[0])) is not a column of \(kind.rawValue) (\(known))")
            }
            guard names.updateValue(parts[0], forKey: parts[1]) == nil else {
                throw ValidationError("--map: two columns have the name \(shortened(parts[1]))")
            }
        }
        return names
    }

    private static var kinds: [String] { ImportKind.allCases.map(\.rawValue) }

    @MainActor func run() async throws(ProgramError) {
        let environment = ProcessInfo.processInfo.environment
        let loaded = try settings.load(environment: environment)
        let plan = try ImportPlan(self, loaded, state: StateDirectory(environment: environment))
        try CrashBarrier.enter(what: plan.name, work: "import")
        let run = ImportRun(plan, boot: .current(environment: environment))
        let report = try await run.run()
        try say(json ? report.json.text : report.text)
    }
}
