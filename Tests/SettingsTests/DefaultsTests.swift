import Testing

@testable import Settings

@Suite("The defaults")
struct DefaultsTests {
    private static let defaults = [
        ("log.log_type", "stderr"), ("log.log_copy", "none"), ("log.log_level", "2"), ("log.log_file", ""),
        ("log.log_format", "postgrey"), ("log.log_addresses", "full"),
        ("log.log_facility", "mail"), ("log.log_ident", "tprtd"), ("log.log_syslog_dest", "/dev/log"),
        ("log.log_syslog_format", "rfc3164"), ("log.config", "{}"),
        ("server.socket_type", "inet"), ("server.socket_mode", "0660"), ("server.socket_group", ""),
        ("server.socket_path", "/var/run/tprt/socket"), ("server.socket_listen_host", "127.0.0.1"),
        ("server.socket_listen_port", "10023"), ("server.listen", "[]"), ("server.listen_queue_size", "1024"),
        ("server.reuse_socket", "true"), ("server.daemonize", "false"), ("server.chroot", "false"),
        ("server.chroot_dir", ""), ("server.user", ""), ("server.group", ""), ("server.pid_file_path", ""),
        ("server.request_deadline", "5s"), ("server.idle_timeout", "20m"), ("server.close_after_reply", "false"),
        ("server.max_connections", "2000"),
        ("server.threads", "1"), ("server.control_socket", ""), ("server.http_listen", ""),
        ("server.http_hosts", "[]"), ("server.http_allow_remote", "false"), ("service.mode", "enforce"),
        ("service.grey_hostname", ""),
        ("service.grey_delay", "5m"), ("service.grey_retry_window", "2d"), ("service.grey_max_age", "5w"),
        ("service.ipv4_mask", "24"), ("service.ipv6_mask", "48"), ("service.nat64_prefixes", "[]"),
        ("service.fold_recipient", "false"), ("service.grey_action", "DEFER_IF_PERMIT"),
        ("service.grey_text", "Greylisted, please retry in {wait} seconds"),
        ("service.grey_smtp_header", "X-Greylist: delayed {delay} seconds at {hostname}; {date}"),
        ("service.greylist_null_sender", "true"), ("service.greylist_authenticated", "false"),
        ("service.fast_lane", "all"), ("service.earn_days", "4"), ("service.earn_recipients", "2"),
        ("service.earn_users", "3"), ("service.max_identities", "500000"), ("service.learn", "true"),
        ("service.local_domains", "[]"), ("service.learn_per_user", "500"), ("service.learn_per_site", "50000"),
        ("service.identity", "spf"), ("service.identity_max_age", "90d"), ("service.learned_max_age", "90d"),
        ("service.public_suffix_list", "/usr/share/publicsuffix/public_suffix_list.dat"),
        ("service.shared_identities", "[]"),
        ("service.dns_servers", "[]"), ("service.dns_resolv_conf", "/etc/resolv.conf"),
        ("service.dns_budget", "1s"), ("service.dns_timeout", "5s"), ("service.message_consistency", "carry"),
        ("service.grey_db", "lmdb://{state_dir}/tprt.lmdb"), ("service.grey_db_maintenance_disable", "false"),
        ("service.hash_grey_db", "true"), ("service.privacy", "standard"),
        ("service.privacy_key", "{state_dir}/privacy.key"), ("service.postgrey_digests", ""),
        ("service.key_prefix", ""),
        ("service.awl_client_count", "0"),
        ("service.awl_by", "network"),
        ("service.awl_db", ""), ("service.awl_db_maintenance_disable", "false"),
        ("service.identity_db", ""),
        ("service.history_db", "{state_dir}/history.sqlite"), ("service.history_max_age", "2w"),
        ("service.history_max_size", "256MiB"), ("service.history_addresses", "full"),
        ("service.maintenance_interval", "1h"), ("service.durability", "commit"),
        ("service.sync_interval", "200ms"),
        ("service.on_store_error", "dunno"), ("service.store_deadline", "2s"), ("service.store_fallback", "none"),
        ("service.max_pending", "1000000"), ("service.max_pending_per_network", "5000"),
        ("service.on_max_pending", "dunno"),
        ("service.wl_sources", "[]"), ("service.allow_wl_regex", "false"), ("service.wl_watch", "true"),
        ("service.wl_redis_interval", "1m"),
    ]

    @Test("each default", arguments: defaults)
    func eachDefault(key: String, text: String) throws {
        let field = try #require(Configuration.field(key))
        #expect(field.text(in: Configuration()) == text)
    }

    @Test("the table above has them all")
    func all() {
        #expect(Set(Self.defaults.map(\.0)) == Set(Configuration.fields.map(\.key)))
    }

    @Test("the defaults do not contradict each other")
    func defaultsAreValid() {
        #expect(LoadedConfiguration().conflicts().isEmpty)
    }
}
