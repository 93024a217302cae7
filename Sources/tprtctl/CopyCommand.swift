import ArgumentParser
import FileStorage
import FoundationEssentials
import Greylist
import Programs
import Settings
import Storage
import StoreURLs
import TrustedFiles

/// `tprtctl store`: what is done with whole stores.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Work on stores as a whole.", subcommands: [CopyCommand.self])
}

/// `tprtctl store copy`.
struct CopyCommand: MainActorCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy the entries of one store into another.",
        discussion: """
            Stores are named by URLs as in grey_db: lmdb:///path, gdbm:///path, redis://host/0 and its relatives; \
            {state_dir} stands for the state directory.

            The source may be in use; the target mustn't, unless it is Redis. What the target has stays: where both know \
            a key, their entries are merged. So a copy may be run again, to fetch what came meanwhile. Expired entries \
            are left out.

            Afterwards the source is read once more, to see whether the target has everything: the status is 0 only if it \
            has. A damaged source is refused with status 65 before anything is copied; --salvage copies what can be read \
            of it.

            A copy that was interrupted goes on where it was when the same command is run again. From a Redis it begins \
            anew, at the cost of reading what is there already.

            All tables are copied where the source tells them apart: lmdb: does, and so does a Redis with a key prefix. \
            A GNU dbm file holds one table, and a Redis without a prefix has its entries unmarked: --table says what \
            they are. Where such a Redis has several tables, copy once as each.

            Of a digest no other one can be made: keys that are hashed stay so. A tprtd with privacy keyed looks them up, \
            too.
            """)

    @Argument(help: ArgumentHelp("The store to read.", valueName: "from-url"))
    var from: String

    @Argument(help: ArgumentHelp("The store to add to.", valueName: "to-url"))
    var to: String

    @OptionGroup var settings: SettingFiles

    @Option(
        help: ArgumentHelp(
            "Copy this table only.",
            discussion: "Of a source that doesn't tell its tables apart: what its entries are; greylist unless given.",
            valueName: "table"))
    var table: TableName?

    @Flag(help: "Hash the keys that are plain, under the key of the site where privacy is keyed.")
    var hashKeys = false

    @Option(help: ArgumentHelp("What keys begin with in a Redis to read; else key_prefix.", valueName: "prefix"))
    var fromKeyPrefix: String?

    @Option(help: ArgumentHelp("What keys begin with in a Redis to add to; else key_prefix.", valueName: "prefix"))
    var toKeyPrefix: String?

    @Flag(help: "Start from scratch, even if the same copy was interrupted before.")
    var fromStart = false

    @Flag(
        help: ArgumentHelp(
            "Copy what can be read of a damaged source.",
            discussion: "Without it nothing is copied from a file that is found damaged. With it the status is 65, too."
        ))
    var salvage = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    @Flag(help: "Read and count only; the store to add to isn't touched.")
    var dryRun = false

    @MainActor func run() async throws(ProgramError) {
        try CrashBarrier.enter(what: "\(CopyEndpoint.safe(from)) or \(CopyEndpoint.safe(to))")
        let environment = ProcessInfo.processInfo.environment
        let state = StateDirectory(environment: environment)
        let loaded = try settings.load(environment: environment)
        // As root, before it becomes whose the databases are.
        let keys = hashKeys ? try KeyScheme(hashing: loaded, in: state) : nil
        let plan = try CopyPlan(self, service: loaded.service, state: state, keys: keys)
        let run = CopyRun(
            plan, state: state,
            stateOf: { user in
                var theirs = environment
                theirs["XDG_STATE_HOME"] = nil
                theirs["HOME"] = user.home
                return StateDirectory(environment: theirs)
            }, boot: BootID.current(environment: environment), beginsAnew: fromStart)
        let report = try await run.run()
        try say(json ? report.json : report.text)
        if let flaw = report.flaw { throw ProgramError(.dataError, "\(flaw): the copy is not complete") }
    }
}

/// What the arguments of a copy mean; nothing is opened yet.
struct CopyPlan {
    let source: CopyEndpoint
    let target: CopyEndpoint
    let tables: [Table]
    let rules: Rules
    let ages: IdentityAges
    /// What plain keys become; nil: they stay.
    let keys: KeyScheme?
    let isDryRun: Bool
    /// Whether to copy what can be read of a damaged source.
    let isSalvaged: Bool
    /// What is taken for granted, a sentence each.
    let assumptions: [String]

    init(
        _ command: CopyCommand, service: Configuration.Service, state: StateDirectory, keys: KeyScheme?
    ) throws(ProgramError) {
        func endpoint(_ name: String, _ url: String, prefix: String?, option: String) throws(ProgramError)
            -> CopyEndpoint
        {
            let location: StoreLocation
            do throws(StoreURLError) {
                location = try StoreLocation(url: state.expand(url))
            } catch {
                throw ProgramError(.usage, "\(name): \(error)")
            }
            switch location {
            case .memory: throw ProgramError(.usage, "\(name): a memory: store ends with its process: name another one")
            case .redis: return CopyEndpoint(location: location, keyPrefix: prefix ?? service.keyPrefix)
            case .lmdb, .gdbm:
                guard prefix == nil else { throw ProgramError(.usage, "\(option): only a Redis has one: drop it") }
                return CopyEndpoint(location: location, keyPrefix: "")
            }
        }
        source = try endpoint("FROM-URL", command.from, prefix: command.fromKeyPrefix, option: "--from-key-prefix")
        target = try endpoint("TO-URL", command.to, prefix: command.toKeyPrefix, option: "--to-key-prefix")
        guard !source.isSame(as: target) else {
            throw ProgramError(.usage, "\(source) would be copied to itself: name two stores, or two key prefixes")
        }
        if let table = command.table {
            (tables, assumptions) = ([table.table], [])
        } else if !source.tellsTablesApart {
            tables = [.greylist]
            assumptions = ["\(source) doesn't say what its entries are: taken for the greylist (see --table)"]
        } else if case .gdbm = target.location {
            let choice = TableName.allCases.map { "--table \($0.rawValue)" }.joined(separator: " or ")
            throw ProgramError(.usage, "\(target) holds one table: say which with \(choice)")
        } else {
            (tables, assumptions) = (Table.allCases, [])
        }
        rules = Rules(service)
        ages = IdentityAges(service)
        self.keys = keys
        isDryRun = command.dryRun
        isSalvaged = command.salvage
    }
}

/// A table, as it is called in arguments and reports.
enum TableName: String, ExpressibleByArgument, CaseIterable {
    case greylist
    case autoWhitelist = "auto-whitelist"
    case identity

    init(_ table: Table) {
        switch table {
        case .greylist: self = .greylist
        case .autoWhitelist: self = .autoWhitelist
        case .identity: self = .identity
        }
    }

    var table: Table {
        switch self {
        case .greylist: .greylist
        case .autoWhitelist: .autoWhitelist
        case .identity: .identity
        }
    }
}

extension KeyScheme {
    /// How keys are hashed at the site with these settings.
    fileprivate init(hashing settings: Configuration, in state: StateDirectory) throws(ProgramError) {
        switch settings.service.privacy {
        case .standard: self = .hashed
        case .keyed: self.init(settings.service, try SiteKeyFile.keys(of: settings, in: state))
        }
    }
}
