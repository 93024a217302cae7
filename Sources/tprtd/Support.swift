import Settings

/// Settings whose values this version can't honour.
///
/// To go on without would promise what isn't kept, so the start is refused.
enum Support {
    /// A sentence for each value that can't be honoured.
    static func refusals(_ loaded: LoadedConfiguration) -> [String] {
        let (log, server, service) = (
            loaded.configuration.log, loaded.configuration.server, loaded.configuration.service
        )
        let checks: [(isRefused: Bool, key: String, sentence: String)] = [
            (
                log.logType == .fromConfig, "log.log_type",
                "a Python logging dictionary can't be used: set log_type to stderr, and log_level"
            ),
            (
                log.config != Configuration.Log().config, "log.config",
                "a Python logging dictionary can't be used: set log_type and log_level instead"
            ),
            (
                ![.stderr, .none, .fromConfig].contains(log.logType), "log.log_type",
                "this version logs to stderr (or none): let systemd or a pipe carry the log on"
            ),
            (log.logFormat != .postgrey, "log.log_format", "this version writes one format: use postgrey"),
            (server.daemonize, "server.daemonize", "this version stays in the foreground: start it from systemd"),
            (server.chroot, "server.chroot", "this version has no chroot: use RootDirectory= of systemd"),
            (
                !server.user.isEmpty, "server.user",
                "this version doesn't change its user: start it as that user (User= of systemd)"
            ),
            (
                !server.group.isEmpty, "server.group",
                "this version doesn't change its group: start it with that group (Group= of systemd)"
            ),
            (!server.pidFilePath.isEmpty, "server.pid_file_path", "this version writes no PID file: leave it empty"),
            (service.mode != .enforce, "service.mode", "this version enforces only: use enforce"),
        ]
        return checks.filter(\.isRefused).map { check in
            "\(loaded.origin(of: check.key)): \(check.key): \(check.sentence)"
        }
    }
}
