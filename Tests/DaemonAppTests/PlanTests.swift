import Engine
import FileStorage
import Foundation
import Greylist
import LogOutput
import NIOCore
import Programs
import Server
import Settings
import Storage
import StoreURLs
import Testing

@testable import DaemonApp

@Suite("The plan")
struct PlanTests {
    @Test("a fresh installation")
    func defaults() throws {
        let plan = try plan()
        #expect(plan.listeners == [.inet(host: "127.0.0.1", port: 10_023)])
        #expect(plan.greylist == .lmdb(path: "/s/tprt.lmdb"))
        #expect(plan.autoWhitelist == plan.greylist)
        #expect(
            plan.engine.options.rules
                == Rules(
                    delay: 300, retryWindow: 172_800, maxAge: 3_024_000, clientCount: 0, maxPending: 1_000_000,
                    maxPendingPerNetwork: 5_000))
        #expect(plan.log.level == .info)
        #expect(plan.options.requestDeadline == .milliseconds(1_600))
        #expect(plan.maintenance.tables == [.greylist])
        #expect(plan.maintenance.interval == .seconds(3_600))
        #expect(plan.takesOverStale)
        #expect(plan.watchesWhitelists)
    }

    @Test(
        "where it listens",
        arguments: [
            (
                ["server.socket_type=tcp", "server.socket_listen_host=::1", "server.socket_listen_port=25"],
                [ListenAddress.inet(host: "::1", port: 25)]
            ),
            (
                [
                    "server.socket_type=unix", "server.socket_path=/p", "server.socket_mode=0640",
                    "server.socket_group=g",
                ],
                [.unix(path: "/p", mode: 0o640, group: "g")]
            ),
            (["server.socket_type=unix", "server.socket_path=/p"], [.unix(path: "/p", mode: 0o660, group: "")]),
            (
                [
                    "server.socket_mode=0600", "server.socket_group=g",
                    #"server.listen=["unix:/a", "unix:/b?mode=0666&group=h", "inet:[::1]:26"]"#,
                ],
                [
                    .inet(host: "127.0.0.1", port: 10_023), .unix(path: "/a", mode: 0o600, group: "g"),
                    .unix(path: "/b", mode: 0o666, group: "h"), .inet(host: "::1", port: 26),
                ]
            ),
        ] as [([String], [ListenAddress])])
    func listeners(injections: [String], listeners: [ListenAddress]) throws {
        #expect(try plan(injections).listeners == listeners)
    }

    @Test("what clients and recipients are known by")
    func keys() throws {
        let options = try plan([
            "service.ipv4_mask=20", "service.ipv6_mask=64", "service.fold_recipient=true",
            #"service.nat64_prefixes=["2001:db8::/32", "2001:db8:1::/96"]"#, "service.postgrey_digests=20/48",
        ]).engine.options
        let prefixes = [try NAT64Prefix("2001:db8:1::/96"), try NAT64Prefix("2001:db8::/32")]
        #expect(options.masks == PrefixLengths(ipv4: 20, ipv6: 64, nat64Prefixes: prefixes))
        #expect(options.masks.nat64Prefixes == prefixes)
        #expect(options.foldsRecipient)
        #expect(options.postgreyDigests == .network(ipv4: 20, ipv6: 48))
        #expect(!(try plan().engine.options.foldsRecipient))
        #expect(try plan().engine.options.postgreyDigests == nil)
        let faults = #expect(throws: PlanErrors.self) { try plan([#"service.nat64_prefixes=["2001:db8::/33"]"#]) }
        let message = try #require(faults?.lines.first)
        #expect(message.contains("service.nat64_prefixes: \"2001:db8::/33\" is not a NAT64 prefix"))
        let digests = #expect(throws: PlanErrors.self) { try plan(["service.postgrey_digests=yes"]) }
        #expect(try #require(digests?.lines.first).contains("service.postgrey_digests: \"yes\" is neither"))
    }

    @Test("the settings of the sockets")
    func sockets() throws {
        let plan = try plan([
            "server.listen_queue_size=7", "server.reuse_socket=false", "server.max_connections=9", "server.threads=3",
            "server.idle_timeout=20m",
        ])
        #expect(plan.backlog == 7)
        #expect(!plan.takesOverStale)
        #expect(plan.options.maxConnections == 9)
        #expect(plan.options.threads == 3)
        #expect(plan.options.idleTimeout == .seconds(1_200))
    }

    @Test(
        "times are in whole seconds, a fraction rounded up",
        arguments: [
            ("500ms", 1), ("1500ms", 2), ("999ms", 1), ("1ms", 1), ("1", 1), ("1.5", 2), ("0", 0), ("5m", 300),
            ("1d", 86_400),
        ] as [(String, Int64)])
    func seconds(text: String, seconds: Int64) throws {
        #expect(try plan(["service.grey_delay=\(text)"]).engine.options.rules.delay == seconds)
    }

    @Test("the rules and options of judgements")
    func rules() throws {
        let options = try plan([
            "service.grey_delay=1500ms", "service.grey_retry_window=60500ms", "service.grey_max_age=90250ms",
            "service.awl_client_count=4", "service.ipv4_mask=20", "service.ipv6_mask=56", "service.hash_grey_db=false",
            "service.greylist_null_sender=false", "service.greylist_authenticated=true", "service.on_store_error=defer",
        ]).engine.options
        #expect(options.rules.delay == 2 && options.rules.retryWindow == 61 && options.rules.maxAge == 91)
        #expect(options.rules.clientCount == 4)
        #expect(options.masks == PrefixLengths(ipv4: 20, ipv6: 56, nat64Prefixes: []))
        #expect(options.keys == .plain && !options.greylistsNullSender)
        #expect(options.greylistsAuthenticated && options.defersOnStoreError)
    }

    @Test(
        "a request's deadline is the shorter of the two",
        arguments: [
            ("5s", "2s", .seconds(2)), ("1s", "2s", .seconds(1)), ("3s", "3s", .seconds(3)),
            ("60s", "10ms", .milliseconds(10)),
        ] as [(String, String, TimeAmount)])
    func deadline(request: String, store: String, deadline: TimeAmount) throws {
        let plan = try plan([
            "server.request_deadline=\(request)", "service.store_deadline=\(store)", "service.identity=name",
            "service.fast_lane=off",
        ])
        #expect(plan.options.requestDeadline == deadline)
    }

    @Test("the fast lane takes half as long as the store, which then is asked twice")
    func deadlineWithLane() throws {
        let plan = try plan([
            "server.request_deadline=3s", "service.store_deadline=3s", "service.identity=name",
        ])
        #expect(plan.options.requestDeadline == .milliseconds(1_200))
    }

    @Test(
        "within a request's deadline there is time for the store, the DNS, and the store once more",
        arguments: [
            ("5s", "2s", "1s", .milliseconds(1_600), .seconds(1)),
            ("3s", "2s", "1s", .milliseconds(800), .seconds(1)),
            ("1s", "2s", "1s", .milliseconds(200), .milliseconds(500)),
            ("60s", "10ms", "3s", .milliseconds(10), .seconds(3)),
        ] as [(String, String, String, TimeAmount, TimeAmount)])
    func deadlineWithDNS(
        request: String, store: String, budget: String, step: TimeAmount, dns: TimeAmount
    ) throws {
        let plan = try plan([
            "server.request_deadline=\(request)", "service.store_deadline=\(store)", "service.dns_budget=\(budget)",
        ])
        #expect(plan.options.requestDeadline == step)
        #expect(plan.options.dnsBudget == dns)
    }

    @Test(
        "the tables that it maintains",
        arguments: [
            ([], [.greylist]), (["service.awl_client_count=1"], [.greylist, .autoWhitelist]),
            (["service.awl_client_count=1", "service.grey_db_maintenance_disable=true"], [.autoWhitelist]),
            (["service.awl_client_count=1", "service.awl_db_maintenance_disable=true"], [.greylist]),
            (["service.grey_db_maintenance_disable=true"], []),
        ] as [([String], [Table])])
    func maintenance(injections: [String], tables: [Table]) throws {
        #expect(try plan(injections).maintenance.tables == tables)
    }

    @Test(
        "how much is logged",
        arguments: [
            (["log.log_type=none"], .none), (["log.log_type=none", "log.log_level=3"], .none),
            (["log.log_level=0"], .none), (["log.log_level=1"], .warnings), (["log.log_level=2"], .info),
            (["log.log_type=stderr", "log.log_level=3"], .debug),
        ] as [([String], LogLevel)])
    func logLevel(injections: [String], level: LogLevel) throws {
        #expect(try plan(injections).log.level == level)
    }

    @Test("databases of two names are two")
    func databases() throws {
        let plan = try plan(["service.grey_db=lmdb:///a", "service.awl_db=memory:"])
        #expect(plan.greylist == .lmdb(path: "/a"))
        #expect(plan.autoWhitelist == .memory)
    }

    @Test(
        "an auto-whitelist of which nothing is said is where the greylist is",
        arguments: [
            ("lmdb:///a/x", "lmdb:///a/x"), ("gdbm:///a/greylistdb", "gdbm:///a/autowldb"),
            ("dbm:///autowldb", "gdbm:///autowldb-awl"), ("redis://h/3", "redis://h/3"), ("memory:", "memory:"),
            ("redis+cluster://h,i", "redis+cluster://h,i"),
        ])
    func autoWhitelistBeside(greylist: String, expected: String) throws {
        let plan = try plan(["service.grey_db=\(greylist)"])
        #expect(try plan.autoWhitelist == StoreLocation(url: expected))
        #expect(plan.separatesTables)
        #expect(plan.formerAutoWhitelist == nil)
        let named = try self.plan(["service.grey_db=\(greylist)", "service.awl_db=lmdb:///own"])
        #expect(named.autoWhitelist == .lmdb(path: "/own"))
        #expect(!named.separatesTables)
    }

    @Test(
        "identities of which nothing is said are where the greylist is",
        arguments: [
            ("lmdb:///a/x", "lmdb:///a/x"), ("gdbm:///a/greylistdb", "gdbm:///a/identitydb"),
            ("dbm:///identitydb", "gdbm:///identitydb-id"), ("redis://h/3", "redis://h/3"), ("memory:", "memory:"),
        ])
    func identitiesBeside(greylist: String, expected: String) throws {
        let plan = try plan(["service.grey_db=\(greylist)"])
        #expect(try plan.identityDatabase == StoreLocation(url: expected))
        #expect(plan.hasIdentityTable)
        let named = try self.plan(["service.grey_db=\(greylist)", "service.identity_db=lmdb:///own"])
        #expect(named.identityDatabase == .lmdb(path: "/own"))
        #expect(try !self.plan(["service.identity=off"]).hasIdentityTable)
        #expect(try self.plan(["service.identity=off"]).otherDatabases.isEmpty)
    }

    @Test("the ages of identities are those of the settings")
    func identityAges() throws {
        #expect(try plan().identityAges == IdentityAges(earned: 7_776_000, learned: 7_776_000))
        let plan = try plan(["service.identity_max_age=1h", "service.learned_max_age=60500ms"])
        #expect(plan.identityAges == IdentityAges(earned: 3_600, learned: 61))
    }

    @Test(
        "identities without a prefix share a Redis database with no other table, or aren't used, with a warning",
        arguments: [
            (["service.grey_db=redis://h/1"], false), (["service.grey_db=lmdb:///a"], true),
            (["service.grey_db=redis://h/1", "service.key_prefix=p:"], true),
            (["service.grey_db=redis://h/1", "service.identity_db=redis://h/2"], true),
            (["service.grey_db=redis://h/1", "service.identity_db=redis://h:6379/1?password_file=/p"], false),
            (["service.grey_db=redis://h/1", "service.identity_db=redis://i/1"], true),
            (["service.awl_db=redis://h/1", "service.identity_db=redis://h/1"], true),
            (["service.awl_db=redis://h/1", "service.identity_db=redis://h/1", "service.awl_client_count=1"], false),
            (["service.grey_db=redis+cluster://h"], false),
        ])
    func exposedIdentities(settings: [String], isUsable: Bool) throws {
        let plan = try plan(settings)
        #expect(plan.identityTableIsUsable == isUsable)
        let warnings = plan.warnings.filter { $0.hasPrefix("service.identity_db: ") }
        #expect(warnings.count == (isUsable ? 0 : 1))
        let off = try self.plan(settings + ["service.identity=off"])
        #expect(!off.identityTableIsUsable && off.warnings.isEmpty)
    }

    @Test("whitelists are watched unless it is said otherwise")
    func watching() throws {
        #expect(try !plan(["service.wl_watch=false"]).watchesWhitelists)
    }

    @Test(
        "what is wrong is said with its origin, its key and the complaint",
        arguments: [
            ("service.grey_db=gdbm:greylistdb", "absolute path"),
            ("service.awl_db=redis-tcp://u:s3cret@h/x", "database"),
            ("service.awl_db=redis-unix:///run/redis?password=s3cret", "unknown option"),
            ("service.identity_db=redis-tcp://u:s3cret@h/x", "database"),
            ("service.grey_db=mysql://u:s3cret@h/0", "no store is called"),
            ("service.grey_db=lmdb://relative", "an absolute path"),
            ("service.grey_db=/var/lib/tprt.lmdb", "not a database URL"),
            ("service.grey_text=come back in {sekunds}", "{sekunds}"),
            ("service.grey_smtp_header=X-Greylist: {sekunds}", "{sekunds}"),
            ("service.grey_smtp_header=X-Greylist: {wait", "brace"),
            (#"server.listen=["inet:127.0.0.1"]"#, "no port"), (#"server.listen=["/a"]"#, "neither inet: nor unix:"),
            (#"server.listen=["unix:a"]"#, "absolute path"),
            (#"service.wl_sources=["/etc/whitelist"]"#, "no URL"),
            (#"service.wl_sources=["redis-tcp://u:s3cret@h/zero"]"#, "database"),
        ])
    func fault(injection: String, message: String) throws {
        let key = injection.prefix { $0 != "=" }
        let faults = try #require(throws: PlanErrors.self) { try plan([injection]) }
        let message = try #require(faults.lines.first)
        #expect(faults.lines.count == 1)
        #expect(message.hasPrefix("-i: \(key): "))
        #expect(message.contains(message))
        #expect(!message.contains("\n") && !message.contains("s3cret"))
    }

    @Test("a GNU dbm file has no place for both tables")
    func oneFileForTwoTables() throws {
        let same = ["service.grey_db=gdbm:///a", "service.awl_db=dbm:///a"]
        #expect(throws: PlanErrors.self) { try plan(same + ["service.awl_client_count=1"]) }
        #expect(try plan(same).greylist == .gdbm(path: "/a"))
        for other in ["grey_db=gdbm:///i", "awl_db=gdbm:///i"] {
            let settings = ["service.awl_client_count=1", "service.\(other)", "service.identity_db=gdbm:///i"]
            let faults = try #require(throws: PlanErrors.self) { try plan(settings) }
            #expect(faults.lines.first?.contains("service.identity_db: a GNU dbm file holds one table") == true)
            #expect(try plan(settings + ["service.identity=off"]).identityDatabase == .gdbm(path: "/i"))
        }
    }

    @Test("everything that is wrong is said at once")
    func faults() throws {
        let text = """
            {service: {
            grey_db: "gdbm:a",
            awl_db: "redis-tcp:///0",
            wl_sources: ["redis-tcp:///0"],
            grey_text: "{x}",
            durability: "commit"},
            server: {
            listen: ["25"],
            daemonize: true}}
            """
        let loaded = try Configuration.load(files: [ConfigurationFile(path: "/c", bytes: Array(text.utf8))])
        let faults = try #require(throws: PlanErrors.self) { try Plan(loaded, environment: [:]) }
        let places = faults.lines.map { $0.split(separator: ": ").prefix(2).joined(separator: ": ") }
        #expect(
            Set(places) == [
                "/c:2: service.grey_db", "/c:3: service.awl_db", "/c:4: service.wl_sources", "/c:5: service.grey_text",
                "/c:8: server.listen", "/c:9: server.daemonize",
            ])
        #expect(places.count == 6)
    }

    @Test("which boot this is: as the service manager says, else the kernel")
    func boot() throws {
        let ids = ["0123456789abcdef0123456789ABCDEF", "01234567-89ab-cdef-0123-456789abcdef"]
        for id in ids {
            let plan = try Plan(load([]), environment: ["STATE_DIRECTORY": "/s", "BOOT_ID": id])
            #expect(plan.boot == BootID(ids[0].utf8))
            #expect(plan.warnings.isEmpty)
        }
        let kernel = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8).dropLast()
        #expect(BootID(kernel.utf8) != nil)
        for environment in [[:], ["BOOT_ID": ""], ["BOOT_ID": "%b"]] {
            #expect(try Plan(load([]), environment: environment).boot == BootID(kernel.utf8))
        }
    }

    private func plan(_ injections: [String] = []) throws -> Plan {
        try Plan(load(injections), environment: ["STATE_DIRECTORY": "/s"])
    }
}
