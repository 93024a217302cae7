import ArgumentParser
import Foundation
import Greylist
import JSONText
import Programs
import TestSupport
import Testing
import Whitelists

@testable import tprtctl

@Suite("tprtctl whitelist")
struct WhitelistCommandTests {
    static let lists = """
        {"friends": [
          {"type": "all", "name": "office", "of": [
            {"type": "ipv4_net", "net": "192.0.2.0/24"}, {"type": "recipient_literal", "recipient": "box@example.com"}]},
          {"type": "sender_literal", "sender": "bob@example.org", "expires": "2020-01-01"},
          {"type": "remote_name", "domain": "example.org", "comment": "they don't retry"},
          {"type": "sender_literal", "sender": "@example.org", "delay": "1m"},
          {"type": "ipv4_net", "net": "10.0.0.0/7"},
          {"type": "sender_regex", "regex": "x"}
        ]}
        """

    private func explanation(_ text: String, _ arguments: [String]) throws -> WhitelistExplanation {
        let directory = try TemporaryDirectory()
        let path = directory.file("wl.json")
        try Data(text.utf8).write(to: URL(filePath: path))
        let command = try WhitelistTestCommand.parse(arguments + ["file://\(path)"])
        let sample = try #require(SampleRequest(attributes: command.attributes))
        return WhitelistExplanation(sample, try command.selection.read(), at: Timestamp(seconds: 1_795_000_000))
    }

    private func names(_ entries: [WhitelistSelection.Entry]) -> [String] {
        entries.map { String($0.location.drop { $0 != "(" }) }
    }

    @Test("the entry that decides is named, and each other one has its reason")
    func explains() throws {
        let explanation = try explanation(
            Self.lists,
            ["--client", "192.0.2.7", "--name", "mx.example.org", "--sender", "bob@example.org", "--recipient", "u@x"])
        #expect(explanation.decides.map { names([$0]) } == ["(friends[2])"])
        #expect(names(explanation.later) == ["(friends[3])"])
        #expect(names(explanation.expired) == ["(friends[1])"])
        #expect(names(explanation.nearly.map(\.entry)) == ["(friends:office)"])
        #expect(explanation.nearly[0].missing.map(\.description) == ["the recipient is box@example.com"])
        #expect(explanation.others.isEmpty)
        let text = explanation.text(showsAll: false)
        #expect(text.hasPrefix("decides: "))
        #expect(text.contains("(friends[2])  pass where the client's name is in example.org  # they don't retry\n"))
        #expect(text.contains("(friends[3])  greylist for 60 s where the sender is @example.org\n"))
        #expect(text.contains("    what doesn't hold: the recipient is box@example.com"))
    }

    @Test("where none matches, that is said, and each is shown when asked for")
    func none() throws {
        let explanation = try explanation(Self.lists, ["--helo", "h", "--attribute", "size=3=4"])
        #expect(explanation.decides == nil)
        #expect(explanation.text(showsAll: false) == "no entry matches\nentries that don't match: 4")
        #expect(explanation.text(showsAll: true).split(separator: "\n").count == 5)
        #expect(explanation.json.text.contains("\"decides\": null"))
    }

    @Test("wide entries and regular expressions are taken when it is said")
    func switches() throws {
        let explanation = try explanation(
            Self.lists, ["--client", "10.1.1.1", "--sender", "xy@z", "--regex", "--force"])
        #expect(explanation.decides.map { names([$0]) } == ["(friends[4])"])
        #expect(names(explanation.later) == ["(friends[5])"])
    }

    @Test(
        "what is no request is a usage error",
        arguments: [["--client", "x"], ["--attribute", "size"], ["--client", "1.2.3.4", "--no-such-option"]])
    func usage(arguments: [String]) {
        #expect(throws: (any Error).self) { try WhitelistTestCommand.parse(arguments) }
    }

    @Test(
        "a client may be an address literal, and come through a translator",
        arguments: [
            ("[192.0.2.7]", "[]", 0), ("64:ff9b::192.0.2.7", "[]", 0), ("[IPv6:2001:db8::c000:207]", "[]", 1),
            ("2001:db8::c000:207", #"["2001:db8::/96"]"#, 0), ("2001:db8::c000:207", #"["2001:db8:1::/96"]"#, 1),
        ])
    func clients(client: String, prefixes: String, status: Int32) throws {
        let directory = try TemporaryDirectory()
        let (lists, settings) = (directory.file("wl.json"), directory.file("tprt.conf"))
        try Data(#"{"l": [{"type": "ipv4_net", "net": "192.0.2.7"}]}"#.utf8).write(to: URL(filePath: lists))
        try Data("{\"service\": {\"nat64_prefixes\": \(prefixes)}}".utf8).write(to: URL(filePath: settings))
        let command = try WhitelistTestCommand.parse(["--client", client, "-c", settings, "file://\(lists)"])
        do {
            try command.run()
            #expect(status == 0)
        } catch let code as ExitCode {
            #expect(code.rawValue == status)
        }
    }

    @Test("a request can't be forged by a line break")
    func lineBreaks() {
        #expect(SampleRequest(attributes: ["client_address": "1.2.3.4", "sender": "a\nrecipient=b"]) == nil)
    }

    @Test("sources are all read, and every fault is told")
    func faults() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("wl.json")
        try Data(Self.lists.utf8).write(to: URL(filePath: path))
        let selection = try WhitelistSelection.parse(["/nonexistent", "file://\(path)"])
        let reading = try selection.read()
        #expect(reading.files.map(\.count) == [4])
        #expect(reading.faults.count == 3)
        #expect(reading.faults[0] == "/nonexistent: file does not exist")
        #expect(throws: ProgramError.self) { try WhitelistSelection.parse(["mysql://u:secret@h"]).read() }
    }
}
