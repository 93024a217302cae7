import ArgumentParser
import Greylist
import Import
import Programs
import Settings
import StoreURLs
import Testing

@testable import tprtctl

@Suite("The command line of import")
struct ImportPlanTests {
    private let state = StateDirectory(environment: ["STATE_DIRECTORY": "/s"])

    private func plan(
        _ arguments: [String], _ change: (inout Configuration) -> Void = { _ in }
    ) throws -> ImportPlan {
        var configuration = Configuration()
        change(&configuration)
        return try ImportPlan(try ImportCommand.parse(arguments), configuration, state: state)
    }

    private func stores(_ plan: ImportPlan) throws -> [StoreLocation?] {
        guard case .stores(let greylist, let autoWhitelist) = plan.target else { return [] }
        return [greylist, autoWhitelist]
    }

    @Test("every kind is one, and none of them can be the URL of a store")
    func kinds() throws {
        for kind in ImportKind.allCases {
            #expect(try plan([kind.rawValue, "x"]).kind == kind)
            let error = #expect(throws: StoreURLError.self) { try StoreLocation(url: "\(kind.rawValue):///var/lib/x") }
            #expect(error?.description.contains("\"tprtctl import \(kind.rawValue) SOURCE\"") == true)
        }
        #expect(throws: (any Error).self) { try ImportCommand.parse(["tprt", "x"]) }
        #expect(throws: (any Error).self) { try ImportCommand.parse(["postgrey"]) }
    }

    @Test("without --to it is the settings' stores, and their control socket comes first")
    func stores() throws {
        let plain = try plan(["postgrey", "x"])
        #expect(try stores(plain) == [.lmdb(path: "/s/tprt.lmdb"), nil])
        #expect(plain.socket == nil && !plain.isSocketNamed && plain.separatesTables)

        let full = try plan(["postgrey", "x"]) {
            $0.server.controlSocket = "/c"
            $0.service.greyDb = "redis://h/1"
            $0.service.awlDb = "lmdb:///a"
            $0.service.awlClientCount = 5
        }
        #expect(try stores(full) == [try StoreLocation(url: "redis://h/1"), .lmdb(path: "/a")])
        #expect(full.socket == "/c" && !full.isSocketNamed && !full.separatesTables)

        let named = try plan(["postgrey", "x", "--socket", "/d"]) { $0.server.controlSocket = "/c" }
        #expect(named.socket == "/d" && named.isSocketNamed)
    }

    @Test("--to is as grey_db alone, without the daemon; --dry-run needs neither")
    func to() throws {
        func change(_ configuration: inout Configuration) {
            configuration.server.controlSocket = "/c"
            configuration.service.awlDb = "lmdb:///a"
            configuration.service.awlClientCount = 5
        }
        let lmdb = try plan(["postgrey", "x", "--to", "lmdb:///b"], change)
        #expect(try stores(lmdb) == [.lmdb(path: "/b"), .lmdb(path: "/b")])
        #expect(lmdb.socket == nil && lmdb.separatesTables)
        let gdbm = try plan(["postgrey", "x", "--to", "gdbm:///d/greylistdb"], change)
        #expect(try stores(gdbm) == [.gdbm(path: "/d/greylistdb"), .gdbm(path: "/d/autowldb")])
        let dry = try plan(["postgrey", "x", "--dry-run", "--to", "nonsense"], change)
        #expect(try stores(dry).isEmpty && dry.socket == nil)
    }

    @Test(
        "what can't be used is refused in one line",
        arguments: [
            (["postgrey", "x", "--to", "sqlgrey:///x"], "--to: sqlgrey: is another greylister, not a store"),
            (["postgrey", "x", "--to", "redis://:s3cret@h/x"], "--to: a redis URL has an invalid database"),
        ])
    func refused(arguments: [String], message: String) throws {
        let error = try #require(throws: ProgramError.self) { try plan(arguments) }
        #expect(error.status == .usage)
        #expect(error.messages.count == 1 && error.messages[0].hasPrefix(message), "\(error.messages)")
    }

    @Test(
        "an option out of its range is refused",
        arguments: [
            ["--ipv4cidr", "33"], ["--ipv6cidr", "129"], ["--ipv4cidr", "-1"], ["--delay=-1"],
            ["--to", "lmdb:///a", "--socket", "/b"],
        ])
    func options(arguments: [String]) {
        #expect(throws: (any Error).self) { try ImportCommand.parse(["postgrey", "x"] + arguments) }
    }

    @Test("--map names columns as a heading has them")
    func map() throws {
        #expect(
            try plan(["sqlgrey", "x", "--map", "src=Client", "--map", "rcpt=To"]).options.columnNames == [
                "client": "src", "to": "rcpt",
            ])
        let cases = [
            ("src", "is not a column and a name"), ("client=src", "is not a column of sqlgrey (it has "),
            ("src=", "is not a column and a name"),
        ]
        for (map, message) in cases {
            let error = #expect(throws: (any Error).self) { try ImportCommand.parse(["sqlgrey", "x", "--map", map]) }
            #expect(ImportCommand.message(for: try #require(error)).contains(message))
        }
        for arguments in [["sqlgrey", "x", "--map", "src=a", "--map", "rcpt=a"], ["postgrey", "x", "--map", "src=a"]] {
            #expect(throws: (any Error).self) { try ImportCommand.parse(arguments) }
        }
    }

    @Test("a store of a greylister's in the settings is refused with what to do")
    func settings() throws {
        let error = try #require(throws: ProgramError.self) {
            try plan(["postgrey", "x"]) { $0.service.greyDb = "postgrey:///var/lib/postgrey" }
        }
        #expect(error.status == .configuration)
        #expect(error.messages[0].hasPrefix("service.grey_db: postgrey: is another greylister, not a store"))
    }

    @Test("the settings of keys are said in words, the same for the same")
    func site() throws {
        var service = Configuration.Service()
        let text = try SiteSettings(service, nil).description
        #expect(
            text
                == "ipv4_mask 24, ipv6_mask 48, nat64_prefixes none, fold_recipient no, hash_grey_db yes, postgrey_digests none, awl_by network"
        )
        let changes: [(inout Configuration.Service) -> Void] = [
            { $0.ipv4Mask = 25 }, { $0.ipv6Mask = 64 }, { $0.nat64Prefixes = ["2001:db8:64::/96"] },
            { $0.foldRecipient = true }, { $0.hashGreyDb = false }, { $0.awlBy = .address },
            { $0.postgreyDigests = "24/64" },
        ]
        for change in changes {
            service = Configuration.Service()
            change(&service)
            #expect(try SiteSettings(service, nil).description != text)
        }
    }
}
