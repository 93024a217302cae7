import FileCalls
import JSONText
import Programs
import Settings
import SystemPackage
import TrustedFiles
import WhitelistFiles
import Whitelists

/// What is found of a postgrey on this machine.
struct PostgreyMigration {
    /// Where it is looked for.
    struct Places {
        /// Debian's file with `POSTGREY_OPTS` and `POSTGREY_TEXT`; nil: where it is, or its copy.
        var defaults: String?
        /// postgrey's command line, where it isn't in that file.
        var options: String?
        /// The directory of its lists.
        var lists = "/etc/postgrey"
        /// Where the package tprt-postgrey keeps copies of the lists and of that file, which count once those are gone.
        var copies = "/etc/tprt/postgrey"
        /// Postfix' configuration directory; nil for its own.
        var postfix: String?
        /// Where the configuration goes.
        var output: String

        /// The directory of that.
        var directory: Substring { output[..<(output.lastIndex(of: "/") ?? output.startIndex)] }
    }

    private let places: Places
    private let former: LoadedConfiguration?

    /// - Parameter former: what the file sets now that is to be written; nil where there is none
    init(_ places: Places, keeping former: LoadedConfiguration?) {
        self.places = places
        self.former = former
    }

    /// The most bytes of the file of options.
    private static let sizeLimit = 1 << 16

    /// Looks at everything.
    func migration() throws(ProgramError) -> Migration {
        var migration = Migration(from: "postgrey")
        let (words, origin, textOrigin) = try commandLine(&migration)
        let settings: PostgreySettings
        do throws(PostgreyCommandLine.ParseError) {
            settings = try PostgreySettings(
                try PostgreyCommandLine(words),
                on: PostgreySettings.Host(
                    isRoot: false, text: nil, listDirectory: places.lists, copyDirectory: places.copies, database: nil,
                    controlSocket: nil, exists: { FileNames.exists($0) }))
        } catch {
            throw ProgramError(.dataError, "\(origin): \(error.message)")
        }
        migration.warnings += settings.warnings
        migration.configuration = try configuration(of: settings, from: origin, textOrigin)
        try readLists(&migration)
        findDatabase(of: settings, &migration)
        let loaded = try migration.configuration.loaded("the new configuration")
        migration.findUses(of: loaded.server, in: Postconf(directory: places.postfix))
        migration.steps = steps(loaded, settings)
        if migration.findings.contains(where: { $0.place.hasPrefix("\(places.lists)/") }) {
            migration.steps.append(listsStep)
        }
        return migration
    }

    /// postgrey's words, and where they and the text of its replies come from.
    private func commandLine(
        _ migration: inout Migration
    ) throws(ProgramError) -> (words: [String], origin: String, textOrigin: String?) {
        if let options = places.options {
            let words = options.split(whereSeparator: \.isWhitespace).map(String.init)
            migration.findings.append(Migration.Finding(place: "--options", contents: options))
            return (words, "--options", nil)
        }
        let path = defaultsPath
        let file = try defaults(path)
        guard let options = file.settings["POSTGREY_OPTS"] else {
            throw ProgramError(
                .noInput,
                "\(path): it doesn't set POSTGREY_OPTS: give postgrey's command line with --options")
        }
        let origin = "\(path):\(options.line)"
        migration.findings.append(Migration.Finding(place: origin, contents: "POSTGREY_OPTS: \(options.value)"))
        let words = options.value.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let text = file.settings["POSTGREY_TEXT"], !text.value.isEmpty else { return (words, origin, nil) }
        let textOrigin = "\(path):\(text.line)"
        migration.findings.append(Migration.Finding(place: textOrigin, contents: "POSTGREY_TEXT: \(text.value)"))
        // The init script puts it behind all other options, so that it counts.
        return (words + ["--greylist-text=\(text.value)"], origin, textOrigin)
    }

    /// The file of options that there is, else the one that should be.
    private var defaultsPath: String {
        let (usual, copy) = ("/etc/default/postgrey", "\(places.copies)/default")
        return places.defaults ?? (FileNames.exists(usual) || !FileNames.exists(copy) ? usual : copy)
    }

    private func defaults(_ path: String) throws(ProgramError) -> ShellVariables {
        let bytes: [UInt8]
        do throws(FileReadError) {
            bytes = try contents(of: path, limit: Self.sizeLimit)
        } catch {
            throw ProgramError(
                .noInput,
                "\(path): \(error): give postgrey's command line with --options, as in --options \"--inet=10023\""
            )
        }
        do throws(ShellVariables.ParseError) {
            return try ShellVariables(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ProgramError(.dataError, "\(path):\(error.line): \(error.message)")
        }
    }

    // MARK: Configuration

    /// What systemd sees to, and what another one's package has set already.
    private static let leftOut: Set = [
        "server.daemonize", "server.pid_file_path", "server.user", "server.group", "log.log_copy",
    ]
    /// What is a matter of words: it is taken over where postgrey was told so, not where it is postgrey's own.
    private static let words: Set = ["service.grey_action", "service.grey_text", "service.grey_smtp_header"]

    private func configuration(
        of settings: PostgreySettings, from place: String, _ textPlace: String?
    ) throws(ProgramError) -> MigratedConfiguration {
        let loaded: LoadedConfiguration
        do throws(SettingErrors) {
            loaded = try Configuration.load(flags: settings.assignments)
        } catch {
            throw ProgramError(.dataError, error.errors.map { "\(place): \($0)" })
        }
        var configuration = MigratedConfiguration(keeping: former)
        let kept = configuration["service.wl_sources"]
        for field in Configuration.fields where !Self.leftOut.contains(field.key) {
            guard case .flag(let name)? = loaded.origins[field.key] else { continue }
            let isGiven = name.hasPrefix("--")
            guard isGiven || !Self.words.contains(field.key) else { continue }
            configuration.set(
                field.key, field.spoken(in: loaded.configuration),
                isGiven ? "postgrey's \(name) (\(place))" : "postgrey's default")
        }
        if let textPlace, let text = configuration["service.grey_text"] {
            configuration.set("service.grey_text", text, "POSTGREY_TEXT (\(textPlace))")
        }
        if case .array(let before)? = kept, case .array(let lists)? = configuration["service.wl_sources"] {
            configuration.set(
                "service.wl_sources", .array(before.filter { !lists.contains($0) } + lists),
                "as before, and postgrey's lists")
        }
        return configuration
    }

    // MARK: Lists and database

    private func readLists(_ migration: inout Migration) throws(ProgramError) {
        guard case .array(let urls)? = migration.configuration["service.wl_sources"] else { return }
        var hasExpressions = false
        for case .string(let url) in urls where url.hasPrefix("postgrey-") {
            do throws(WhitelistError) {
                let source = try WhitelistSource(url) { (url) throws(WhitelistError) in
                    try RemoteWhitelists.source(at: url) { _ in }
                }
                for document in try source.documents() {
                    if document.isOptional, FileAccess.direct.status(document.path) == nil { continue }
                    let reading = try document.entries(SourceOptions(allowsPatterns: true))
                    let expressions = reading.entries.count { $0.hasPattern }
                    hasExpressions = hasExpressions || expressions > 0
                    let entries = counted(reading.entries.count, "entry", "entries")
                    migration.findings.append(
                        Migration.Finding(
                            place: document.path,
                            contents: expressions > 0 ? "\(entries), \(expressions) of them expressions" : entries))
                    migration.warnings += reading.messages
                }
            } catch {
                migration.warnings.append("\(error)")
            }
        }
        if hasExpressions {
            migration.configuration.set("service.allow_wl_regex", .bool(true), "postgrey's lists have expressions")
        } else if former?.configuration.service.allowWlRegex != true {
            migration.configuration.remove("service.allow_wl_regex")
        }
    }

    private func findDatabase(of settings: PostgreySettings, _ migration: inout Migration) {
        let directory = settings.databaseDirectory
        guard FileNames.exists("\(directory)/postgrey.db") else {
            migration.findings.append(Migration.Finding(place: directory, contents: "no database"))
            return
        }
        migration.findings.append(Migration.Finding(place: directory, contents: "postgrey's database"))
        migration.importing = settings.importWords
    }

    // MARK: What is left

    /// The lists are postgrey's, and go with it.
    private var listsStep: Migration.Step {
        let copy = "\(places.directory)/postgrey"
        return Migration.Step(
            reason: "before apt purge postgrey, which removes its lists",
            lines: [
                "cp -r \(places.lists) \(copy)", "sed -i 's,\(places.lists)/,\(copy)/,g' \(places.output)",
                "tprtctl reload",
            ])
    }

    private func steps(_ loaded: Configuration, _ settings: PostgreySettings) -> [Migration.Step] {
        var steps: [Migration.Step] = []
        let server = loaded.server
        let isInet = server.socketType == .inet
        let isUsual = ["localhost", "127.0.0.1"].contains(server.socketListenHost) && server.socketListenPort == 10_023
        if isInet, !isUsual {
            let host = server.socketListenHost.contains(":") ? "[\(server.socketListenHost)]" : server.socketListenHost
            steps.append(
                Migration.Step(
                    reason: "systemd listens for tprtd: with systemctl edit tprtd-inet.socket, tell it where",
                    lines: ["[Socket]", "ListenStream=", "ListenStream=\(host):\(server.socketListenPort)"]))
        }
        steps.append(
            Migration.Step(
                reason: "then let tprtd take postgrey's place; Postfix goes on meanwhile",
                lines: ["systemctl disable --now postgrey"] + (isInet ? ["systemctl enable tprtd-inet.socket"] : [])
                    + ["systemctl restart tprtd.socket tprtd.service"]))
        steps.append(
            Migration.Step(
                reason: "and once more, for what postgrey has learned meanwhile",
                lines: ["tprtctl \((["import"] + settings.importWords).joined(separator: " "))"]))
        steps.append(
            Migration.Step(
                reason: "the way back",
                lines: [
                    "systemctl disable --now tprtd.socket tprtd-inet.socket tprtd.service",
                    "systemctl enable --now postgrey",
                ]))
        return steps
    }
}
