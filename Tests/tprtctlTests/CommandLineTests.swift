import ArgumentParser
import Greylist
import Programs
import Settings
import Storage
import StoreURLs
import Testing

@testable import tprtctl

@Suite("The command line of store copy")
struct CommandLineTests {
    private let state = StateDirectory(environment: ["STATE_DIRECTORY": "/s"])

    private func plan(
        _ arguments: [String], service: Configuration.Service = Configuration.Service()
    ) throws -> CopyPlan {
        try CopyPlan(try CopyCommand.parse(arguments), service: service, state: state, keys: nil)
    }

    @Test("all tables are copied where the source tells them apart, else the greylist, and that is said")
    func tables() throws {
        let cases: [([String], [Table], assumes: Bool)] = [
            (["lmdb:///a", "lmdb:///b"], Table.allCases, false),
            (["lmdb:///a", "redis://h"], Table.allCases, false),
            (["redis://h", "lmdb:///b", "--from-key-prefix", "p"], Table.allCases, false),
            (["redis://h", "lmdb:///b"], [.greylist], true), (["gdbm:///a", "lmdb:///b"], [.greylist], true),
            (["gdbm:///a", "lmdb:///b", "--table", "auto-whitelist"], [.autoWhitelist], false),
            (["lmdb:///a", "gdbm:///b", "--table", "greylist"], [.greylist], false),
            (["gdbm:///a", "gdbm:///b"], [.greylist], true),
        ]
        for (arguments, tables, assumes) in cases {
            let plan = try plan(arguments)
            #expect(plan.tables == tables, "\(arguments)")
            #expect(plan.assumptions.isEmpty != assumes, "\(arguments)")
        }
    }

    @Test("the state directory and the settings say what the arguments don't")
    func defaults() throws {
        var service = Configuration.Service()
        service.keyPrefix = "tprt:"
        service.greyRetryWindow = .milliseconds(60_500)
        service.greyMaxAge = .seconds(90)
        let plan = try plan(
            ["lmdb://{state_dir}/a", "redis://h/3", "--hash-keys", "--dry-run"], service: service)
        #expect(plan.source == CopyEndpoint(location: .lmdb(path: "/s/a"), keyPrefix: ""))
        #expect(plan.target.keyPrefix == "tprt:")
        #expect(plan.rules.retryWindow == 61 && plan.rules.maxAge == 90)
        #expect(plan.keys == nil && plan.isDryRun)
        let other = try self.plan(["redis://h", "redis://h", "--to-key-prefix", ""], service: service)
        #expect(other.source.keyPrefix == "tprt:" && other.target.keyPrefix.isEmpty)
    }

    @Test(
        "what can't be copied is refused in one line, with what to do instead",
        arguments: [
            (["memory:", "lmdb:///b"], "FROM-URL: a memory: store ends with its process: name another one"),
            (["lmdb:///a", "memory:"], "TO-URL: a memory: store ends with its process: name another one"),
            (["lmdb:///a", "lmdb:///a"], "lmdb:///a would be copied to itself"),
            (["/dev/null", "lmdb:///a"], "FROM-URL: \"/dev/null\" is not a database URL"),
            (["lmdb:///dev/null", "lmdb:///dev/../dev/null"], "would be copied to itself"),
            (["redis://u:s3cret@h/1", "redis://v:s3cret@h/1"], "redis://h:6379/1 would be copied to itself"),
            (["lmdb:///a", "lmdb:///b", "--from-key-prefix", "p"], "--from-key-prefix: only a Redis has one"),
            (["redis://h", "gdbm:///b", "--to-key-prefix", "p"], "--to-key-prefix: only a Redis has one"),
            (["lmdb:///a", "gdbm:///b"], "gdbm:///b holds one table: say which with --table greylist or"),
            (["redis://u:s3cret@h/x", "lmdb:///b"], "FROM-URL: a redis URL has an invalid database"),
        ])
    func refused(arguments: [String], message: String) throws {
        let failure = try #require(throws: ProgramError.self) { try plan(arguments) }
        #expect(failure.status == .usage)
        let message = try #require(failure.messages.first)
        #expect(failure.messages.count == 1)
        #expect(message.contains(message), "\(message)")
        #expect(!message.contains("s3cret") && !message.contains("\n"))
    }

    @Test("two databases, or two prefixes, of one Redis are two stores")
    func twoStores() throws {
        _ = try plan(["redis://h/0", "redis://h/1"])
        _ = try plan(["redis://h/0", "redis://h/0", "--to-key-prefix", "p"])
    }

    @Test("a store describes itself without a password")
    func description() throws {
        let plan = try plan(
            ["redis://u:s3cret@h/1", "rediss+cluster://:s3cret@a,b", "--to-key-prefix", "a\n"])
        #expect("\(plan.source)" == "redis://h:6379/1")
        #expect("\(plan.target)" == #"rediss+cluster://a:6379,b:6379 with keys that begin with "a\n""#)
    }

    @Test(
        "what the parser can't use is said in one line, without what a URL has",
        arguments: [
            ["store", "copy", "a", "b", "redis://u:s3cret@h"], ["store", "copy", "--s3cret://"],
            ["store", "copy", "a", "b", "--table", "redis://u:s3cret@h"], ["redis://u:s3cret h'@h"],
            ["store", "copy", "a", "b", "c", "redis://:'s3cret@h"], ["store", "copy"],
            ["store", "copy", "a", "b", "-c"],
        ])
    func unusable(arguments: [String]) throws {
        let error = try #require(throws: (any Error).self) { try Tprtctl.parseAsRoot(arguments) }
        #expect(Tprtctl.exitCode(for: error) == .validationFailure)
        let failure = ProgramError(commandLine: error)
        #expect(failure.status == .usage)
        #expect(failure.messages.count == 1)
        for message in failure.messages {
            #expect(!message.contains("s3cret@") && !message.contains("s3cret h") && !message.contains("\n"))
            #expect(message.hasSuffix(arguments.first == "store" ? " (see tprtctl store copy --help)" : "--help)"))
        }
    }

    @Test("the help has everything")
    func help() {
        let text = CopyCommand.helpMessage(columns: 120)
        for option in [
            "--configfile", "--table", "--hash-keys", "--from-key-prefix", "--to-key-prefix", "--from-start", "--json",
            "--dry-run", "auto-whitelist",
        ] {
            #expect(text.contains(option))
        }
    }
}
