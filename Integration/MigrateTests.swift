import Foundation
import Greylist
import Storage
import TestSupport
import Testing

/// `tprtctl migrate`, the real program, with a real postgrey and a real postconf.
@Suite("Moving a machine over", .blocking)
struct MigrateTests {
    /// A machine in the lab: postgrey's options, lists and database, Postfix' configuration, and one of tprtd's.
    private struct Machine {
        let lab: Lab
        let output: String
        let database: String
        let arguments: [String]
        private let list: String

        /// Where postgrey listens, and then tprtd.
        let port: UInt16

        init(_ lab: Lab, configuration: String? = "") throws {
            self.lab = lab
            port = try Ports.free()
            database = try lab.directory.makeDirectory("postgrey")
            list = try lab.directory.write("/^mx\\d+\\.example$/\n192.0.2.0/24\n", to: "clients")
            let recipients = try lab.directory.write("postmaster@\n", to: "recipients")
            let postfix = try lab.directory.makeDirectory("postfix")
            try """
            compatibility_level = 3.6
            smtpd_recipient_restrictions = permit_mynetworks,
                check_policy_service inet:127.0.0.1:\(port)
            """.write(toFile: "\(postfix)/main.cf", atomically: true, encoding: .utf8)
            try "".write(toFile: "\(postfix)/master.cf", atomically: true, encoding: .utf8)
            let defaults = try lab.directory.write(
                """
                # postgrey startup options
                POSTGREY_OPTS="--inet=127.0.0.1:\(port) --delay=60 --dbdir=\(database) --whitelist-clients=\(list) --whitelist-recipients=\(recipients)"
                POSTGREY_TEXT="Come back in %s seconds"

                """, to: "default")
            output = lab.directory.file("tprt.conf")
            if let configuration {
                try """
                {"service": {"grey_db": "lmdb://\(lab.database)", "store_deadline": "3s", "grey_delay": 300},
                 "server": {\(configuration)}}
                """.write(toFile: output, atomically: true, encoding: .utf8)
            }
            arguments = ["migrate", "postgrey", "--defaults", defaults, "--postfix", postfix, "-o", output]
        }

        /// Has a real postgrey learn one triplet that passed and one that waits.
        func teach() throws {
            let postgrey = try Postgrey(in: database, clients: "/dev/null", recipients: "/dev/null")
            let connection = try postgrey.client()
            let now = ForeignDatabase.now()
            for time in [now - 3_000, now - 2_000] {
                _ = try postgrey.ask(
                    connection, PolicyRequest(sender: "known@sender.example", testTime: time), "request")
            }
            _ = try postgrey.ask(connection, PolicyRequest(sender: "young@sender.example"), "request")
            try postgrey.terminate()
        }

        /// tprtd, with nothing but the configuration.
        func start() throws -> Daemon {
            let daemon = try lab.launch(
                ["-c", output, "-i", "log.log_type=stderr"], listeningAt: [.inet(port)])
            try daemon.waitUntilReady()
            return daemon
        }

        /// What is in the lab, to see that nothing changes.
        func files() throws -> [String: Data] {
            var files: [String: Data] = [:]
            for path in try FileManager.default.subpathsOfDirectory(atPath: lab.directory.path) {
                files[path] = FileManager.default.contents(atPath: lab.directory.file(path)) ?? Data()
            }
            return files
        }
    }

    private let known = PolicyRequest(sender: "known@sender.example")
    private let young = PolicyRequest(sender: "young@sender.example")

    @Test(
        "--dry-run shows all of it and changes nothing; then one command does it; the second adds what came meanwhile")
    func postgrey() throws {
        try withLab { lab in
            let machine = try Machine(lab)
            try machine.teach()
            let before = try machine.files()
            let dry = try lab.tprtctl(machine.arguments + ["--dry-run"])
            let shown = try dry.succeed()
            #expect(try machine.files() == before)
            for text in [
                "POSTGREY_OPTS: --inet=127.0.0.1:\(machine.port) --delay=60", "POSTGREY_TEXT: Come back in %s seconds",
                "2 entries, 1 of them expressions", "postgrey's database",
                "check_policy_service inet:127.0.0.1:\(machine.port)", "tprt.conf would be:", "// postgrey's --delay (",
                "\"grey_delay\": \"1m\",", "// as before (", "\"store_deadline\": \"3s\",",
                "// postgrey's lists have expressions", "\"grey_text\": \"Come back in {wait} seconds\",",
                "better:     check_policy_service { inet:127.0.0.1:\(machine.port), timeout=10s, default_action=DUNNO }",
                "with reject_unlisted_recipient before it",
                "greylist           2          2    -        0            0",
                "systemctl disable --now postgrey", "systemctl enable --now postgrey",
            ] { #expect(shown.contains(text), "\(text)\n\(shown)") }
            #expect(dry.errors.isEmpty, "\(dry.errors)")

            let former = try String(contentsOfFile: machine.output, encoding: .utf8)
            let report = try lab.tprtctl(machine.arguments).succeed()
            #expect(report.contains("the former file is \(machine.output).before-migration"))
            #expect(report.contains("greylist           2         2    2        0            0"), "\(report)")
            let kept = try String(contentsOfFile: "\(machine.output).before-migration", encoding: .utf8)
            #expect(kept == former)

            let daemon = try machine.start()
            let client = try daemon.client()
            #expect(try client.ask(known).passes)
            #expect(try client.ask(young).description.hasPrefix("DEFER_IF_PERMIT Come back in "))
            #expect(try client.ask(PolicyRequest(clientName: "mx7.example", sender: "x@y.example")).passes)
            #expect(try client.ask(PolicyRequest(sender: "x@y.example", recipient: "postmaster@a.example")).passes)
            #expect(try daemon.terminate() == .exited(0))

            let again = try lab.tprtctl(machine.arguments + ["--json"]).succeed()
            #expect(again.contains("\"result\": \"kept\"") && again.contains("\"new\": 0"), "\(again)")
        }
    }

    @Test("a daemon that is running reads the new configuration, and gets the entries while it answers")
    func running() throws {
        try withLab { lab in
            let socket = lab.directory.file("control.sock")
            let machine = try Machine(lab, configuration: "\"control_socket\": \"\(socket)\"")
            try machine.teach()
            let daemon = try lab.start(at: .inet(machine.port), extra: ["-c", machine.output])
            #expect(try daemon.ask(known).isGreylisted)
            let report = try lab.tprtctl(machine.arguments).succeed()
            #expect(report.contains("into tprtd at unix:\(socket):"), "\(report)")
            #expect(report.contains("settings reloaded: service.ipv6_mask"), "\(report)")
            #expect(try daemon.ask(known).passes)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test(
        "what can't be read is said with its place, and nothing is changed",
        arguments: [
            ("default", "POSTGREY_OPTS=\"$OPTIONS\"\n", 65, ":1: $ takes a shell to read"),
            (
                "default", "POSTGREY_OPTS=\"--inet=10023 --nosuch\"\n", 65,
                ":1: --nosuch is not an option of postgrey 1.37"
            ),
            ("default", "POSTGREY_OPTS=\"--inet=10023 --delay=many\"\n", 65, "--delay"),
            (
                "default", "PORT=10023\n", 66,
                "it doesn't set POSTGREY_OPTS: give postgrey's command line with --options"
            ),
            ("default", nil, 66, "--options"),
            ("tprt.conf", "{\"service\": {\"grey_dely\": 1}}", 78, "no such setting"),
            ("postgrey/postgrey.db", "no database", 65, "nothing was changed: --no-import"),
        ] as [(String, String?, Int32, String)])
    func faults(_ file: String, _ text: String?, _ status: Int32, _ message: String) throws {
        try withLab { lab in
            let machine = try Machine(lab)
            if file != "postgrey/postgrey.db" { try machine.teach() }
            if let text {
                try text.write(toFile: lab.directory.file(file), atomically: true, encoding: .utf8)
            } else {
                try FileManager.default.removeItem(atPath: lab.directory.file(file))
            }
            let before = try machine.files()
            let tool = try lab.tprtctl(machine.arguments)
            #expect(try tool.waitForEnd() == .exited(status), "\(tool.errors)")
            #expect(tool.errors.contains { $0.contains(message) }, "\(tool.errors)")
            #expect(try machine.files() == before)
        }
    }

    @Test(
        "without the file of options they are given, a new configuration is written, and the database can be left alone"
    )
    func options() throws {
        try withLab { lab in
            let machine = try Machine(lab, configuration: nil)
            try "no database".write(toFile: "\(machine.database)/postgrey.db", atomically: true, encoding: .utf8)
            let words = [
                "--options", "--unix=/var/spool/postfix/postgrey/socket --privacy --dbdir=\(machine.database)",
                "--no-import",
            ]
            // A Postfix without a configuration keeps nothing from being done.
            try FileManager.default.removeItem(atPath: lab.directory.file("postfix/main.cf"))
            let tool = try lab.tprtctl(machine.arguments + words)
            let report = try tool.succeed()
            #expect(tool.errors.contains { $0.contains("postconf") }, "\(tool.errors)")
            #expect(report.contains("tprt.conf: written, ") && !report.contains("former"), "\(report)")
            let text = try String(contentsOfFile: machine.output, encoding: .utf8)
            #expect(text.contains("\"postgrey_digests\": \"24/64\","), "\(text)")
            #expect(text.contains("\"socket_path\": \"/var/spool/postfix/postgrey/socket\","))
        }
    }

    @Test("a configuration of TPRT 0.9.3 becomes one for systemd, with the original's defaults in full")
    func tprt() throws {
        try withLab { lab in
            let machine = try Machine(lab, configuration: nil)
            let old = try lab.directory.write(
                """
                {"log": {"log_type": "from_config", "config": {"version": 1}},
                 "server": {"daemonize": true, "user": "postgrey", "socket_type": "inet"},
                 "service": {"grey_delay": 600, "awl_client_count": 3}}
                """, to: "old.json")
            let arguments = ["migrate", "tprt", old, "-o", machine.output, "--postfix", lab.directory.file("postfix")]
            let dry = try lab.tprtctl(arguments + ["--dry-run"]).succeed()
            #expect(dry.contains("no check_policy_service asks there"))
            #expect(!FileManager.default.fileExists(atPath: machine.output) && dry.contains("would be:"))
            let tool = try lab.tprtctl(arguments)
            let report = try tool.succeed()
            for text in [
                "chown -R tprt:tprt /var/db/tprt", "ReadWritePaths=/var/db/tprt",
            ] { #expect(report.contains(text), "\(text)\n\(report)") }
            let text = try String(contentsOfFile: machine.output, encoding: .utf8)
            for line in [
                "\"grey_delay\": \"10m\",", "// the default of 0.9.3",
                "\"grey_db\": \"gdbm:///var/db/tprt/greylistdb\",",
                "\"awl_db\": \"gdbm:///var/db/tprt/autowldb\",", "\"wl_sources\": [\"file:///var/db/tprt/whitelist\"],",
                "\"socket_listen_host\": \"localhost\",", "\"control_socket\": \"/run/tprt/control.sock\",",
            ] { #expect(text.contains(line), "\(line)\n\(text)") }
            #expect(!text.contains("daemonize") && !text.contains("log_type"))
            for key in ["server.daemonize", "server.user", "log.log_type", "log.config"] {
                #expect(tool.errors.contains { $0.contains("\(key): left out") }, "\(tool.errors)")
            }
            let check = try lab.tprtctl(["migrate", "tprt", lab.directory.file("none.json"), "-o", machine.output])
            #expect(try check.waitForEnd() == .exited(78))
        }
    }
}
