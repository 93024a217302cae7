import Foundation
import NIOCore
import Resolver
import SPF
import ScriptedDNS
import TestSupport
import Testing

/// The resolver with its thread and libunbound, against a server that does as each test likes.
@Suite("The resolver and its servers", .timeLimit(.minutes(1)))
struct ResolverTests {
    @Test("Records of each type are read")
    func records() async throws {
        let server = try ScriptedDNS(zone: [
            .address("host.example", "192.0.2.1"), .address("host.example", "2001:db8::1"),
            .exchange("example", "mx.example"), .exchange("null.example", ""),
            .pointer("1.2.0.192.in-addr.arpa", "host.example"),
            .text("example", "v=spf1 " + String(repeating: "a ", count: 300) + "-all"),
            .alias("alias.example", "host.example"),
        ])
        let live = try await LiveResolver([server.address])
        #expect(try await live.look(up: "host.example") == .addresses([.ipv4(0xc000_0201)]))
        #expect(try await live.look(up: "host.example", .aaaa) == .addresses([.ipv6(0x2001_0db8 << 96 | 1)]))
        #expect(try await live.look(up: "example", .mx) == .exchanges([Array("mx.example".utf8)]))
        #expect(try await live.look(up: "null.example", .mx) == .exchanges([[]]))
        #expect(
            try await live.look(up: "1.2.0.192.in-addr.arpa", .ptr) == .names([Array("host.example".utf8)]))
        #expect(
            try await live.look(up: "example", .txt)
                == .texts([Array(("v=spf1 " + String(repeating: "a ", count: 300) + "-all").utf8)]))
        #expect(try await live.look(up: "alias.example") == .addresses([.ipv4(0xc000_0201)]))
        #expect(try await live.look(up: "none.example") == .noSuchName)
        #expect(try await live.look(up: "host.example", .mx) == .noData)
        await live.resolver.close()
    }

    @Test("A silent server: 1,000 questions at once all have an answer in time, and few are asked")
    func flood() async throws {
        let server = try ScriptedDNS { _ in nil }
        let live = try await LiveResolver([server.address], timeout: .seconds(1))
        let clock = ContinuousClock()
        let began = clock.now
        let answers = try await withThrowingTaskGroup(of: DNSAnswer.self) { group in
            for index in 0..<1_000 { group.addTask { try await live.look(up: "host\(index).example") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: .temporaryError, count: 1_000))
        #expect(clock.now - began < .seconds(60))
        let counts = live.resolver.counts
        #expect(counts.queries <= 256)
        #expect(counts.queries + counts.questions(.a, .tooMany) + counts.questions(.a, .down) == 1_000)
        #expect(counts.isDown && counts.outages == 1)
        #expect(live.said.count == 1)
        #expect(Set(server.requests.map(\.name)).count <= 256)
        await live.resolver.close()
    }

    @Test("300 includes are a permanent error, and few questions")
    func includes() async throws {
        let server = try ScriptedDNS { request in
            guard request.type == 16 else { return DNSResponse(code: 3) }
            let includes = (0..<300).map { "include:i\($0).\(request.name)" }.joined(separator: " ")
            return request.isTCP || request.name != "example.org"
                ? DNSResponse([
                    .text(request.name, request.name == "example.org" ? "v=spf1 \(includes) -all" : "v=spf1 -all")
                ])
                : DNSResponse().with { $0.isTruncated = true }
        }
        let live = try await LiveResolver([server.address])
        let check = await live.check(subject(sender: "a@example.org"))
        guard case .outcome(let outcome) = check else {
            Issue.record("\(check)")
            return
        }
        #expect(outcome.result == .permerror)
        #expect(outcome.problem?.cause == .tooManyTerms)
        #expect(live.resolver.counts.queries == 11)
        await live.resolver.close()
    }

    @Test("Other servers are asked after a change, and what was under way has ended")
    func change() async throws {
        let silent = try ScriptedDNS { _ in nil }
        let other = try ScriptedDNS(zone: [.address("host.example", "192.0.2.1")])
        let live = try await LiveResolver([silent.address], timeout: .seconds(30))
        async let early = live.look(up: "host.example")
        while silent.requests.isEmpty { await Task.yield() }
        live.resolver.change(ResolverOptions(servers: [try DNSServer(other.address)], timeout: .seconds(30)))
        #expect(try await early == .temporaryError)
        #expect(try await live.look(up: "host.example") == .addresses([.ipv4(0xc000_0201)]))
        await live.resolver.close()
    }

    @Test("The next server is asked where one is silent")
    func nextServer() async throws {
        let silent = try ScriptedDNS { _ in nil }
        let other = try ScriptedDNS(zone: [.address("host.example", "192.0.2.1")])
        let live = try await LiveResolver([silent.address, other.address])
        for _ in 0..<4 { #expect(try await live.look(up: "host.example") == .addresses([.ipv4(0xc000_0201)])) }
        await live.resolver.close()
    }

    @Test("Where nobody listens the answer is a temporary error in time")
    func nobodyListens() async throws {
        let live = try await LiveResolver(["127.0.0.1:\(try Ports.free())"], timeout: .seconds(1))
        let began = ContinuousClock.now
        #expect(try await live.look(up: "host.example") == .temporaryError)
        #expect(ContinuousClock.now - began < .seconds(3))
        await live.resolver.close()
    }

    @Test("An answer that comes after its time is nobody's")
    func lateAnswer() async throws {
        let hold = DispatchSemaphore(value: 0)
        // The server's thread waits, which is its own.
        let server = try ScriptedDNS { request in
            if request.name == "late.example" { hold.wait() }
            return DNSResponse([.address(request.name, "192.0.2.1")])
        }
        let live = try await LiveResolver([server.address], timeout: .milliseconds(300))
        #expect(try await live.look(up: "late.example") == .temporaryError)
        for _ in 0..<100 { hold.signal() }
        live.resolver.change(ResolverOptions(servers: [try DNSServer(server.address)], timeout: .seconds(30)))
        #expect(try await live.look(up: "other.example") == .addresses([.ipv4(0xc000_0201)]))
        #expect(live.resolver.counts.questions(.late) == 1 && live.resolver.counts.queriesInFlight == 0)
        await live.resolver.close()
    }

    @Test("What is under way ends with the resolver, and nothing is asked afterwards")
    func close() async throws {
        let server = try ScriptedDNS { _ in nil }
        let live = try await LiveResolver([server.address], timeout: .seconds(30))
        async let answer = live.look(up: "host.example")
        async let check = live.check(subject(sender: "a@example.org"))
        while server.requests.count < 2 { await Task.yield() }
        await live.resolver.close()
        #expect(try await answer == .temporaryError)
        guard case .outcome(let outcome) = await check else {
            Issue.record("the check had no outcome")
            return
        }
        #expect(outcome.result == .temperror)
        #expect(try await live.look(up: "host.example") == .temporaryError)
        #expect(await live.check(subject(sender: "a@example.net")) == .notAsked(.down))
        await live.resolver.close()
    }

    @Test("A resolver that was never asked has no thread to end")
    func idle() async throws {
        let live = try await LiveResolver(["127.0.0.1"])
        await live.resolver.close()
        #expect(try await live.look(up: "host.example") == .temporaryError)
    }

    @Test("Names with blanks and backslashes are asked for as they are")
    func escapes() async throws {
        let server = try ScriptedDNS { DNSResponse([.address($0.name, "192.0.2.1")]) }
        let live = try await LiveResolver([server.address])
        let answer = try await live.look(up: #"a b\.c"d;\065$(x)@.example"#)
        #expect(answer == .addresses([.ipv4(0xc000_0201)]))
        #expect(server.requests.map(\.name) == [#"a b\.c"d;\065$(x)@.example"#])
        await live.resolver.close()
    }

    @Test("Names of private networks and test domains are asked for, too")
    func privateNames() async throws {
        let server = try ScriptedDNS { DNSResponse([.pointer($0.name, "host.test"), .address($0.name, "10.0.0.1")]) }
        let live = try await LiveResolver([server.address])
        #expect(try await live.look(up: "1.0.0.10.in-addr.arpa", .ptr) == .names([Array("host.test".utf8)]))
        for name in ["host.test", "router.home.arpa", "host.local", "host.lan"] {
            #expect(try await live.look(up: name) == .addresses([.ipv4(0x0a00_0001)]), "\(name)")
        }
        await live.resolver.close()
    }

    @Test("A loop keeps an answer as long as it holds")
    func cache() async throws {
        let server = try ScriptedDNS(zone: [
            .address("host.example", "192.0.2.1"), .address("fleeting.example", "192.0.2.2", ttl: 0),
        ])
        let live = try await LiveResolver([server.address])
        let answer = DNSAnswer.addresses([.ipv4(0xc000_0201)])
        #expect(try await live.cached("host.example") == nil)
        #expect(try await live.look(up: "host.example") == answer)
        #expect(try await live.cached("host.example") == answer)
        #expect(try await live.look(up: "fleeting.example") == .addresses([.ipv4(0xc000_0202)]))
        #expect(try await live.cached("fleeting.example") == nil)
        #expect(try await live.look(up: "none.example") == .noSuchName)
        #expect(try await live.cached("none.example") == .noSuchName)
        await live.resolver.close()
    }
}

/// An attempt of 192.0.2.1 to send.
func subject(
    sender: String, helo: String = "host.example", client: UInt32 = 0xc000_0201, network: UInt32 = 1,
    hasHost: Bool = false
) -> SPFSubject {
    SPFSubject(
        client: .ipv4(client), network: network, hasHost: hasHost, sender: Array(sender.utf8).span,
        helo: Array(helo.utf8).span)
}
