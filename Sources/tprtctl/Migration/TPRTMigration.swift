import FileCalls
import JSONText
import Programs
import Settings
import StoreURLs
import WhitelistFiles

/// What is found of a TPRT 0.9.3 on this machine.
struct TPRTMigration {
    private let files: [String]
    /// Postfix' configuration directory; nil for its own.
    private let postfix: String?

    /// - Parameter files: its configuration files, in their order
    init(_ files: [String], postfix: String?) {
        self.files = files
        self.postfix = postfix
    }

    /// The original's defaults that differ from ours, without those of `awl_db` and of what systemd sees to.
    private static let defaults: [(key: String, value: JSONValue)] = [
        ("server.socket_type", .string("unix")), ("server.socket_path", .string("/var/run/tprt/socket")),
        ("server.socket_listen_host", .string("localhost")),
        ("service.grey_db", .string("gdbm:///var/db/tprt/greylistdb")),
        ("service.wl_sources", .array([.string("file:///var/db/tprt/whitelist")])),
    ]
    private static let autoWhitelist = JSONValue.string("gdbm:///var/db/tprt/autowldb")

    /// What systemd sees to.
    private static let leftOut = [
        "server.daemonize", "server.user", "server.group", "server.chroot", "server.chroot_dir", "server.pid_file_path",
    ]

    func migration() throws(ProgramError) -> Migration {
        let loaded: LoadedConfiguration
        do throws(SettingErrors) {
            loaded = try SettingSources(files: files).load { try contents(of: $0, limit: ConfigurationFile.sizeLimit) }
        } catch {
            throw ProgramError(error)
        }
        var migration = Migration(from: "tprt")
        for file in files {
            let count = loaded.origins.values.count { if case .file(file, _) = $0 { true } else { false } }
            migration.findings.append(Migration.Finding(place: file, contents: counted(count, "setting", "settings")))
        }
        migration.configuration = configuration(of: loaded, &migration)
        let new = try migration.configuration.loaded("the new configuration")
        findFiles(new, &migration)
        migration.findUses(of: new.server, in: Postconf(directory: postfix))
        migration.steps.append(
            Migration.Step(
                reason: "then stop TPRT 0.9.3, and let tprtd take its place",
                lines: ["systemctl restart tprtd.socket tprtd.service"]))
        return migration
    }

    private func configuration(
        of loaded: LoadedConfiguration, _ migration: inout Migration
    ) -> MigratedConfiguration {
        var configuration = MigratedConfiguration(keeping: loaded)
        for key in Self.leftOut where configuration[key] != nil {
            configuration.remove(key)
            migration.warnings.append("\(loaded.origin(of: key)): \(key): left out: systemd sees to that")
        }
        // What a Python logging dictionary says has no equivalent; the rest of the log stays.
        for key in ["log.config", "log.log_type"] where Self.isPython(key, loaded) {
            configuration.remove(key)
            migration.warnings.append(
                "\(loaded.origin(of: key)): \(key): left out: a Python logging dictionary can't be used; the log goes to "
                    + "the journal")
        }
        for (key, value) in Self.defaults where configuration[key] == nil {
            configuration.set(key, value, "the default of 0.9.3")
        }
        if loaded.configuration.service.awlClientCount > 0, configuration["service.awl_db"] == nil {
            configuration.set("service.awl_db", Self.autoWhitelist, "the default of 0.9.3")
        }
        if configuration["server.control_socket"] == nil {
            configuration.set("server.control_socket", .string("/run/tprt/control.sock"), "where tprtctl finds tprtd")
        }
        return configuration
    }

    private static func isPython(_ key: String, _ loaded: LoadedConfiguration) -> Bool {
        guard loaded.origins[key] != nil else { return false }
        return key == "log.config" || loaded.configuration.log.logType == .fromConfig
    }

    // MARK: Files

    private static let stateDirectory = "/var/lib/tprt"

    private func findFiles(_ configuration: Configuration, _ migration: inout Migration) {
        let service = configuration.service
        var directories: [String] = []
        for url in [service.greyDb] + (service.awlClientCount > 0 ? [service.awlDb] : []) {
            guard let location = try? StoreLocation(url: url), let file = location.file,
                let directory = location.directory
            else { continue }
            let exists = FileNames.exists(file)
            migration.findings.append(Migration.Finding(place: file, contents: exists ? "a database" : "no database"))
            if !directories.contains(directory) { directories.append(directory) }
        }
        for directory in directories {
            migration.steps.append(
                Migration.Step(
                    reason: "the databases belong to root unless the original was told to daemonize: stop it, and give "
                        + "them to the user of tprtd",
                    lines: ["chown -R tprt:tprt \(directory)"]))
        }
        var written = directories
        if configuration.log.logType == .file, let end = configuration.log.logFile.lastIndex(of: "/") {
            written.append(String(configuration.log.logFile[..<end]))
        }
        let outside = written.filter { $0 != Self.stateDirectory && !$0.hasPrefix("\(Self.stateDirectory)/") }
        guard !outside.isEmpty else { return }
        migration.steps.append(
            Migration.Step(
                reason:
                    "tprtd.service may write to \(Self.stateDirectory) alone: with systemctl edit tprtd.service, let it",
                lines: ["[Service]"] + outside.map { "ReadWritePaths=\($0)" }))
    }
}
