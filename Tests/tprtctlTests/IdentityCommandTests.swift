import ArgumentParser
import Foundation
import JSONText
import Programs
import TestSupport
import Testing

@testable import tprtctl

@Suite("tprtctl identity test")
struct IdentityCommandTests {
    private static let suffixes =
        "// ===BEGIN ICANN DOMAINS===\ncom\norg\nexample\nnet\n// ===END PRIVATE DOMAINS===\n"
    private static let identities = "shared mails.example  # 2026-11-29 a mailing service\ntenant shop.example\n"

    /// Explains a command line, with lists of its own.
    private func explain(
        _ arguments: [String], suffixes: String? = suffixes, identities: String = identities
    ) throws -> (text: String, json: String, messages: [String], isProven: Bool) {
        let directory = try TemporaryDirectory()
        let (list, shared) = (directory.file("psl"), directory.file("shared"))
        if let suffixes { try Data(suffixes.utf8).write(to: URL(filePath: list)) }
        try Data(identities.utf8).write(to: URL(filePath: shared))
        let command = try IdentityTestCommand.parse(arguments + ["--suffix-list", list, "--identities", shared])
        let reading = try command.lists.read()
        let explanation = try #require(command.explanation(reading))
        let messages = reading.messages.map { $0.replacing(directory.path, with: "") }
        return (
            explanation.text.replacing(directory.path, with: ""),
            explanation.json(reading).text.replacing(directory.path, with: ""), messages, explanation.isProven
        )
    }

    static let cases: [([String], String, Bool)] = [
        (
            ["mail.example.org", "--sender", "bob@example.org"],
            """
            client:   mail.example.org is a host of example.org; "mail" says that it sends mail
            sender:   example.org belongs to example.org
            proof:    by name: the client is a mail server of the sender's organisation
            """, true
        ),
        (
            ["Example.ORG", "--sender", "Bob@example.org"],
            """
            client:   example.org is a host of example.org; no word says that it sends mail
            sender:   example.org belongs to example.org
            proof:    by name: the client's name is the sender's organisation
            """, true
        ),
        (
            ["vps-1.provider.example", "--sender", "a@provider.example"],
            """
            client:   vps-1.provider.example is a host of provider.example; no word says that it sends mail
            sender:   provider.example belongs to provider.example
            proof:    none by name: the client may be a customer's machine, since no word left of provider.example says \
            that it sends mail; SPF may prove the sender
            """, false
        ),
        (
            ["host-2-7.isp.example", "--address", "192.0.2.7", "--helo", "mx.example.com"],
            """
            client:   host-2-7.isp.example is generic: it holds 192.0.2.7, and no word left of isp.example says that it sends mail
            sender:   has no domain; the HELO name mx.example.com belongs to example.com
            proof:    none by name: the client's name says nothing of who runs it; SPF may prove the sender
            """, false
        ),
        (
            ["mail.pool.isp.example", "--sender", "a@[192.0.2.7]"],
            """
            client:   mail.pool.isp.example is generic: "pool" says that it is a customer's line
            sender:   [192.0.2.7] is an address literal, which nothing proves
            proof:    none by name: the client's name says nothing of who runs it; SPF may prove the sender
            """, false
        ),
        (
            ["unknown"],
            """
            client:   has no confirmed name, so it is known by its network only
            sender:   has no domain, and the HELO name is not a qualified name, so nothing can be proven
            proof:    none by name: the client's name says nothing of who runs it; SPF may prove the sender
            """, false
        ),
        (
            ["mx.a.shop.example", "--sender", "b@b.shop.example"],
            """
            client:   mx.a.shop.example is a host of a.shop.example, below the suffix of a tenant identity; \
            "mx" says that it sends mail
            sender:   b.shop.example belongs to b.shop.example, below the suffix of a tenant identity
            proof:    none by name: the client is another organisation's; SPF may prove the sender
            """, false
        ),
        (
            [
                "out1.mails.example", "--sender", "b-1234-user=example.com@h2.mails.example", "--recipient",
                "User@Example.com",
            ],
            """
            client:   out1.mails.example is a host of mails.example; "out" says that it sends mail
            sender:   h2.mails.example belongs to mails.example
            shared:   mails.example is what unrelated senders have in common (/shared:1, 2026-11-29 a mailing service)
            known as: b-#-RCPT@h#.mails.example
            proof:    by name: the client is a mail server of the sender's organisation
            """, true
        ),
    ]

    @Test("says what each step gives", arguments: cases)
    func steps(arguments: [String], text: String, isProven: Bool) throws {
        let result = try explain(arguments)
        #expect(result.text == text)
        #expect(result.isProven == isProven)
        #expect(result.messages == [])
    }

    @Test("the same as JSON")
    func json() throws {
        let result = try explain(["out1.mails.example", "--sender", "b-1234@mails.example", "--json"])
        let expected = #"""
            {"client": {"address": "0.0.0.0", "finding": "organisation", "name": "out1.mails.example", \#
            "organisation": "mails.example", "tenant": false, "word": "out"}, "notes": [], \#
            "proof": {"proven": true, "reason": "server-word"}, "sender": {"domain": "mails.example", \#
            "finding": "sender-domain", "folded": "b-#@mails.example", "organisation": "mails.example", \#
            "shared": {"comment": "2026-11-29 a mailing service", "domain": "mails.example", "location": "/shared:1"}, \#
            "tenant": false}, "suffix_list": {"built_in": false, "rules": 4}}
            """#
        #expect(result.json == expected)
        let unknown = try explain(["unknown"]).json
        #expect(unknown.contains(#""name": null, "organisation": null, "tenant": false, "word": null}"#))
        #expect(unknown.contains(#""folded": null, "organisation": null, "shared": null"#))
    }

    @Test(
        "what is wrong with the lists is said, and the rest holds",
        arguments: [
            (nil, "tenant x", "public suffix list /psl: file is missing or can't be read"),
            ("<html>", "tenant x", "public suffix list /psl: file is HTML, not a list of suffixes"),
            (suffixes, "oops\nshared a.example", "/shared:1: unknown word \"oops\""),
            (suffixes, "shared b.a.example", "/shared:1: b.a.example never matches, its organisation is a.example"),
            (suffixes, "<html>", "identities /shared: file is HTML, not a list of identities"),
            (suffixes, "!a.example", "/shared:1: no file before has a.example, so there is nothing to take out"),
        ])
    func faults(suffixes: String?, identities: String, message: String) throws {
        let result = try explain(
            ["mail.example.org", "--sender", "bob@example.org"], suffixes: suffixes, identities: identities)
        #expect(result.messages.contains { $0.hasPrefix(message) }, "\(result.messages)")
        #expect(result.isProven)
    }

    @Test("a file that is named must be there")
    func missing() throws {
        let lists = try IdentityLists.parse(["--identities", "/nonexistent/list"])
        let error = #expect(throws: ProgramError.self) { try lists.read() }
        #expect(error?.status == .noInput)
        #expect(error?.messages == ["/nonexistent/list: file does not exist"])
    }

    @Test("the status says whether the names prove it")
    func status() throws {
        try IdentityTestCommand.parse(["example.org", "--sender", "a@example.org"]).run()
        let error = #expect(throws: ExitCode.self) { try IdentityTestCommand.parse(["unknown"]).run() }
        #expect(error?.rawValue == 1)
    }

    @Test("what can't be asked is a usage error", arguments: [[], ["--address", "x", "mx.example.org"], ["a", "b"]])
    func usage(arguments: [String]) {
        #expect(throws: (any Error).self) { try IdentityTestCommand.parse(arguments) }
    }
}
