import JSONText

/// One thing that is wrong with a configuration.
public struct SettingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Who said it.
    public var origin: Origin
    /// The setting it is about, if it is about one.
    public var key: String?
    /// What is wrong.
    public var message: String
    /// What would be right, if that can be said.
    public var remedy: String?

    /// An error about one setting, or about a source as a whole.
    public init(origin: Origin, key: String? = nil, message: String, remedy: String? = nil) {
        self.origin = origin
        self.key = key
        self.message = message
        self.remedy = remedy
    }

    /// One line, such as `/etc/tprt.conf:3: service.grey_dely: no such setting (did you mean service.grey_delay?)`.
    public var description: String {
        var parts = [origin.description]
        if let key, !origin.namesItsSetting { parts.append(named(key)) }
        parts.append(ValueError(message, remedy: remedy).description)
        return parts.joined(separator: ": ")
    }
}

/// Everything that is wrong with a configuration; never empty.
public struct SettingErrors: Error, Sendable, Equatable, CustomStringConvertible {
    /// The errors in the order in which they were met.
    public var errors: [SettingError]

    /// A collection of errors.
    public init(_ errors: [SettingError]) {
        self.errors = errors
    }

    /// One line for each error.
    public var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}

/// "did you mean X?" for a word that is nearly one of `candidates`, else nil.
func suggestion(for word: String, among candidates: [String]) -> String? {
    nearest(to: word, among: candidates).map { "did you mean \($0)?" }
}

/// The candidate that the fewest edits make of a word: at most three, and at most half of the candidate.
package func nearest(to word: String, among candidates: [String]) -> String? {
    let typed = Array(word.utf8)
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
        let other = Array(candidate.utf8)
        let limit = min(3, max(1, other.count / 2))
        guard abs(other.count - typed.count) <= limit else { continue }
        let distance = editDistance(typed, other)
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
}

/// How many insertions, removals and replacements turn one into the other (Levenshtein).
func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var row = Array(0...second.count)
    for (i, a) in first.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in second.enumerated() {
            let replaced = diagonal + (a == b ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
        }
    }
    return row[second.count]
}

/// What other greylisting programs call a setting of ours: people bring their names along.
///
/// From the manuals of postgrey, SQLgrey, milter-greylist, gld and Rspamd's module.
private enum ForeignNames {
    static let keys: [String: String] = [
        // postgrey
        "unix": "server.socket_path", "inet": "server.socket_listen_port", "dbdir": "service.grey_db",
        "max_age": "service.grey_max_age", "greylist_action": "service.grey_action",
        "greylist_text": "service.grey_text", "lookup_by_subnet": "service.ipv4_mask",
        "lookup_by_host": "service.ipv4_mask", "ipv4cidr": "service.ipv4_mask", "ipv6cidr": "service.ipv6_mask",
        "auto_whitelist_clients": "service.awl_client_count", "whitelist_clients": "service.wl_sources",
        "whitelist_recipients": "service.wl_sources", "x_greylist_header": "service.grey_smtp_header",
        "pidfile": "server.pid_file_path", "syslog_facility": "log.log_facility",
        "listen_queue_size": "server.listen_queue_size", "socketmode": "server.socket_mode", "verbose": "log.log_level",
        "quiet": "log.log_level",
        // SQLgrey
        "loglevel": "log.log_level", "reconnect_delay": "service.grey_delay",
        "max_connect_age": "service.grey_retry_window",
        "awl_age": "service.grey_max_age", "group_domain_level": "service.awl_client_count",
        "connect_src_throttle": "service.max_pending_per_network", "greymethod": "service.ipv4_mask",
        "prepend": "service.grey_smtp_header", "reject_first_attempt": "service.grey_action",
        "reject_early_reconnect": "service.grey_action", "reject_code": "service.grey_action",
        "clients_ip_whitelist": "service.wl_sources", "clients_fqdn_whitelist": "service.wl_sources",
        "db_host": "service.grey_db", "db_name": "service.grey_db", "db_type": "service.grey_db",
        "db_cleandelay": "service.maintenance_interval",
        // milter-greylist
        "greylist": "service.grey_delay", "timeout": "service.grey_retry_window", "autowhite": "service.grey_max_age",
        "subnetmatch": "service.ipv4_mask", "subnetmatch6": "service.ipv6_mask", "dumpfile": "service.grey_db",
        "socket": "server.socket_path", "report": "service.grey_smtp_header", "extendedregex": "service.allow_wl_regex",
        "dumpfreq": "service.sync_interval", "noauth": "service.greylist_authenticated", "acl": "service.wl_sources",
        "racl": "service.wl_sources",
        // gld
        "mingrey": "service.grey_delay", "lightgrey": "service.ipv4_mask", "bindip": "server.socket_listen_host",
        // Rspamd
        "expire": "service.grey_max_age", "greylist_min_score": "service.grey_delay", "message": "service.grey_text",
        "whitelisted_ip": "service.wl_sources", "servers": "service.grey_db",
        // Others
        "whitelist": "service.wl_sources", "whitelists": "service.wl_sources", "text": "service.grey_text",
        "header": "service.grey_smtp_header", "facility": "log.log_facility", "port": "server.socket_listen_port",
        "host": "server.socket_listen_host", "database": "service.grey_db", "db": "service.grey_db",
    ]
}

/// Which setting is meant by a name that isn't one; nil where that can't be told.
func meantSetting(by key: String) -> String? {
    let keys = Configuration.fields.map(\.key)
    let plain = String(key.lowercased().map { $0 == "-" ? "_" : $0 })
    if keys.contains(plain) { return plain }
    let name = plain.split(separator: ".").last.map(String.init) ?? plain
    if let same = Configuration.fields.first(where: { $0.name == name }) { return same.key }
    if let known = ForeignNames.keys[name], keys.contains(known) { return known }
    if let near = nearest(to: plain, among: keys) { return near }
    // delay is grey_delay, and retry_window grey_retry_window.
    let parts = Configuration.fields.filter { $0.name.hasSuffix("_\(name)") || $0.name.hasPrefix("\(name)_") }
    let own = parts.filter { plain.hasPrefix("\($0.section).") }
    return (own.isEmpty ? parts : own).min { $0.name.utf8.count < $1.name.utf8.count }?.key
        ?? nearest(to: name, among: Configuration.fields.map(\.name)).flatMap { near in
            Configuration.fields.first { $0.name == near }?.key
        }
}
