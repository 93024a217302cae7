import Settings
import Testing

@Suite("Errors")
struct ErrorTests {
    @Test(
        "what a file says wrongly is named with file and line",
        arguments: [
            (
                "{\n\"service\": {\n\"grey_dely\": 5}}",
                "/etc/tprt.conf:3: service.grey_dely: no such setting (did you mean service.grey_delay?)"
            ),
            ("{\"service\": {\"xyz\": 5}}", "/etc/tprt.conf:1: service.xyz: no such setting"),
            (
                "{\"server\": {\"grey_delay\": 5}}",
                "/etc/tprt.conf:1: server.grey_delay: no such setting (did you mean service.grey_delay?)"
            ),
            ("{\"servic\": {}}", "/etc/tprt.conf:1: servic: no such section (did you mean service?)"),
            ("{\"xyz\": {}}", "/etc/tprt.conf:1: xyz: no such section"),
            ("{\"grey_delay\": 5}", "/etc/tprt.conf:1: grey_delay: no such section (put it into the section service)"),
            (
                "{\"service.grey_delay\": 5}",
                "/etc/tprt.conf:1: service.grey_delay: no such section (put grey_delay into the section service)"
            ),
            (
                "{\"service\": []}",
                "/etc/tprt.conf:1: service: a list is not an object of settings ({\"service\": {\"grey_delay\": 300}})"
            ),
            ("5", "/etc/tprt.conf: 5 is not an object of sections ({\"service\": {\"grey_delay\": 300}})"),
            ("[]", "/etc/tprt.conf: a list is not an object of sections ({\"service\": {\"grey_delay\": 300}})"),
            (
                "{\"service\": {\"grey_delay\": null}}",
                "/etc/tprt.conf:1: service.grey_delay: null is not a duration (a number of seconds, or 5m, 36h, 35d)"
            ),
            (
                "{\"server\": {\n\n\"socket_mode\": 660}}",
                "/etc/tprt.conf:3: server.socket_mode: the number 660 could be octal or decimal "
                    + "(write the mode in quotes, such as \"0660\")"
            ),
            ("{\"a\\nb\": {}}", "/etc/tprt.conf:1: \"a\\nb\": no such section"),
        ])
    func fileErrors(text: String, message: String) {
        #expect(messages(files: [file(text)]) == [message])
    }

    @Test(
        "what the environment says wrongly",
        arguments: [
            (
                "TPRT_SERVICE_GREY_DELAY", "abc",
                "TPRT_SERVICE_GREY_DELAY: \"abc\" is not a duration (a number of seconds, or 5m, 36h, 35d)"
            ),
            (
                "TPRT_SERVICE_GRAY_DELAY", "5",
                "TPRT_SERVICE_GRAY_DELAY: no such setting (did you mean TPRT_SERVICE_GREY_DELAY?)"
            ),
            ("TPRT_XYZ", "5", "TPRT_XYZ: no such setting"),
            ("TPRT_", "", "TPRT_: no such setting"),
            ("TPRT_SERVER_THREADS", "", "TPRT_SERVER_THREADS: \"\" is not a whole number"),
        ])
    func environmentErrors(name: String, value: String, message: String) {
        #expect(messages(environment: [name: value]) == [message])
    }

    @Test("what a flag says wrongly")
    func flagErrors() {
        #expect(
            messages(flags: [flag("--log_level", "log.log_level", "9")])
                == ["--log_level: 9 is not allowed (whole number, 0 to 3)"])
    }

    @Test("all errors of all sources are told, in their order, and a later good value heals none")
    func allErrors() {
        let found = messages(
            files: [
                file("{\"service\": {\n\"ipv4_mask\": 99,\n\"zzz\": 1}, \"log\": 5}"), file("{", "/second"),
                file("", "/third"),
            ],
            environment: ["TPRT_B": "", "TPRT_A": "", "TPRT_SERVICE_IPV4_MASK": "24"],
            flags: [flag("--delay", "service.grey_delay", "soon")],
            injections: ["x"])
        #expect(
            found == [
                "/etc/tprt.conf:3: log: 5 is not an object of settings ({\"service\": {\"grey_delay\": 300}})",
                "/etc/tprt.conf:2: service.ipv4_mask: 99 is not allowed (whole number, 8 to 32)",
                "/etc/tprt.conf:3: service.zzz: no such setting",
                "/second:1: not JSON: expected a key or \"}\", found the end of the text at column 2",
                "/third:1: not JSON: expected a value, found the end of the text at column 1",
                "TPRT_A: no such setting", "TPRT_B: no such setting",
                "--delay: \"soon\" is not a duration (a number of seconds, or 5m, 36h, 35d)",
                "-i: \"x\" gives no value (section.key=value)",
            ])
    }

    @Test(
        "settings that contradict each other",
        arguments: [
            (
                ["service.grey_retry_window=5m"],
                "-i: service.grey_retry_window: grey_retry_window, 5m, is not longer than grey_delay, 5m "
                    + "(no retry could ever pass)"
            ),
            (
                ["service.grey_delay=1d", "service.grey_retry_window=1d"],
                "-i: service.grey_retry_window: grey_retry_window, 1d, is not longer than grey_delay, 1d "
                    + "(no retry could ever pass)"
            ),
            (
                ["service.grey_max_age=1d"],
                "-i: service.grey_max_age: grey_max_age, 1d, is shorter than grey_retry_window, 2d "
                    + "(entries would be gone before their retry)"
            ),
            (
                ["service.grey_retry_window=36d"],
                "-i: service.grey_retry_window: grey_max_age, 5w, is shorter than grey_retry_window, 36d "
                    + "(entries would be gone before their retry)"
            ),
            (["log.log_type=file"], "-i: log.log_type: log_type is file, and log_file is empty (give log_file a path)"),
        ])
    func conflicts(injections: [String], message: String) {
        #expect(messages(injections: injections) == [message])
    }

    @Test("a conflict names the file and line that brought it")
    func conflictWithLine() {
        #expect(
            messages(files: [file("{service: {\n grey_retry_window: '2m'}}")]).first?
                .hasPrefix("/etc/tprt.conf:2: service.grey_retry_window: ") == true)
    }

    @Test(
        "windows that just fit",
        arguments: [
            ["service.grey_delay=0", "service.grey_retry_window=1m"],
            ["service.grey_max_age=2d"],
            ["log.log_type=file", "log.log_file=/var/log/tprt.log"],
        ])
    func noConflict(injections: [String]) {
        #expect(messages(injections: injections).isEmpty)
    }

    @Test("a complaint stays on one line and is not too long")
    func oneLine() {
        let nasty = String(repeating: "x\n\u{1b}[31m\u{2028}", count: 10_000)
        let found = messages(injections: ["service.ipv4_mask=\(nasty)", nasty, "\(nasty)=5"])
        #expect(found.count == 3)
        for line in found {
            #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x2028 })
            #expect(line.count < 1000)
        }
    }
}

@Suite("What settings are called elsewhere")
struct ForeignNameTests {
    @Test(
        "names of other programs, and parts of ours",
        arguments: [
            ("delay", "service.grey_delay"), ("retry_window", "service.grey_retry_window"),
            ("retry-window", "service.grey_retry_window"), ("max-age", "service.grey_max_age"),
            ("max_age", "service.grey_max_age"), ("auto-whitelist-clients", "service.awl_client_count"),
            ("greylist-text", "service.grey_text"), ("x-greylist-header", "service.grey_smtp_header"),
            ("lookup-by-host", "service.ipv4_mask"), ("lookup-by-subnet", "service.ipv4_mask"),
            ("whitelist-clients", "service.wl_sources"), ("dbdir", "service.grey_db"),
            ("greylist-action", "service.grey_action"), ("hostname", "service.grey_hostname"),
            ("reconnect_delay", "service.grey_delay"), ("max_connect_age", "service.grey_retry_window"),
            ("awl_age", "service.grey_max_age"), ("loglevel", "log.log_level"), ("db", "service.grey_db"),
            ("timeout", "service.grey_retry_window"), ("autowhite", "service.grey_max_age"),
            ("subnetmatch", "service.ipv4_mask"), ("port", "server.socket_listen_port"),
            ("grey-delay", "service.grey_delay"), ("Grey_Delay", "service.grey_delay"),
            ("smtp_header", "service.grey_smtp_header"), ("client_count", "service.awl_client_count"),
            ("allow_regex", "service.allow_wl_regex"),
        ])
    func meant(name: String, key: String) {
        #expect(
            messages(files: [file("{\"service\": {\"\(name)\": 5}}")])
                == ["/etc/tprt.conf:1: service.\(name): no such setting (did you mean \(key)?)"])
    }

    @Test("a variable of the environment")
    func environment() {
        #expect(
            messages(environment: ["TPRT_SERVICE_DELAY": "5"])
                == ["TPRT_SERVICE_DELAY: no such setting (did you mean TPRT_SERVICE_GREY_DELAY?)"])
    }

    @Test(
        "true and false are JSON's own words",
        arguments: [
            (#""no""#, #""no" is not true or false (write false, without quotes)"#),
            (#""True""#, #""True" is not true or false (write true, without quotes)"#),
            ("0", "0 is not true or false (write false, without quotes)"), ("5", "5 is not true or false"),
            (#""maybe""#, #""maybe" is not true or false"#),
        ])
    func booleans(value: String, message: String) {
        #expect(
            messages(files: [file("{\"service\": {\"wl_watch\": \(value)}}")])
                == ["/etc/tprt.conf:1: service.wl_watch: \(message)"])
    }

    @Test("and so without quotes", arguments: [("no", "false"), ("On", "true"), ("off", "false"), ("None", "null")])
    func words(word: String, meant: String) {
        let found = messages(files: [file("{\"service\": {\"wl_watch\": \(word)}}")])
        #expect(found.first?.hasSuffix("(did you mean \(meant)?)") == true, "\(found)")
    }
}

@Suite("What is allowed and hardly meant")
struct SettingHintTests {
    private func hints(_ service: String, server: String = "") throws -> [String] {
        try Configuration.load(files: [file("{\"service\": {\(service)}, \"server\": {\(server)}}")]).hints()
    }

    @Test(
        "variables of other programs",
        arguments: [
            ("Greylisted for %s seconds", ["\"%s\" is sent as it stands; write {wait}"]),
            ("Greylisted, %r", ["\"%r\" is sent as it stands; write {recipient_domain}"]),
            ("wait %d s (%d)", ["\"%d\" is sent as it stands; write {wait}"]),
            ("wait ${wait} s", ["\"${wait}\" is sent as it stands; write {wait}"]),
            (
                "wait $wait s, $host",
                [
                    "\"$wait\" is sent as it stands; write {wait}", "\"$host\" is sent as it stands; write {hostname}",
                ]
            ),
            ("wait <seconds> s", ["\"<seconds>\" is sent as it stands; write {wait}"]),
            ("wait [seconds] s", ["\"[seconds]\" is sent as it stands; write {wait}"]),
            ("wait {{wait}} s", ["\"{{wait}}\" is sent as it stands; write {wait}"]),
            ("wait %(seconds)s s", ["\"%(seconds)s\" is sent as it stands; write {wait}"]),
            ("wait %5d s", ["\"%5d\" is sent as it stands; write {wait}"]),
            ("wait @wait@ s", ["\"@wait@\" is sent as it stands; write {wait}"]),
            (
                "by %v",
                [
                    "\"%v\" is sent as it stands; the variables are {wait}, {delay}, {hostname}, {date} and {recipient_domain}"
                ]
            ),
            ("Greylisted, retry in {wait} seconds", []), ("100% sure, 50% off, 5 $", []), ("mail <postmaster>", []),
        ])
    func text(text: String, messages: [String]) throws {
        #expect(
            try hints("\"grey_text\": \"\(text)\"") == messages.map { "/etc/tprt.conf:1: service.grey_text: \($0)" })
    }

    @Test("postgrey's header")
    func header() throws {
        let found = try hints("\"grey_smtp_header\": \"X-Greylist: delayed %t seconds by postgrey-%v at %h; %d\"")
        #expect(
            found.map { String($0.drop { $0 != "%" }) } == [
                "%t\" is sent as it stands; write {delay}",
                "%v\" is sent as it stands; the variables are {wait}, {delay}, {hostname}, {date} and {recipient_domain}",
                "%h\" is sent as it stands; write {hostname}", "%d\" is sent as it stands; write {date}",
            ])
        #expect(try hints("") == [])
    }

    @Test("a socket that is relative, as Postfix has it")
    func socket() throws {
        let relative = #""socket_type": "unix", "socket_path": "private/postgrey""#
        #expect(try hints("", server: relative).count == 1)
        #expect(try hints("", server: relative)[0].contains("\"/var/spool/postfix/private/postgrey\""))
        #expect(try hints("", server: #""socket_type": "unix", "socket_path": "/run/x""#) == [])
        #expect(try hints("", server: #""socket_path": "private/postgrey""#) == [])
    }
}
