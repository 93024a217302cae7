import Settings

/// Settings whose values this version can't honour.
///
/// To go on without would promise what isn't kept, so the start is refused.
enum Support {
    /// A sentence for each value that can't be honoured.
    static func refusals(_ loaded: LoadedConfiguration) -> [String] {
        let (log, server) = (loaded.configuration.log, loaded.configuration.server)
        let checks: [(isRefused: Bool, key: String, sentence: String)] = [
            (
                log.logType == .fromConfig, "log.log_type",
                "a Python logging dictionary can't be used: set log_type to stderr, file, syslog or journald, and log_level"
            ),
            (
                log.config != Configuration.Log().config, "log.config",
                "a Python logging dictionary can't be used: set log_type and log_level instead"
            ),
            (
                server.daemonize && [.stderr, .stdout].contains(log.logType), "server.daemonize",
                "in the background nobody reads \(log.logType.rawValue): set log_type to syslog, file, journald or none"
            ),
        ]
        return checks.filter(\.isRefused).map { check in
            "\(loaded.origin(of: check.key)): \(check.key): \(check.sentence)"
        }
    }
}
