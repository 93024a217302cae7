import ArgumentParser
import Foundation
import Greylist
import Testing
import Whitelists

@testable import tprtctl

/// What `tprtctl whitelist test` says of each kind of entry.
@Suite("tprtctl whitelist test, kind by kind")
struct WhitelistKindsTests {
    private func explanation(_ entry: String, _ arguments: [String]) throws -> String {
        let folder = try TemporaryFolder()
        let path = folder.file("wl.json")
        try Data("{\"l\": [\(entry)]}".utf8).write(to: URL(filePath: path))
        let command = try WhitelistTestCommand.parse(arguments + ["--regex", "--all", "file://\(path)"])
        let specimen = try #require(Specimen(attributes: command.attributes))
        let reading = try command.selection.read()
        #expect(reading.faults.isEmpty, "\(reading.faults)")
        let text = WhitelistExplanation(specimen, reading, at: Timestamp(seconds: 1_795_000_000)).text(showsAll: true)
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
                #""type": "not", "of": {"type": "helo_name", "domain": "a.b"}, "allow_wide": true"#, ["--helo", "c.d"],
                ["--helo", "a.b"], "not (the HELO name is in a.b)"
            ),
        ])
    func kinds(members: String, hit: [String], miss: [String], words: String) throws {
        #expect(try explanation("{\(members)}", hit) == "decides: (l[0])  pass where \(words)")
        #expect(
            try explanation("{\(members)}", miss) == "no entry matches\ndoesn't match: (l[0])  pass where \(words)")
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
