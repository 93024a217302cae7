import Settings
import Testing

@testable import DaemonApp

@Suite("Settings that can't be honoured")
struct UnsupportedSettingsTests {
    @Test(
        "each is refused, with its origin, its key and what to do instead",
        arguments: [
            ("log.log_type=from_config", "set log_type to stderr"),
            ("server.daemonize=true", "set log_type to syslog"),
        ])
    func refused(injection: String, remedy: String) throws {
        let key = String(injection.prefix { $0 != "=" })
        let loaded = try load([injection])
        let refusals = UnsupportedSettings.messages(loaded)
        let refusal = try #require(refusals.first)
        #expect(refusals.count == 1)
        #expect(refusal.hasPrefix("-i: \(key): "))
        #expect(refusal.contains(remedy))
        #expect(!refusal.contains("\n"))
    }

    @Test("a logging dictionary is refused at its line")
    func dictionary() throws {
        let text = "{log: {\nconfig: {version: 1}}}"
        let loaded = try Configuration.load(files: [ConfigurationFile(path: "/tprt.conf", bytes: Array(text.utf8))])
        let refusal = "/tprt.conf:2: log.config: a Python logging dictionary can't be used"
        #expect(UnsupportedSettings.messages(loaded).count == 1)
        #expect(UnsupportedSettings.messages(loaded).first?.hasPrefix(refusal) == true)
    }

    @Test("all of them are refused at once")
    func all() throws {
        let loaded = try load(["server.daemonize=true", "log.config={version: 1}"])
        #expect(UnsupportedSettings.messages(loaded).count == 2)
    }

    @Test(
        "what this version can do is not refused, said or unsaid",
        arguments: [
            [], ["log.log_type=none"], ["log.log_type=stderr", "log.log_format=postgrey"],
            ["log.log_type=syslog", "log.log_format=json"], ["log.log_type=file", "log.log_file=/var/log/tprt"],
            ["server.daemonize=false"], ["server.daemonize=true", "log.log_type=none"],
            ["server.daemonize=true", "log.log_type=journald"], ["server.user=tprt", "server.chroot=true"],
            ["service.mode=enforce"], ["service.mode=observe"],
            ["service.durability=commit", "service.store_fallback=memory", "service.allow_wl_regex=false"],
            ["service.durability=interval", "service.sync_interval=1"],
        ])
    func accepted(injections: [String]) throws {
        #expect(UnsupportedSettings.messages(try load(injections)).isEmpty)
    }
}

/// The configuration that injections lead to.
func load(_ injections: [String]) throws -> LoadedConfiguration {
    try Configuration.load(injections: injections)
}
