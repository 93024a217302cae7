import ArgumentParser
import Foundation
import JSONText
import Programs
import Resolver
import ScriptedDNS
import TestSupport
import Testing

@testable import tprtctl

@Suite("tprtctl dns test")
struct DNSCommandTests {
    private static let zone: [DNSRecord] = [
        .text("example.org", "v=spf1 include:i.example.org -all"), .text("example.org", "key=\u{1b}x"),
        .text("i.example.org", "v=spf1 ip4:192.0.2.0/24 ?all"), .text("open.example", "v=spf1 +all"),
        .text("bad.example", "v=spf1 ipv4:192.0.2.1"), .exchange("example.org", "mx.example.org"),
        .exchange("null.example", ""), .address("example.org", "192.0.2.1"), .address("example.org", "2001:db8::1"),
        .pointer("7.2.0.192.in-addr.arpa", "host.example.org"),
    ]

    /// Explains a command line, asking a server of the test's; durations are left out.
    private func explain(
        _ arguments: [String], _ server: ScriptedDNS
    ) async throws -> (text: String, json: String, status: CInt) {
        let command = try DNSTestCommand.parse(arguments + ["--servers", server.address])
        let explanation = try await command.explanation()
        func plain(_ text: String) -> String {
            text.replacing(/[0-9.]+ ms/, with: "T ms").replacing(/"ms": [0-9.]+/, with: "\"ms\": T")
                .replacing(server.address, with: "SERVER")
        }
        return (plain(explanation.text), plain(explanation.json.text), explanation.status)
    }

    static let cases: [([String], String, CInt)] = [
        (
            ["example.org"],
            """
            servers:  SERVER (--servers)
            txt:      "v=spf1 include:i.example.org -all" (T ms)
                      "key=\\u001bx"
            mx:       mx.example.org (T ms)
            a:        192.0.2.1 (T ms)
            aaaa:     2001:db8::1 (T ms)
            """, 0
        ),
        (
            ["null.example", "--type", "mx", "--type", "a", "--type", "mx"],
            """
            servers:  SERVER (--servers)
            mx:       . (T ms)
            a:        no such records (T ms)
            """, 0
        ),
        (["none.example", "--type", "a"], "servers:  SERVER (--servers)\na:        no such name (T ms)", 1),
        (["null.example", "--type", "a"], "servers:  SERVER (--servers)\na:        no such records (T ms)", 1),
        (["192.0.2.7"], "servers:  SERVER (--servers)\nptr:      host.example.org (T ms)", 0),
        (
            ["example.org", "--type", "a", "--address", "192.0.2.9"],
            """
            servers:  SERVER (--servers)
            a:        192.0.2.1 (T ms)
            spf:      pass for the sender domain example.org (T ms)
                      include:i.example.org in the record of example.org
                      ip4:192.0.2.0/24 in the record of i.example.org
                      strong: the domain names the client
            """, 0
        ),
        (
            ["example.org", "--type", "a", "--address", "2001:db8::9", "--sender", "", "--helo", "open.example"],
            """
            servers:  SERVER (--servers)
            a:        192.0.2.1 (T ms)
            spf:      pass for the HELO name open.example (T ms)
                      +all in the record of open.example
                      open: the domain names so many that it proves nothing
            """, 1
        ),
        (
            ["example.org", "--type", "a", "--address", "192.0.2.9", "--sender", "a@bad.example"],
            """
            servers:  SERVER (--servers)
            a:        192.0.2.1 (T ms)
            spf:      permerror for the sender domain bad.example (T ms)
                      invalid term: ipv4:192.0.2.1 (bad.example)
            """, 1
        ),
    ]

    @Test("Each answer is said, and what SPF makes of it", arguments: cases)
    func explain(_ arguments: [String], _ text: String, _ status: CInt) async throws {
        let server = try ScriptedDNS(zone: Self.zone)
        let explanation = try await explain(arguments, server)
        #expect(explanation.text == text)
        #expect(explanation.status == status)
    }

    @Test("The same for programs")
    func json() async throws {
        let server = try ScriptedDNS(zone: Self.zone)
        let json = try await explain(["example.org", "--type", "mx", "--address", "192.0.2.9"], server).json
        #expect(
            json == """
                {"answers": [{"answer": "records", "ms": T, "records": ["mx.example.org"], "type": "mx"}], \
                "servers": ["SERVER"], "source": "--servers", "spf": {"domain": "example.org", "grade": "strong", \
                "ms": T, "path": [{"domain": "example.org", "kind": "include", "target": "i.example.org", \
                "term": "include:i.example.org"}, {"domain": "i.example.org", "kind": "ip4", "target": null, \
                "term": "ip4:192.0.2.0/24"}], "problem": null, "result": "pass", "scope": "mailfrom"}}
                """)
    }

    @Test("A server that fails is unavailable")
    func failure() async throws {
        let server = try ScriptedDNS { _ in DNSResponse(code: 2) }
        let explanation = try await explain(["example.org", "--type", "a", "--address", "192.0.2.9"], server)
        #expect(explanation.status == 69)
        #expect(
            explanation.text == """
                servers:  SERVER (--servers)
                a:        no usable answer: the server failed, refused, or isn't there (T ms)
                spf:      temperror for the sender domain example.org (T ms)
                          DNS lookup failed (example.org)
                """)
    }

    @Test("The servers are those of a resolv.conf, else those that the daemon asks")
    func resolvConf() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("resolv.conf")
        try Data("nameserver 192.0.2.1\nnameserver ::1\n".utf8).write(to: URL(filePath: path))
        let command = try DNSTestCommand.parse(["example.org", "--resolv-conf", path])
        let servers = try command.servers.read(environment: ["TPRT_SERVICE_DNS_SERVERS": #"["192.0.2.9"]"#])
        #expect(servers.options.servers.map(\.description) == ["192.0.2.1", "::1"])
        #expect(servers.source == path)
        let file = try directory.write(
            #"{"service": {"dns_servers": ["127.0.0.1:5353"], "dns_timeout": "2s"}}"#, to: "tprt.conf")
        let plain = try DNSTestCommand.parse(["example.org", "-c", file])
        let configured = try plain.servers.read(environment: [:])
        #expect(configured.options.servers.map(\.description) == ["127.0.0.1:5353"])
        #expect(configured.options.timeout == .seconds(2))
        #expect(configured.source == "service.dns_servers")
        let system = try plain.servers.read(environment: [
            "TPRT_SERVICE_DNS_SERVERS": "[]", "TPRT_SERVICE_DNS_RESOLV_CONF": path,
        ])
        #expect(system.options.servers.map(\.description) == ["192.0.2.1", "::1"])
        let missing = try DNSTestCommand.parse(["example.org", "--resolv-conf", path + "x"])
        let error = #expect(throws: ProgramError.self) { () throws in _ = try missing.servers.read(environment: [:]) }
        #expect(error?.status == .noInput)
        #expect(error?.messages == ["\(path)x: file does not exist"])
    }

    @Test(
        "A command line that means nothing is refused",
        arguments: [
            (["a..b"], "\"a..b\" is not a domain name"), ([""], "\"\" is not a domain name"),
            (["192.0.2.1", "--type", "a"], "192.0.2.1 is an address, which has names only (--type ptr)"),
            (["example.org", "--address", "x"], "\"x\" is not an address"),
            (
                ["example.org", "--helo", "x"],
                "--sender and --helo say what --address is checked for, which is missing"
            ),
            (
                ["example.org", "--servers", "localhost"],
                "invalid DNS server \"localhost\" (expected an address, with a port where it isn't 53: 127.0.0.1, "
                    + "127.0.0.1:5353, [::1]:5353)"
            ),
        ])
    func usage(_ arguments: [String], _ message: String) {
        #expect {
            _ = try DNSTestCommand.parse(arguments)
        } throws: { error in
            DNSTestCommand.message(for: error) == message
        }
    }
}
