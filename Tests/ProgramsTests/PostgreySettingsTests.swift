import Settings
import Testing

@testable import Programs

@Suite("postgrey's options as settings")
struct PostgreySettingsTests {
    @Test("Debian's own command line means what postgrey does without more")
    func defaults() throws {
        let loaded = try Self.loaded("--pidfile=/run/postgrey.pid --daemonize --inet=10023")
        let (log, server, service) = (
            loaded.configuration.log, loaded.configuration.server, loaded.configuration.service
        )
        #expect(log.logType == .syslog && log.logFacility == .mail && log.logIdent == "postgrey")
        #expect(log.logCopy == .none && log.logLevel == 2 && log.logFormat == .postgrey)
        #expect(server.socketType == .inet && server.socketListenHost == "localhost")
        #expect(server.socketListenPort == 10_023 && server.user == "tprt" && server.daemonize)
        #expect(server.pidFilePath == "/run/postgrey.pid" && !server.closeAfterReply)
        #expect(service.greyDelay == .seconds(300) && service.greyMaxAge == .seconds(35 * 86_400))
        #expect(service.greyRetryWindow == .seconds(2 * 86_400))
        #expect(service.ipv4Mask == 24 && service.ipv6Mask == 64)
        #expect(service.awlClientCount == 5 && service.awlBy == .address && service.allowWlRegex)
        #expect(service.greyAction == "DEFER_IF_PERMIT")
        #expect(
            service.greyText == "Greylisted, see http://postgrey.schweikert.ch/help/{recipient_domain}.html")
        #expect(service.greySmtpHeader == "X-Greylist: delayed {delay} seconds by postgrey-1.37 at {hostname}; {date}")
        #expect(
            service.wlSources == [
                "postgrey-clients:///etc/postgrey/whitelist_clients",
                "postgrey-recipients:///etc/postgrey/whitelist_recipients",
            ])
        #expect(loaded.origin(of: "server.socket_listen_port").description == "--inet")
        #expect(loaded.origin(of: "service.awl_client_count").description == "tprt-postgrey")
    }

    @Test(
        "each option sets what it means",
        arguments: [
            ("--unix=/s", "server.socket_type", "unix"), ("--unix=/s", "server.socket_path", "/s"),
            ("--unix=/s", "server.socket_mode", "0666"), ("--unix=/s --socketmode=0600", "server.socket_mode", "0600"),
            ("--inet=192.0.2.1:25", "server.socket_listen_host", "192.0.2.1"),
            ("--inet=[::1]:25", "server.socket_listen_host", "::1"), ("--inet=*:25", "server.socket_listen_host", "::"),
            ("--inet=host:25 --unix=/s", "server.socket_type", "inet"),
            ("--inet=1 --delay=0", "service.grey_delay", "5m"),
            ("--inet=1 --delay=60", "service.grey_delay", "1m"), ("--inet=1 --max-age=7", "service.grey_max_age", "1w"),
            ("--inet=1 --retry-window=6h", "service.grey_retry_window", "6h"),
            ("--inet=1 --retry-window=3", "service.grey_retry_window", "3d"),
            ("--inet=1 --lookup-by-host", "service.ipv4_mask", "32"),
            ("--inet=1 --lookup-by-host --ipv6cidr=64", "service.ipv6_mask", "128"),
            ("--inet=1 --ipv4cidr=16", "service.ipv4_mask", "16"),
            ("--inet=1 --ipv6cidr=56", "service.ipv6_mask", "56"),
            ("--inet=1 --auto-whitelist-clients", "service.awl_client_count", "5"),
            ("--inet=1 --auto-whitelist-clients=0", "service.awl_client_count", "0"),
            ("--inet=1 --auto-whitelist-clients=9", "service.awl_client_count", "9"),
            ("--inet=1 --privacy", "service.hash_grey_db", "true"),
            ("--inet=1 --privacy", "service.postgrey_digests", "24/64"),
            ("--inet=1 --privacy --ipv4cidr=20", "service.postgrey_digests", "20/64"),
            ("--inet=1 --privacy --lookup-by-host", "service.postgrey_digests", "host"),
            ("--inet=1 --exim", "server.close_after_reply", "true"),
            ("--inet=1 -q", "log.log_level", "1"), ("--inet=1 -v", "log.log_level", "3"),
            ("--inet=1", "log.log_copy", "stdout"), ("--inet=1 --facility=LOCAL3", "log.log_facility", "local3"),
            ("--inet=1", "service.identity", "name"), ("--inet=1 --identity=off", "service.identity", "off"),
            ("--inet=1 --identity=SPF", "service.identity", "spf"),
            ("--inet=1 --hostname=mx.example", "service.grey_hostname", "mx.example"),
            ("--inet=1 --greylist-action=450", "service.grey_action", "450"),
            ("--inet=1 --greylist-text={%s}%r%x%", "service.grey_text", "{{{wait}}}{recipient_domain}%x%"),
            (
                "--inet=1 --x-greylist-header=X:%t,%v,%h,%d", "service.grey_smtp_header",
                "X:{delay},1.37,{hostname},{date}"
            ),
            ("--inet=1 --user=mail --group=news", "server.user", "mail"),
            ("--inet=1 --group=news", "server.group", "news"),
            ("--inet=1 --listen-queue-size=5", "server.listen_queue_size", "5"),
            (
                "--inet=1 --whitelist-clients=/a --whitelist-clients=/a.local", "service.wl_sources",
                #"["postgrey-clients:///a", "postgrey-recipients:///etc/postgrey/whitelist_recipients"]"#
            ),
        ])
    func options(_ words: String, _ key: String, _ text: String) throws {
        let loaded = try Self.loaded(words)
        let field = try #require(Configuration.field(key))
        #expect(field.text(in: loaded.configuration) == text)
    }

    @Test("Debian's POSTGREY_TEXT fills in for the option, and only for it")
    func text() throws {
        #expect(try Self.loaded("--inet=1", text: "Wait %s s").configuration.service.greyText == "Wait {wait} s")
        #expect(
            try Self.loaded("--inet=1 --greylist-text=No", text: "Wait").configuration.service.greyText == "No")
    }

    /// Which files there are, and the lists that are read because of it.
    struct Lists {
        var words = "--inet=1"
        let files: Set<String>
        let sources: [String]
    }

    @Test(
        "where a list of postgrey's is missing, its copy counts",
        arguments: [
            Lists(
                files: ["/etc/postgrey/whitelist_clients", "/etc/tprt/postgrey/whitelist_clients"],
                sources: [
                    "clients:///etc/postgrey/whitelist_clients", "recipients:///etc/postgrey/whitelist_recipients",
                ]),
            Lists(
                files: ["/etc/tprt/postgrey/whitelist_clients", "/etc/tprt/postgrey/whitelist_recipients"],
                sources: [
                    "clients:///etc/tprt/postgrey/whitelist_clients",
                    "recipients:///etc/tprt/postgrey/whitelist_recipients",
                ]),
            Lists(
                files: ["/etc/postgrey/whitelist_clients.local", "/etc/tprt/postgrey/whitelist_clients"],
                sources: [
                    "clients:///etc/tprt/postgrey/whitelist_clients",
                    "clients:///etc/postgrey/whitelist_clients.local",
                    "recipients:///etc/postgrey/whitelist_recipients",
                ]),
            Lists(
                words:
                    "--inet=1 --whitelist-clients=/etc/postgrey/a --whitelist-clients=/b/a --whitelist-recipients=/c",
                files: ["/etc/tprt/postgrey/a"],
                sources: ["clients:///etc/tprt/postgrey/a", "clients:///b/a", "recipients:///c"]),
        ])
    func copies(_ lists: Lists) throws {
        let line = try PostgreyCommandLineTests.line(lists.words)
        let settings = try PostgreySettings(line, on: Self.host { lists.files.contains($0) })
        let sources = try Configuration.load(flags: settings.assignments).configuration.service.wlSources
        #expect(sources == lists.sources.map { "postgrey-\($0)" })
    }

    @Test("without root it stays who it is")
    func unprivileged() throws {
        #expect(try Self.loaded("--inet=1", isRoot: false).configuration.server.user.isEmpty)
        #expect(try Self.loaded("--inet=1 --user=me", isRoot: false).configuration.server.user == "me")
    }

    @Test(
        "what can't be honoured is refused with the alternative",
        arguments: [
            ("--delay=5", "--unix or --inet must be given"), ("--inet=1 -n", "service.mode observe"),
            ("--inet=smtp", "PORT or HOST:PORT"), ("--inet=:25", "PORT or HOST:PORT"),
            ("--inet=h:0", "PORT or HOST:PORT"),
            ("--inet=1:70000", "PORT or HOST:PORT"), ("--unix=s", "begin it with /"),
            ("--inet=1 --identity=dkim", "none of off, name and spf"), ("--inet=1 --identity=", "needs a value"),
            ("--inet=1 --retry-window=2w", "number of days"), ("--inet=1 --auto-whitelist-clients=x", "whole number"),
        ])
    func refusals(_ words: String, _ message: String) {
        do throws(PostgreyCommandLine.ParseError) {
            _ = try PostgreySettings(try PostgreyCommandLineTests.line(words), on: Self.host())
            Issue.record("\(words) was taken")
        } catch {
            #expect(error.message.contains(message), "\(error.message)")
        }
    }

    @Test(
        "postgrey's database is read as its options say",
        arguments: [
            ("--inet=1", "/var/lib/postgrey --delay 300 --ipv4cidr 24 --ipv6cidr 64"),
            (
                "--inet=1 --dbdir=/srv/pg --delay=60 --ipv4cidr=20 --ipv6cidr=56",
                "/srv/pg --delay 60 --ipv4cidr 20 --ipv6cidr 56"
            ),
        ])
    func importWords(_ words: String, _ expected: String) throws {
        let settings = try PostgreySettings(try PostgreyCommandLineTests.line(words), on: Self.host())
        #expect(settings.importWords == ["postgrey"] + expected.split(separator: " ").map(String.init))
    }

    @Test("words without an option are told of")
    func strayWords() throws {
        let line = try PostgreyCommandLineTests.line("--inet=1 --greylist-text=Try again later")
        #expect(try PostgreySettings(line, on: Self.host()).warnings.first?.hasPrefix("\"again later\"") == true)
    }

    private static func host(
        text: String? = nil, isRoot: Bool = true, exists: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> PostgreySettings.Host {
        PostgreySettings.Host(
            isRoot: isRoot, text: text, listDirectory: "/etc/postgrey", copyDirectory: "/etc/tprt/postgrey",
            database: nil, controlSocket: nil, exists: exists)
    }

    private static func loaded(
        _ words: String, text: String? = nil, isRoot: Bool = true
    ) throws -> LoadedConfiguration {
        let line = try PostgreyCommandLineTests.line(words)
        return try Configuration.load(
            flags: PostgreySettings(line, on: host(text: text, isRoot: isRoot)).assignments)
    }
}
