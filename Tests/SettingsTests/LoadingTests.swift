import Settings
import Testing

@Suite("Sources and their precedence")
struct LoadingTests {
    @Test("each source beats the ones before it", arguments: 0...5)
    func precedence(last: Int) throws {
        let first = file("{\"service\": {\n\"grey_delay\": 1}}", "/first")
        let second = file("{\"service\": {\"grey_delay\": 2}}", "/second")
        let loaded = try Configuration.load(
            files: last >= 2 ? [first, second] : last >= 1 ? [first] : [],
            environment: last >= 3 ? ["TPRT_SERVICE_GREY_DELAY": "3"] : [:],
            flags: last >= 4 ? [flag("--delay", "service.grey_delay", "4")] : [],
            injections: last >= 5 ? ["service.grey_delay=5"] : [])
        #expect(loaded.configuration.service.greyDelay == .seconds(last == 0 ? 300 : last))
        let origins = ["default", "/first:2", "/second:1", "TPRT_SERVICE_GREY_DELAY", "--delay", "-i"]
        #expect(loaded.origin(of: "service.grey_delay").description == origins[last])
    }

    @Test("files are merged key by key, and lists replaced")
    func merging() throws {
        let loaded = try Configuration.load(files: [
            file("{\"service\": {\"ipv4_mask\": 20, \"wl_sources\": [\"file:///a\", \"file:///b\"]}}", "/first"),
            file("{\"service\": {\"ipv6_mask\": 64, \"wl_sources\": [\"file:///c\"]}}", "/second"),
        ])
        #expect(loaded.configuration.service.ipv4Mask == 20)
        #expect(loaded.configuration.service.ipv6Mask == 64)
        #expect(loaded.configuration.service.wlSources == ["file:///c"])
        #expect(loaded.origin(of: "service.ipv4_mask") == .file(path: "/first", line: 1))
    }

    @Test("false, zero and empty are said, and take back what was said before")
    func absentIsNotZero() throws {
        let loaded = try Configuration.load(
            files: [
                file(
                    "{service: {awl_client_count: 5, wl_sources: ['a'], hash_grey_db: true}, server: {user: 'x'}}", "/1"
                ),
                file("{service: {awl_client_count: 0, wl_sources: [], hash_grey_db: false}}", "/2"),
            ], environment: ["TPRT_SERVER_USER": ""])
        #expect(loaded.configuration.service.awlClientCount == 0)
        #expect(loaded.configuration.service.wlSources == [])
        #expect(loaded.configuration.service.hashGreyDb == false)
        #expect(loaded.configuration.server.user == "")
        #expect(loaded.origin(of: "service.awl_client_count") == .file(path: "/2", line: 1))
        #expect(loaded.origin(of: "server.user") == .environment(name: "TPRT_SERVER_USER"))
        #expect(loaded.origin(of: "server.group") == .default)
    }

    @Test("a default that is said has its origin all the same")
    func saidDefault() throws {
        let loaded = try Configuration.load(flags: [flag("--delay", "service.grey_delay", "300")])
        #expect(loaded.configuration == Configuration())
        #expect(loaded.origins == ["service.grey_delay": .flag(name: "--delay")])
    }

    @Test("every setting can be set by its environment variable", arguments: Configuration.fields)
    func environment(field: Field) throws {
        let text = field.text(in: Configuration())
        let loaded = try Configuration.load(environment: [field.environmentName: text, "HOME": "/", "TPRTX": "1"])
        #expect(loaded.configuration == Configuration())
        #expect(loaded.origins == [field.key: .environment(name: field.environmentName)])
    }

    @Test("a list whose first element is the object")
    func listAroundObject() throws {
        let loaded = try Configuration.load(files: [file("[\n  {\"service\": {\n    \"grey_delay\": 60}},\n  {}\n]")])
        #expect(loaded.configuration.service.greyDelay == .seconds(60))
        #expect(loaded.origin(of: "service.grey_delay").description == "/etc/tprt.conf:3")
    }

    @Test("comments, trailing commas, single quotes and bare keys")
    func comforts() throws {
        let loaded = try Configuration.load(files: [
            file(
                """
                // a comment
                {
                    /* another,
                       longer */ server: { 'user': 'postfix', },
                    "service": { "wl_sources": ["file:///a", /* b */ ], }, // and a third
                }
                """)
        ])
        #expect(loaded.configuration.server.user == "postfix")
        #expect(loaded.configuration.service.wlSources == ["file:///a"])
        #expect(loaded.origin(of: "server.user") == .file(path: "/etc/tprt.conf", line: 4))
    }

    @Test("the original's way of writing a file")
    func original() throws {
        let loaded = try Configuration.load(files: [
            file(
                """
                {
                  "log": { "log_type": "syslog", "log_level": 3, "config": {} },
                  "server": { "socket_type": "tcp", "socket_mode": "0660", "listen_queue_size": 5 },
                  "service": { "grey_db": "gdbm:///var/db/tprt/greylistdb", "grey_delay": 300 }
                }
                """)
        ])
        #expect(loaded.configuration.log.logType == .syslog)
        #expect(loaded.configuration.server.socketType == .inet)
        #expect(loaded.configuration.server.socketMode.bits == 0o660)
        #expect(loaded.configuration.service.greyDb == "gdbm:///var/db/tprt/greylistdb")
    }

    @Test("of a key given twice in one file, the last value stands")
    func twice() throws {
        let loaded = try Configuration.load(files: [file("{service: {ipv4_mask: 20,\n ipv4_mask: 21}}")])
        #expect(loaded.configuration.service.ipv4Mask == 21)
        #expect(loaded.origin(of: "service.ipv4_mask") == .file(path: "/etc/tprt.conf", line: 2))
    }

    @Test("no source at all gives the defaults")
    func nothing() throws {
        #expect(try Configuration.load() == LoadedConfiguration())
        #expect(try Configuration.load(files: [file("{}")]) == LoadedConfiguration())
    }
}
