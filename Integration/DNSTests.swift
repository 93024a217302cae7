import Foundation
import Resolver
import SPF
import Synchronization
import TestSupport
import Testing

/// The resolver and a real Unbound.
@Suite("A real DNS server", .blocking)
struct RealDNSTests {
    private static let records = [
        "example. 300 IN SOA ns.example. admin.example. 1 3600 600 86400 60",
        "host.example. 300 IN A 192.0.2.1", "host.example. 300 IN AAAA 2001:db8::1",
        "host.example. 300 IN MX 10 mx.host.example.", "alias.example. 300 IN CNAME host.example.",
        "host.example. 300 IN TXT \"v=spf1 include:i.example\" \" -all\"",
        "i.example. 300 IN TXT \"v=spf1 ip4:192.0.2.0/24 ?all\"",
        "1.2.0.192.in-addr.arpa. 300 IN PTR host.example.",
    ]

    private func question(_ name: String, _ type: DNSRecordType) throws -> DNSQuestion {
        try #require(DNSQuestion(Array(name.utf8), type))
    }

    @Test("Records of each type, names that don't exist, and an SPF record")
    func records() async throws {
        let server = try Unbound(Self.records)
        let resolver = DNSResolver(
            ResolverOptions(servers: [try DNSServer(server.address)], timeout: .seconds(5))
        ) { Issue.record("\($0)") }
        let expected: [(String, DNSRecordType, DNSAnswer)] = [
            ("host.example", .a, .addresses([.ipv4(0xc000_0201)])),
            ("host.example", .aaaa, .addresses([.ipv6(0x2001_0db8 << 96 | 1)])),
            ("host.example", .mx, .exchanges([Array("mx.host.example".utf8)])),
            ("host.example", .txt, .texts([Array("v=spf1 include:i.example -all".utf8)])),
            ("1.2.0.192.in-addr.arpa", .ptr, .names([Array("host.example".utf8)])),
            ("i.example", .a, .noData), ("none.example", .a, .noSuchName),
        ]
        for (name, type, answer) in expected {
            #expect(await resolver.answer(to: try question(name, type)) == answer, "\(name) \(type)")
        }
        let check = await resolver.check(
            SPFSubject(
                client: .ipv4(0xc000_0207), network: 1, hasHost: false, sender: Array("a@host.example".utf8).span,
                helo: Array("host.example".utf8).span))
        guard case .outcome(let outcome) = check else {
            Issue.record("\(check)")
            return
        }
        #expect(outcome.result == .pass && outcome.grade == .strong)
        #expect(resolver.counts.evaluations == 1 && resolver.counts.questions(.late) == 0)
        await resolver.close()
    }

    @Test("A server that is silent for a while is asked again when it is back")
    func outage() async throws {
        let server = try Unbound(Self.records)
        let said = Mutex<[String]>([])
        let options = ResolverOptions(servers: [try DNSServer(server.address)], timeout: .milliseconds(500))
        let resolver = DNSResolver(options) { sentence in said.withLock { $0.append(sentence) } }
        let host = try question("host.example", .a)
        #expect(await resolver.answer(to: host) == .addresses([.ipv4(0xc000_0201)]))
        server.pause(true)
        for index in 0..<5 {
            #expect(await resolver.answer(to: try question("h\(index).example", .a)) == .temporaryError)
        }
        #expect(resolver.counts.isDown)
        let began = ContinuousClock.now
        for index in 0..<100 {
            #expect(await resolver.answer(to: try question("i\(index).example", .a)) == .temporaryError)
        }
        #expect(ContinuousClock.now - began < .milliseconds(400))
        server.pause(false)
        try eventually("the DNS to be back") { () -> Void? in
            let answer = Mutex<DNSAnswer?>(nil)
            let done = DispatchSemaphore(value: 0)
            Task.detached {
                let new = await resolver.answer(to: host)
                answer.withLock { $0 = new }
                done.signal()
            }
            done.wait()
            return answer.withLock(\.self) == .temporaryError ? nil : ()
        }
        #expect(ContinuousClock.now - began < .seconds(8))
        #expect(
            said.withLock(\.self) == [
                "DNS unavailable (\(server.address): 5 questions in a row without an answer in 0.5 seconds); deciding "
                    + "without it",
                "DNS available again",
            ])
        await resolver.close()
    }

    @Test("tprtctl dns test says what is found, and by its status whether something was")
    func command() throws {
        let (server, directory) = (try Unbound(Self.records), try TemporaryDirectory())
        func explain(_ arguments: [String]) throws -> (text: String, ending: ChildProcess.Ending) {
            let tool = try Tprtctl(["dns", "test"] + arguments, stateDirectory: directory.path)
            let ending = try tool.waitForEnd()
            return ((tool.output + tool.errors).joined(separator: "\n").replacing(/[0-9.]+ ms/, with: "T ms"), ending)
        }
        let servers = ["--servers", server.address]
        let found = try explain(["host.example", "--type", "a", "--address", "192.0.2.7"] + servers)
        #expect(found.ending == .exited(0))
        #expect(
            found.text == """
                servers:  \(server.address) (--servers)
                a:        192.0.2.1 (T ms)
                spf:      pass for the sender domain host.example (T ms)
                          include:i.example in the record of host.example
                          ip4:192.0.2.0/24 in the record of i.example
                          strong: the domain names the client
                """)
        #expect(try explain(["none.example"] + servers).ending == .exited(1))
        server.pause(true)
        #expect(try explain(["host.example", "--type", "a"] + servers).ending == .exited(69))
        server.pause(false)
    }
}
