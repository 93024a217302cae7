import Settings
import Testing

@testable import tprtd

@Suite("Settings that can't be honoured")
struct SupportTests {
    @Test(
        "each is refused, with its origin, its key and what to do instead",
        arguments: [
            ("log.log_type=syslog", "let systemd or a pipe carry the log on"),
            ("log.log_type=file", "let systemd or a pipe carry the log on"),
            ("log.log_type=from_config", "set log_type to stderr"),
            ("log.log_format=json", "use postgrey"), ("log.log_format=logfmt", "use postgrey"),
            ("server.daemonize=true", "start it from systemd"), ("server.chroot=true", "RootDirectory= of systemd"),
            ("server.user=postgrey", "User= of systemd"), ("server.group=postgrey", "Group= of systemd"),
            ("server.pid_file_path=/run/tprt.pid", "leave it empty"), ("service.mode=observe", "use enforce"),
        ])
    func refused(injection: String, remedy: String) throws {
        let key = String(injection.prefix { $0 != "=" })
        let loaded = try load([injection] + (injection == "log.log_type=file" ? ["log.log_file=/var/log/tprt"] : []))
        let refusals = Support.refusals(loaded)
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
        #expect(Support.refusals(loaded).count == 1)
        #expect(Support.refusals(loaded).first?.hasPrefix(refusal) == true)
    }

    @Test("all of them are refused at once")
    func all() throws {
        let loaded = try load(["server.daemonize=true", "server.user=a", "server.group=b", "service.mode=observe"])
        #expect(Support.refusals(loaded).count == 4)
    }

    @Test(
        "what this version can do is not refused, said or unsaid",
        arguments: [
            [], ["log.log_type=none"], ["log.log_type=stderr", "log.log_format=postgrey"], ["server.daemonize=false"],
            ["server.user=", "server.group=", "server.pid_file_path="], ["service.mode=enforce"],
            ["service.durability=commit"],
            ["service.durability=interval", "service.store_fallback=memory", "service.allow_wl_regex=false"],
        ])
    func accepted(injections: [String]) throws {
        #expect(Support.refusals(try load(injections)).isEmpty)
    }
}

/// The configuration that injections lead to.
func load(_ injections: [String]) throws -> LoadedConfiguration {
    try Configuration.load(injections: injections)
}
