import Foundation
import TestSupport
import Testing

/// What it says about settings that it can't honour.
@Suite("Refusing to start", .blocking)
struct DaemonRefusalTests {
    @Test(
        "What can't be honoured stops it, in one line that names the setting",
        arguments: [
            ("service.grey_db=gdbm:greylistdb", "absolute path"),
            ("service.awl_db=redis-tcp://tprt:s3cret@192.0.2.1:6379/zero", "database"),
            (#"service.wl_sources=["redis-tcp://tprt:s3cret@192.0.2.1:6379/zero"]"#, "database"),
            ("service.grey_text=Please come back in {sekunds}", "{wait}"),
            ("service.grey_smtp_header=X-Greylist: {sekunds}", "{delay}"),
            ("server.daemonize=true", "set log_type to syslog"),
            ("server.user=no-such-user", "create it"), ("server.group=no-such-group", "create it"),
            ("server.chroot=true", "set server.user"), ("server.pid_file_path=tprt.pid", "begin it with /"),
        ])
    func refuses(_ setting: String, _ remedy: String) throws {
        try withLab { lab in
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300) + ["-i", setting]
            let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
            #expect(try daemon.waitForEnd() == .exited(78))
            let line = try #require(daemon.lines.first)
            #expect(daemon.lines.count == 1)
            #expect(line.hasPrefix("tprtd: -i: \(setting.prefix { $0 != "=" }): "))
            #expect(line.contains(remedy))
            #expect(!line.contains("s3cret"))
            #expect(lab.directory.names(beginningWith: "").isEmpty)
        }
    }

    @Test("Several faults are told at once, a line each, with file and line")
    func refusesAll() throws {
        try withLab { lab in
            let text = """
                {service: {
                grey_db: "redis-tcp://tprt:s3cret@192.0.2.1/zero",
                durability: "commit",
                grey_text: "{sekunds}"},
                server: {
                daemonize: true}}
                """
            let file = try lab.directory.write(text, to: "tprt.conf")
            let daemon = try lab.launch(["-c", file], listeningAt: [])
            #expect(try daemon.waitForEnd() == .exited(78))
            let places = daemon.lines.map { $0.split(separator: ": ").prefix(3).joined(separator: ": ") }
            #expect(
                places.sorted() == [
                    "tprtd: \(file):2: service.grey_db", "tprtd: \(file):4: service.grey_text",
                    "tprtd: \(file):6: server.daemonize",
                ])
            #expect(!daemon.lines.contains { $0.contains("s3cret") })
        }
    }
}
