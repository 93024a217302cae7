import ArgumentParser
import Foundation
import Greylist
import Programs
import Settings
import TestSupport
import Testing
import WhitelistFiles
import Whitelists

@testable import tprtctl

/// What `tprtctl whitelist test` says of each kind of entry.
@Suite("tprtctl whitelist test, kind by kind")
struct WhitelistKindsTests {
    private func explanation(_ entry: String, _ arguments: [String]) throws -> String {
        let directory = try TemporaryDirectory()
        let path = directory.file("wl.json")
        try Data("{\"l\": [\(entry)]}".utf8).write(to: URL(filePath: path))
        let command = try WhitelistTestCommand.parse(arguments + ["--regex", "--all", "file://\(path)"])
        let sample = try #require(SampleRequest(attributes: command.attributes))
        let reading = try command.selection.read()
        #expect(reading.faults.isEmpty, "\(reading.faults)")
        let explanation = WhitelistExplanation(
            sample, reading, at: Timestamp(seconds: 1_795_000_000), knowing: try command.facts())
        let text = explanation.text(showsAll: true)
        return text.replacing("\(path):1", with: "")
    }

    @Test(
        "an entry of each kind decides, or doesn't, and is said in words",
        arguments: [
            (
                #""type": "ipv4_net", "net": "192.0.2.0/24""#, ["--client", "192.0.2.255"], ["--client", "192.0.3.0"],
                "the client is in 192.0.2.0/24"
            ),
            (
                #""type": "ipv6_net", "net": "2001:db8::/32""#, ["--client", "2001:db8:ffff::1"],
                ["--client", "2001:db9::"], "the client is in 2001:db8::/32"
            ),
            (
                #""type": "remote_name", "domain": "a.example""#, ["--name", "MX.A.example"], ["--name", "xa.example"],
                "the client's name is in a.example"
            ),
            (
                #""type": "remote_regex", "regex": "mx\\d""#, ["--name", "MX1.a.example"], ["--name", "a.mx1.example"],
                #"the client's name begins with /mx\d/"#
            ),
            (
                #""type": "helo_name", "domain": "a.example""#, ["--helo", "a.example"], ["--name", "a.example"],
                "the HELO name is in a.example"
            ),
            (
                #""type": "helo_regex", "regex": "\\d$", "anywhere": true"#, ["--helo", "mx1"], ["--helo", "mx"],
                #"the HELO name has /\d$/"#
            ),
            (
                #""type": "sender_literal", "sender": "bob@a.example""#, ["--sender", "Bob+x@A.example"],
                ["--sender", "bobby@a.example"], "the sender is bob@a.example"
            ),
            (
                #""type": "sender_domain", "domain": "a.example""#, ["--sender", "x@mail.a.example"],
                ["--sender", "a.example@b.example"], "the sender's domain is in a.example"
            ),
            (
                #""type": "sender_regex", "regex": "b.*@a""#, ["--sender", "bob@a.example"],
                ["--sender", "rob@a.example"], "the sender begins with /b.*@a/"
            ),
            (
                #""type": "recipient_literal", "recipient": "abuse""#, ["--recipient", "abuse@b.example"],
                ["--sender", "abuse@b.example"], "the recipient is abuse@"
            ),
            (
                #""type": "recipient_domain", "domain": "b.example""#, ["--recipient", "x@b.example"],
                ["--recipient", "x@c.example"], "the recipient's domain is in b.example"
            ),
            (
                #""type": "recipient_regex", "regex": "list-", "anywhere": true"#,
                ["--recipient", "a-list-b@b.example"],
                ["--recipient", "list@b.example"], "the recipient has /list-/"
            ),
            (
                #""type": "attribute", "name": "encryption_protocol", "matches": "TLSv1.3""#,
                ["--attribute", "encryption_protocol=tlsv1.3"], ["--attribute", "encryption_protocol=TLSv1.2"],
                "encryption_protocol is TLSv1.3"
            ),
            (
                #""type": "attribute", "name": "size", "regex": "9""#, ["--attribute", "size=99"],
                ["--attribute", "size=19"], "size begins with /9/"
            ),
            (
                #""type": "any", "of": [{"type": "helo_name", "domain": "a.b"}, {"type": "helo_name", "domain": "c.d"}]"#,
                ["--helo", "c.d"], ["--helo", "e.f"], "(the HELO name is in a.b or the HELO name is in c.d)"
            ),
            (
                #""type": "client_generic", "allow_wide": true"#,
                ["--client", "192.0.2.7", "--name", "dyn-192-0-2-7.isp.example"],
                ["--client", "192.0.2.7", "--name", "mx.isp.example"], "the client's name is generic"
            ),
            (
                #""type": "identity", "domain": "a.example""#, ["--name", "mx.a.example", "--sender", "Bob@A.example"],
                ["--name", "mx.b.example", "--sender", "bob@b.example"], "the client is proven to send for a.example"
            ),
            (
                #""type": "identity", "domain": "a.example""#, ["--sender", "bob@a.example", "--spf", "pass"],
                ["--sender", "bob@a.example", "--spf", "fail"], "the client is proven to send for a.example"
            ),
            (
                #""type": "identity", "domain": "a.example""#, ["--identity", "A.example."],
                ["--identity", "b.example"], "the client is proven to send for a.example"
            ),
            (
                #""type": "proof", "is": "name", "allow_wide": true"#,
                ["--name", "mx.a.example", "--sender", "bob@a.example"],
                ["--sender", "bob@a.example", "--spf", "pass"],
                "the client's name proves the sender's organisation"
            ),
            (
                #""type": "proof", "is": "spf", "allow_wide": true"#, ["--identity", "a.example", "--spf", "none"],
                ["--sender", "bob@a.example", "--spf", "none"], "SPF proves the sender's organisation"
            ),
            (
                #""type": "spf", "result": "softfail", "allow_wide": true"#, ["--spf", "softfail"], ["--spf", "fail"],
                "the result of SPF is softfail"
            ),
            (
                #""type": "dns_list", "zone": "l.example", "matches": "127.0.*.3""#,
                ["--dns-list", "l.example=127.0.0.2", "--dns-list", "l.example=127.0.5.3"],
                ["--dns-list", "L.example.="], "the client is listed in l.example as 127.0.*.3"
            ),
            (
                #""type": "not", "of": {"type": "helo_name", "domain": "a.b"}, "allow_wide": true"#, ["--helo", "c.d"],
                ["--helo", "a.b"], "not (the HELO name is in a.b)"
            ),
        ])
    func kinds(members: String, hit: [String], miss: [String], words: String) throws {
        #expect(try explanation("{\(members)}", hit) == "decides: (l[0])  pass where \(words)")
        #expect(
            try explanation("{\(members)}", miss) == "no entry matches\ndoesn't match: (l[0])  pass where \(words)")
    }

    @Test("what the DNS would have to say is named, and what is decided without it")
    func questions() throws {
        let entries = #"""
            {"type": "dns_list", "zone": "l.example"}, {"type": "spf", "result": "fail", "delay": "1h"}, \#
            {"type": "dns_list", "zone": "m.example", "greylist": true}
            """#
        let open = "matches or not, by what the DNS says: "
        let place = ["--client", "192.0.2.7"]
        #expect(
            try explanation(entries, place).split(separator: "\n").map(String.init) == [
                "to be asked: SPF, 7.2.0.192.l.example; without an answer:", "no entry matches",
                "\(open)(l[0])  pass where the client is listed in l.example",
                "\(open)(l[1])  greylist for 3600 s where the result of SPF is fail",
                "\(open)(l[2])  greylist where the client is listed in m.example",
            ])
        #expect(
            try explanation(entries, place + ["--dns-list", "l.example=127.0.0.2"])
                .hasPrefix("decides: (l[0])  pass where"))
        #expect(
            try explanation(entries, place + ["--dns-list", "l.example=", "--spf", "fail"])
                .hasPrefix("decides: (l[1])  greylist for 3600 s where"))
    }

    @Test(
        "what can't be said of a client is a usage error",
        arguments: [
            ["--spf", "maybe"], ["--identity", "a..b"], ["--identity", "a.example", "--spf", "fail"],
            ["--dns-list", "l.example"], ["--dns-list", "l.example=::1"], ["--dns-list", "l=127.0.0.2"],
            ["--dns-list", "l.example=127.0.0.*"],
        ])
    func usage(arguments: [String]) {
        #expect(throws: (any Error).self) { try WhitelistTestCommand.parse(arguments) }
    }

    @Test("of a combination that holds in part, what is missing is said")
    func combination() throws {
        let entry = #"""
            {"type": "all", "of": [{"type": "helo_name", "domain": "a.b"}, {"type": "not", "of": {"type": "ipv4_net",
             "net": "192.0.2.0/24"}}], "delay": "1m"}
            """#
        #expect(
            try explanation(entry, ["--helo", "a.b", "--client", "192.0.2.1"])
                == """
                no entry matches
                matches in part: (l[0])  greylist for 60 s where (the HELO name is in a.b and not (the client is in \
                192.0.2.0/24))
                    what doesn't hold: not (the client is in 192.0.2.0/24)
                """)
    }
}

@Suite("Files of packages, and what killed editors leave")
struct VendorFileTests {
    @Test("a file that a package brought isn't edited, and the place for the entry is named")
    func vendor() throws {
        let directory = try TemporaryDirectory()
        let (vendor, own) = (directory.file("vendor"), directory.file("own"))
        for path in [vendor, own] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
        try FileManager.default.createSymbolicLink(atPath: directory.file("link"), withDestinationPath: vendor)
        var service = Configuration.Service()
        service.wlSources = ["file:///x", "dir://\(own)?vendor=\(vendor)"]
        let files = VendorFiles(service)
        for path in ["\(vendor)/10.json", "\(directory.file("link"))/10.json"] {
            let failure = try #require(throws: ProgramError.self) { try files.refuse(path) }
            #expect(failure.status == .usage)
            #expect(failure.messages[0].contains("(such as \(own)/50-local.json); a file 10.json there"))
        }
        for path in ["/usr/share/tprt/whitelist.d/10.json", "/usr/lib/x.json"] {
            let failure = try #require(throws: ProgramError.self) { try files.refuse(path) }
            #expect(failure.messages[0].contains("add to a file below /etc"))
        }
        for path in ["\(own)/10.json", "/etc/tprt/wl.json", "/usr/local/etc/wl.json", directory.file("none/x"), "x"] {
            try files.refuse(path)
        }
    }

    @Test("what a killed edit left is removed by the next one, and nothing else")
    func remains() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("wl.json")
        let others = [".wl.json.swp", ".other.json.tprtctl-1", ".wl.json.abc", "wl.json.tprtctl-1"]
        for name in others + [".wl.json.tprtctl-3w5e11264sgsf", "wl.json"] {
            try Data("{}".utf8).write(to: URL(filePath: directory.file(name)))
        }
        try FileManager.default.createSymbolicLink(
            atPath: directory.file(".wl.json.tprtctl-link"), withDestinationPath: path)
        _ = try WhitelistTarget.edit(path, mustExist: true) { _ in false }
        #expect(directory.names.sorted() == (others + [".wl.json.tprtctl-link", "wl.json"]).sorted())
        // What is just being written has such a name, and a directory of whitelists doesn't look at it.
        let source = try WhitelistSource("dir://\(directory.path)") { _ in nil }
        #expect(try source.documents().map(\.path) == [path])
    }

    @Test("postgrey's .local that isn't there isn't shown")
    func missingLocal() throws {
        let directory = try TemporaryDirectory()
        try Data("mx.example.org\n".utf8).write(to: URL(filePath: directory.file("clients")))
        let url = "postgrey-clients://\(directory.file("clients"))"
        #expect(try WhitelistSelection.parse([url]).read().files.map(\.path) == [directory.file("clients")])
        try Data().write(to: URL(filePath: directory.file("clients.local")))
        #expect(try WhitelistSelection.parse([url]).read().files.map(\.count) == [1, 0])
    }
}

@Suite("Words of the command line")
struct CommandWordsTests {
    @Test(
        "a mistyped command",
        arguments: [
            (["whitelst", "list"], "unknown command \"whitelst\" (did you mean whitelist?; see tprtctl --help)"),
            (["whitelist", "lst"], "unknown command \"lst\" (did you mean list?; see tprtctl whitelist --help)"),
            (["whitelist", "--json", "Check"], "(did you mean check?; see tprtctl whitelist --help)"),
            (["store", "kopy", "a", "b"], "did you mean copy?"), (["relaod"], "did you mean reload?"),
            (
                ["xyzzy"],
                "(there are dns, forget, history, identity, import, learn, list, migrate, privacy, release, reload, report, simulate, status, store, web, whitelist, why; see tprtctl --help)"
            ),
            (["redis://u:s3cret@h"], "unknown command (there are"),
        ])
    func unknown(words: [String], message: String) throws {
        let failure = try #require(CommandWords(words).unknownCommand)
        #expect(failure.status == .usage)
        #expect(failure.messages[0].contains(message), "\(failure.messages)")
        #expect(!failure.messages[0].contains("s3cret"))
    }

    @Test(
        "what is no such fault",
        arguments: [[], ["reload", "x"], ["whitelist", "check", "x"], ["help", "x"], ["store", "--x"]])
    func known(words: [String]) {
        #expect(CommandWords(words).unknownCommand == nil)
    }

    @Test("an error is JSON where the result is to be that")
    func json() {
        #expect(CommandWords(["reload", "--json"]).wantJSON)
        #expect(!CommandWords(["whitelist", "test", "--", "--json"]).wantJSON)
        #expect(
            ProgramError(.configuration, ["a \"b\"", "c\u{202e}"]).json
                == #"{"errors": ["a \"b\"", "c\u202e"], "status": 78}"#)
    }
}
