import ArgumentParser
import Control
import FileCalls
import FileStorage
import FoundationEssentials
import JSONText
import Programs
import Settings
import WhitelistFiles

/// `tprtctl migrate`: from another greylister to this one.
struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Move this machine from another greylister to tprtd.",
        subcommands: [MigratePostgreyCommand.self, MigrateTPRTCommand.self])
}

/// What all migrations have.
struct MigrationOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write the configuration to this file.", valueName: "file"), completion: .file())
    var output = "/etc/tprt/tprt.conf"

    @Option(
        help: ArgumentHelp("Postfix' configuration directory; unless given, its own.", valueName: "directory"),
        completion: .directory)
    var postfix: String?

    func validate() throws {
        guard output.hasPrefix("/") else { throw ValidationError("--output: give an absolute path") }
    }

    @Flag(help: "Show all of it, and change nothing.")
    var dryRun = false

    @Flag(help: "Print the result as JSON.")
    var json = false
}

/// `tprtctl migrate postgrey`.
struct MigratePostgreyCommand: MainActorCommand {
    static let configuration = CommandConfiguration(
        commandName: "postgrey",
        abstract: "Take over postgrey's options, lists and database.",
        discussion: """
            It looks at /etc/default/postgrey, the lists in /etc/postgrey, the database in /var/lib/postgrey and Postfix' \
            configuration, says what it found, writes the configuration of tprtd with a comment on where each value comes \
            from, imports the database, and says what should change in main.cf and what is left to type. Postfix and \
            postgrey stay as they are; the former configuration is kept as FILE.before-migration.

            It may be run again: then the configuration stays, and what postgrey has learned meanwhile is imported.
            """)

    @OptionGroup var common: MigrationOptions

    @Option(
        help: ArgumentHelp(
            "The file that sets POSTGREY_OPTS and POSTGREY_TEXT; else /etc/default/postgrey.", valueName: "file"),
        completion: .file())
    var defaults: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "postgrey's command line, where it isn't in that file, as in --options \"--inet=10023 --delay=60\".",
            valueName: "options"))
    var options: String?

    @Flag(help: "Leave postgrey's database alone.")
    var noImport = false

    @MainActor func run() async throws(ProgramError) {
        try CrashBarrier.enter(what: "postgrey's database", work: "migration")
        let run = try MigrationRun(common)
        var migration = try PostgreyMigration(
            PostgreyMigration.Places(
                defaults: defaults, options: options, postfix: common.postfix, output: common.output),
            keeping: run.former
        ).migration()
        if noImport { migration.importing = nil }
        try await run.carryOut(migration)
    }
}

/// `tprtctl migrate tprt`.
struct MigrateTPRTCommand: MainActorCommand {
    static let configuration = CommandConfiguration(
        commandName: "tprt",
        abstract: "Take over a configuration of TPRT 0.9.3.",
        discussion: """
            It reads the configuration files of the original in their order, writes one for tprtd under systemd with a \
            comment on where each value comes from, and what relied on a default of the original's is said in full. \
            Databases and whitelists stay where they are, and the original can go on with them. It says what has to \
            change around them, in main.cf, and what is left to type.
            """)

    @OptionGroup var common: MigrationOptions

    @Argument(help: ArgumentHelp("The configuration files of TPRT 0.9.3.", valueName: "file"), completion: .file())
    var files: [String]

    @MainActor func run() async throws(ProgramError) {
        let run = try MigrationRun(common)
        try await run.carryOut(TPRTMigration(files, postfix: common.postfix).migration())
    }
}

/// One run of a migration: what was found is put into effect, as far as that is ours.
@MainActor
struct MigrationRun {
    private let options: MigrationOptions
    private let environment = ProcessInfo.processInfo.environment
    /// What the file sets that is to be written; nil where there is none.
    let former: LoadedConfiguration?

    init(_ options: MigrationOptions) throws(ProgramError) {
        self.options = options
        guard FileNames.exists(options.output) else {
            former = nil
            return
        }
        do throws(SettingErrors) {
            former = try SettingSources(files: [options.output]).load {
                try contents(of: $0, limit: ConfigurationFile.sizeLimit)
            }
        } catch {
            throw ProgramError(.configuration, ProgramError(error).messages + ["put that right, or move the file away"])
        }
    }

    /// Writes, reloads, imports, and says what came of it.
    ///
    /// A database that can't be read keeps it from changing anything; where only the import's end fails, the rest is said.
    func carryOut(_ migration: Migration) async throws(ProgramError) {
        let loaded = try migration.configuration.loaded(options.output)
        let rehearsal = try await rehearse(migration.importing, loaded)
        for warning in migration.warnings { note(warning) }
        var report = MigrationReport(migration: migration, path: options.output, outcome: try write(migration))
        if case .written = report.outcome { report.reload = reload(loaded.server.controlSocket) }
        report.summary = rehearsal
        var failure: ProgramError?
        if let words = migration.importing, !options.dryRun {
            do throws(ProgramError) {
                report.summary = try await importing(words, loaded)
            } catch {
                (report.summary, failure) = (nil, error)
            }
        }
        try say(options.json ? report.json.text : report.text)
        if let failure { throw failure }
    }

    /// Reads what is to be imported, and what would become of it.
    private func rehearse(
        _ words: [String]?, _ loaded: Configuration
    ) async throws(ProgramError) -> ImportSummary? {
        guard let words else { return nil }
        do throws(ProgramError) {
            return try await importing(words + ["--dry-run"], loaded)
        } catch {
            throw ProgramError(
                error.status, error.messages + ["nothing was changed: --no-import leaves postgrey's database alone"])
        }
    }

    private var formerName: String { "\(options.output).before-migration" }

    private func write(_ migration: Migration) throws(ProgramError) -> MigrationReport.Outcome {
        guard !FileNames.exists(formerName) else { return .kept(former: formerName) }
        guard !options.dryRun else { return .shown }
        let text = Array(migration.configuration.text(migration.title).utf8)
        let file = try FileReplacement(of: options.output)
        guard file.exists else {
            try file.replace(by: text)
            return .written(former: nil)
        }
        try file.keep(as: formerName)
        try file.replace(by: text)
        return .written(former: formerName)
    }

    /// Has a daemon that is running read the new configuration; what it says.
    private func reload(_ socket: String) -> [String] {
        let client = ControlClient(path: socket)
        guard !socket.isEmpty, (try? client.isAnswered()) == true else { return [] }
        do throws(ProgramError) {
            let reply = try client.ask(ControlRequest("reload"))
            return reply.messages + reply.warnings
        } catch {
            return error.messages
        }
    }

    private func importing(_ words: [String], _ loaded: Configuration) async throws(ProgramError) -> ImportSummary {
        let command: ImportCommand
        do {
            command = try ImportCommand.parse(words)
        } catch {
            throw ProgramError(commandLine: error)
        }
        let plan = try ImportPlan(command, loaded, state: StateDirectory(environment: environment))
        return try await ImportRun(plan, boot: .current(environment: environment)).run()
    }
}
