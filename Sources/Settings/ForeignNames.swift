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
        "privacy": "service.hash_grey_db", "pidfile": "server.pid_file_path", "syslog_facility": "log.log_facility",
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
