import JSONText
import Settings
import Testing

@Suite("Printing")
struct PrintingTests {
    @Test("a line says value and origin")
    func lines() throws {
        let loaded = try Configuration.load(
            files: [file("{service: {ipv4_mask: 20}}")], environment: ["TPRT_SERVER_USER": "postfix"],
            flags: [flag("--delay", "service.grey_delay", "6m")], injections: ["service.wl_sources=[]"])
        #expect(
            loaded.printed(onlyChanged: true) == """
                server.user        = postfix    # TPRT_SERVER_USER
                service.grey_delay = 6m         # --delay
                service.ipv4_mask  = 20         # /etc/tprt.conf:1

                """)
        let all = loaded.printed().split(separator: "\n")
        #expect(all.count == Configuration.fields.count)
        #expect(
            all.contains { $0.hasPrefix("server.group ") && $0.contains(" = \"\" ") && $0.hasSuffix("    # default") })
        #expect(all.contains { $0.hasPrefix("service.wl_sources ") && $0.hasSuffix("    # -i") })
        #expect(LoadedConfiguration().printed(onlyChanged: true).isEmpty)
    }

    @Test("the printed JSON says the same as a file", arguments: [true, false])
    func feedsBack(onlyChanged: Bool) throws {
        let loaded = try Configuration.load(injections: [
            "service.grey_db=redis-tcp://user:se\"cret@host:1/0", "service.sync_interval=1ms",
            "service.wl_sources=file:///a,redis-tcp://:pw@h:1/2", "server.socket_mode=0600", "log.config={a: [1.5]}",
            "log.log_type=syslog", "service.grey_text=a\\b \"c\" é",
        ])
        let json = loaded.printedJSON(onlyChanged: onlyChanged, revealingSecrets: true)
        #expect(try Configuration.load(files: [file(json)]).configuration == loaded.configuration)
        #expect(LoadedConfiguration().printedJSON(onlyChanged: true) == "{}\n")
    }

    @Test(
        "passwords are hidden",
        arguments: [
            ("redis-tcp://user:secret@host:6379/0", "redis-tcp://user:***@host:6379/0"),
            ("redis-tcp://:secret@host", "redis-tcp://:***@host"),
            ("redis-unix://user:sec@ret/x:y@/path/to/socket?db=1", "redis-unix://user:***@/path/to/socket?db=1"),
            ("redis-tcp://user@host:6379/0", "redis-tcp://user@host:6379/0"),
            ("redis-tcp://host:6379/0", "redis-tcp://host:6379/0"),
            ("gdbm:///var/db/a@b", "gdbm:///var/db/a@b"),
            ("user:secret@host", "user:secret@host"),
            ("://@", "://@"),
        ])
    func secrets(url: String, shown: String) throws {
        let loaded = try Configuration.load(injections: ["service.grey_db=\(url)", "service.wl_sources=a,\(url)"])
        let grey = try #require(Configuration.field("service.grey_db"))
        let lists = try #require(Configuration.field("service.wl_sources"))
        #expect(loaded.configuration.service.greyDb == url)
        #expect(grey.text(in: loaded.configuration) == shown)
        #expect(grey.json(in: loaded.configuration) == .string(shown))
        #expect(grey.text(in: loaded.configuration, revealingSecrets: true) == url)
        #expect(lists.text(in: loaded.configuration) == "[\"a\", \"\(shown)\"]")
        #expect(loaded.printed().contains(url) == (url == shown))
        #expect(loaded.printedJSON().contains(url) == (url == shown))
    }

    @Test("a hidden password does not come back as a password")
    func hiddenIsRefused() {
        #expect(
            messages(injections: [
                "service.grey_db=redis-tcp://user:***@host", "service.wl_sources=file:///a,redis-tcp://:***@h",
            ])
            .map { $0.contains("stands for a hidden one") } == [true, true])
        #expect(messages(files: [file("{service: {wl_sources: ['a', 'redis-tcp://:***@h']}}")]).count == 1)
    }

    @Test("a complaint shows no password")
    func complaintHides() {
        let found = messages(files: [file("{service: {wl_sources: 'redis-tcp://user:secret@host'}}")])
        #expect(found.count == 1)
        #expect(found.allSatisfy { !$0.contains("secret") && $0.contains("user:***@host") })
    }

    @Test("changes tell what a reload may do")
    func changes() throws {
        let new = try Configuration.load(injections: [
            "service.grey_delay=10m", "server.socket_listen_port=10024", "service.grey_db=redis-tcp://u:new@h:1",
        ]).configuration
        let old = try Configuration.load(injections: ["service.grey_db=redis-tcp://u:old@h:1"]).configuration
        #expect(
            Configuration.changes(from: old, to: new) == [
                Change(key: "server.socket_listen_port", mayReload: false),
                Change(key: "service.grey_delay", mayReload: true),
                Change(key: "service.grey_db", mayReload: false),
            ])
        #expect(Configuration.changes(from: new, to: new).isEmpty)
    }
}
