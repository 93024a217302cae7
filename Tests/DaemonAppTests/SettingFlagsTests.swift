import ArgumentParser
import Settings
import Testing

@testable import DaemonApp

@Suite("The command line of tprtd")
struct SettingFlagsTests {
    private static let flagged = Configuration.fields.filter { $0.flag != nil }

    @Test("the help lists every field that has a flag, with its form and default", arguments: flagged)
    func helpListsEveryFlag(field: Field) throws {
        let flag = try #require(field.flag)
        let help = TprtdArguments.helpMessage(columns: 400)
        #expect(help.contains("--\(flag.long)"))
        #expect(help.contains(field.summary))
        #expect(help.contains(field.form))
        if let dashed = flag.dashed { #expect(help.contains("--\(dashed)")) }
        if let short = flag.short { #expect(help.contains("-\(short), --\(flag.long)")) }
    }

    @Test("every flag sets its field, in both spellings", arguments: flagged)
    func everyFlagSets(field: Field) throws {
        let flag = try #require(field.flag)
        let text = field.text(in: Configuration())
        for name in [flag.long, flag.dashed].compactMap({ $0 }) {
            let arguments = try TprtdArguments.parse(["--\(name)", text])
            let origin = Origin.flag(name: "--\(flag.long)")
            #expect(arguments.flags.assignments == [Assignment(key: field.key, input: .text(text), origin: origin)])
        }
    }

    @Test(
        "ways to write a flag",
        arguments: [
            (["--delay", "6m"], "service.grey_delay", "6m"), (["--delay=6m"], "service.grey_delay", "6m"),
            (["-l", "3"], "log.log_level", "3"), (["-l3"], "log.log_level", "3"), (["-l=3"], "log.log_level", "3"),
            (["--log_level", "3"], "log.log_level", "3"), (["--log-level", "3"], "log.log_level", "3"),
            (["-l", "1", "--log-level", "3"], "log.log_level", "3"),
            (["--daemonize", "True"], "server.daemonize", "true"), (["--user", ""], "server.user", ""),
            (["--user=-x"], "server.user", "-x"),
            (["--wl_sources", "file:///a,file:///b"], "service.wl_sources", "[\"file:///a\", \"file:///b\"]"),
            (["-i", "service.mode=observe"], "service.mode", "observe"),
            (["--delay", "1", "-i", "service.grey_delay=2", "--delay", "3"], "service.grey_delay", "2s"),
        ])
    func spellings(words: [String], key: String, text: String) throws {
        let loaded = try TprtdArguments.parse(words).load(environment: [:]) { _ in [] }
        #expect(Configuration.field(key)?.text(in: loaded.configuration) == text)
        #expect(Array(loaded.origins.keys) == [key])
    }

    @Test(
        "what is no command line is a usage error with advice",
        arguments: [
            (["--dely", "5"], "Did you mean '--delay'?"), (["--log_levle", "5"], "Did you mean '--log_level'?"),
            (["-x"], "Unknown option '-x'"), (["--delay"], "Missing value for '--delay"),
            (["--delay", "-5"], "Missing value for '--delay"), (["surplus"], "Unexpected argument 'surplus'"),
        ])
    func usageErrors(words: [String], advice: String) throws {
        let error = try #require(throws: (any Error).self) { try TprtdArguments.parse(words) }
        #expect(TprtdArguments.exitCode(for: error) == .validationFailure)
        #expect(TprtdArguments.exitCode(for: error).rawValue == 64)
        #expect(TprtdArguments.fullMessage(for: error).contains(advice))
    }

    @Test("a value that is wrong is an error of its flag")
    func valueErrors() throws {
        let arguments = try TprtdArguments.parse(["--delay=-5", "--log-level", "7"])
        let errors = try #require(throws: SettingErrors.self) { try arguments.load(environment: [:]) { _ in [] } }
        #expect(
            errors.description == """
                --log_level: 7 is not allowed (whole number, 0 to 3)
                --delay: "-5" is negative (a duration is zero or more)
                """)
    }

    @Test("files are read in their order, beneath environment and flags")
    func files() throws {
        let texts = ["/a": "{service: {ipv4_mask: 20, ipv6_mask: 50}}", "/b": "{service: {ipv4_mask: 21}}"]
        let arguments = try TprtdArguments.parse(["-c", "/a", "--configfile", "/b", "--delay", "7"])
        let loaded = try arguments.load(environment: ["TPRT_SERVICE_IPV6_MASK": "60"]) { Array((texts[$0] ?? "").utf8) }
        #expect(loaded.configuration.service.ipv4Mask == 21)
        #expect(loaded.configuration.service.ipv6Mask == 60)
        #expect(loaded.configuration.service.greyDelay == .seconds(7))
    }

    @Test("all files that can't be read are named")
    func unreadable() throws {
        struct Missing: Error, CustomStringConvertible { let description = "No such file or directory" }
        let arguments = try TprtdArguments.parse(["-c", "/a", "-c", "/b"])
        let errors = try #require(throws: SettingErrors.self) {
            try arguments.load(environment: [:]) { _ in throw Missing() }
        }
        #expect(
            errors.errors.map(\.description) == [
                "/a: cannot be read: No such file or directory", "/b: cannot be read: No such file or directory",
            ])
    }

    @Test("the flags that stop at once")
    func otherFlags() throws {
        let arguments = try TprtdArguments.parse(["--check-config", "--print-config", "-v"])
        #expect(arguments.checkConfig && arguments.printConfig && arguments.version)
        let none = try TprtdArguments.parse([])
        #expect(!none.checkConfig && !none.printConfig && !none.version && none.flags.assignments.isEmpty)
        #expect(try TprtdArguments.parse(["--version"]).version)
    }

    @Test("what is printed can be narrowed, and read again as a file")
    func printing() throws {
        let arguments = try TprtdArguments.parse(["--print-config", "--changed", "--delay", "7"])
        let loaded = try arguments.load(environment: [:]) { _ in [] }
        #expect(arguments.printed(loaded) == "service.grey_delay = 7s    # --delay\n")
        let whole = try TprtdArguments.parse(["--print-config", "--json", "--delay", "7"])
        let again = try TprtdArguments.parse(["-c", "/a"]).load(environment: [:]) { _ in
            Array(whole.printed(loaded).utf8)
        }
        #expect(again.configuration == loaded.configuration)
        #expect(again.origins.count == Configuration.fields.count)
    }
}
