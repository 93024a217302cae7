import Testing

@testable import Programs

/// What Getopt::Long 2.54 made of the same words with postgrey 1.37's list of options.
@Suite("postgrey's command line")
struct PostgreyCommandLineTests {
    @Test(
        "an option is known by all its spellings",
        arguments: [
            ("--inet=10023", .inet, "10023"), ("--inet 10023", .inet, "10023"), ("-inet=10023", .inet, "10023"),
            ("-i 10023", .inet, "10023"), ("-i=10023", .inet, "10023"), ("--i 5", .inet, "5"),
            ("-d", .daemonize, ""), ("--daemonize", .daemonize, ""), ("--daem", .daemonize, ""),
            ("-u /s", .unix, "/s"), ("--unix --exim", .unix, "--exim"), ("--greylist-text -a", .greylistText, "-a"),
            ("--DELAY=5", .delay, "5"), ("--delay=+5", .delay, "5"), ("--delay=-5", .delay, "-5"),
            ("--delay=1_000", .delay, "1000"), ("--x=7", .greylistHeader, "7"),
            ("--syslog-facility=x", .syslogFacility, "x"), ("--syslogfacility=x", .syslogFacility, "x"),
            ("--facility=x", .syslogFacility, "x"), ("--facil=2", .syslogFacility, "2"),
            ("--sys=z", .syslogFacility, "z"),
            ("--auto-whitelist-clients", .autoWhitelistClients, ""), ("--auto", .autoWhitelistClients, ""),
            ("--auto-whitelist-clients=", .autoWhitelistClients, ""),
            ("--auto-whitelist-clients=0", .autoWhitelistClients, "0"),
            ("--auto-whitelist-clients 10", .autoWhitelistClients, "10"),
            ("--auto-whitelist-clients --exim", .autoWhitelistClients, ""),
            ("--no-action", .noaction, ""), ("-n", .noaction, ""), ("--h", .help, ""), ("-h", .help, ""),
            ("-v", .verbose, ""), ("-q", .quiet, ""), ("--text=a=b", .delay, nil),
        ] as [(String, PostgreyCommandLine.Option, String?)])
    func spellings(_ words: String, _ option: PostgreyCommandLine.Option, _ value: String?) throws {
        guard let value else {
            #expect(throws: PostgreyCommandLine.ParseError.self) { try Self.line(words) }
            return
        }
        #expect(try Self.line(words)[option] == value)
    }

    @Test(
        "what is no option of postgrey's, or not one alone, is refused",
        arguments: [
            ("-i10023", "-i10023 is not an option"), ("-vd", "-vd is not an option"), ("---exim", "---exim is not"),
            ("--white=a", "--whitelist-clients, --whitelist-recipients: write it out"), ("--m", "--man, --max-age"),
            ("--lookup-by", "--lookup-by-subnet, --lookup-by-host"), ("--delay", "--delay needs a value"),
            ("--delay=", "--delay needs a value"), ("--unix=", "--unix needs a value"),
            ("--delay=x", "--delay: \"x\" is not a whole number"), ("--privacy=1", "--privacy takes no value"),
        ])
    func refusals(_ words: String, _ message: String) {
        do throws(PostgreyCommandLine.ParseError) {
            _ = try Self.line(words)
            Issue.record("\(words) was taken")
        } catch {
            #expect(error.message.contains(message), "\(error.message)")
        }
    }

    @Test("the last value counts, lists are kept, and other words are told of")
    func several() throws {
        let line = try Self.line("a --delay=1 --whitelist-clients=/x --delay 2 b --whitelist-clients /y -- --exim")
        #expect(line[.delay] == "2")
        #expect(line.all(.whitelistClients) == ["/x", "/y"])
        #expect(line.strayWords == ["a", "b", "--exim"])
        #expect(!line.has(.exim))
    }

    static func line(_ words: String) throws(PostgreyCommandLine.ParseError) -> PostgreyCommandLine {
        try PostgreyCommandLine(words.split(separator: " ").map(String.init))
    }
}
