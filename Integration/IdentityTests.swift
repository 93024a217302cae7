import Foundation
import ScriptedDNS
import TestSupport
import Testing

/// A sender that comes back from another address: real Postfix in front, a DNS server behind.
@Suite("Who a client is", .blocking)
struct IdentityTests {
    private let delay = 2

    /// A daemon that asks a DNS server of the test's.
    private func start(_ lab: Lab, at endpoint: Endpoint? = nil, asking servers: [String]) throws -> Daemon {
        let list = servers.map { "\"\($0)\"" }.joined(separator: ",")
        return try lab.start(
            at: endpoint, delay: delay,
            extra: ["-i", "service.identity=spf", "-i", "service.dns_servers=[\(list)]"])
    }

    private func origin(_ address: String, name: String = "[UNAVAILABLE]") -> SMTPClient.Origin {
        SMTPClient.Origin(address: address.contains(":") ? "IPV6:\(address)" : address, name: name)
    }

    @Test("The second try passes from another network and family, by SPF whatever the sender, and by the host's name")
    func returning() throws {
        try withLab { lab in
            let dns = try Unbound([
                #"pool.example. TXT "v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ip6:2001:db8:1::/48 -all""#,
                #"named.example. TXT "v=spf1 -all""#,
            ])
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue))
            let daemon = try start(lab, at: postfix.policyEndpoint, asking: [dns.address])
            func attempt(_ origin: SMTPClient.Origin, _ sender: String, _ recipient: String) throws -> Int {
                let session = try postfix.session(as: origin)
                defer { try? session.quit() }
                return try session.envelope(from: sender, to: ["\(recipient)@test.invalid"])[0].code
            }
            #expect(try attempt(origin("198.51.100.7"), "one@pool.example", "a") == 450)
            #expect(try attempt(origin("2001:db8:1::7"), "two@pool.example", "a") == 450)
            let host = { (number: Int) in self.origin("192.0.\(number).1", name: "out\(number).named.example") }
            #expect(try attempt(host(1), "one@named.example", "b") == 450)
            // Neither name nor record.
            #expect(try attempt(origin("192.0.9.1"), "one@other.example", "c") == 450)
            Thread.sleep(forTimeInterval: Double(delay) + 1)
            #expect(try attempt(origin("203.0.113.9"), "three@pool.example", "a") == 250)
            #expect(try attempt(origin("2001:db8:1:9::1"), "four@pool.example", "a") == 250)
            #expect(try attempt(host(3), "one@named.example", "b") == 250)
            #expect(try attempt(origin("192.0.8.1"), "one@other.example", "c") == 450)
            #expect(try attempt(origin("192.0.9.1"), "one@other.example", "c") == 250)
            // A reply comes before its line.
            #expect(try daemon.terminate() == .exited(0))
            let reasons = daemon.decisions.compactMap { $0["reason"]?.replacing(/dns_ms=\d+/, with: "dns_ms=N") }
            #expect(
                reasons.filter { $0.hasPrefix("triplet found") } == [
                    "triplet found (identity=pool.example; proof=spf; matched=O; dns_ms=N)",
                    "triplet found (identity=pool.example; proof=spf; matched=O; dns_ms=N)",
                    "triplet found (identity=named.example; proof=name; matched=N)", "triplet found",
                ], "\(daemon.lines)")
            try postfix.stop()
            #expect(postfix.complaints.isEmpty, "\(postfix.complaints)")
            withExtendedLifetime(dns) {}
        }
    }

    @Test("With the DNS dead or silent at either try a pool with names passes at the second, within the budget")
    func withoutDNS() throws {
        try withLab { lab in
            // It says nothing until it is told to.
            let isSilent = Locked(true)
            let dns = try ScriptedDNS { request in
                isSilent.withLock { $0 } ? nil : DNSResponse([.text(request.name, "v=spf1 -all")])
            }
            let daemon = try start(lab, asking: [dns.address])
            func ask(_ address: String, _ sender: String, name: String = "unknown") throws -> (PolicyReply, Double) {
                let begin = uptime()
                let reply = try daemon.ask(PolicyRequest(clientAddress: address, clientName: name, sender: sender))
                return (reply, uptime() - begin)
            }
            let (first, waited) = try ask("192.0.1.1", "a@sender.example", name: "h1.pool.example")
            #expect(first.isGreylisted)
            #expect(waited > 0.9 && waited < 5, "\(waited) s")
            Thread.sleep(forTimeInterval: Double(delay) + 1)
            #expect(try ask("192.0.2.1", "a@sender.example", name: "h2.pool.example").0.addsHeader)
            // It answers again, too late for nobody.
            isSilent.withLock { $0 = false }
            _ = try eventually("the DNS is asked again") {
                let number = Int.random(in: 1...100_000)
                return try ask("203.0.113.9", "a\(number)@pool.example").1 < 0.9 ? true : nil
            }
            withExtendedLifetime(dns) {}
        }
    }

    @Test("Nobody who is known, or has begun to wait, waits for a change of what senders are known by, and back")
    func upgrade() throws {
        try withLab { lab in
            let (known, pending) = (
                PolicyRequest(clientName: "mail.sender.example", sender: "a@sender.example"),
                PolicyRequest(
                    clientName: "mail.sender.example", sender: "b@sender.example", recipient: "b@test.invalid")
            )
            func start(_ method: String) throws -> Daemon {
                try lab.start(
                    delay: 1,
                    extra: ["-i", "service.identity=\(method)", "-i", #"service.dns_servers=["127.0.0.1:9"]"#])
            }
            // As the version before keeps entries: by the network alone.
            var daemon = try start("off")
            #expect(try daemon.ask(known).isGreylisted)
            Thread.sleep(forTimeInterval: 2)
            #expect(try daemon.ask(known).addsHeader)
            #expect(try daemon.ask(pending).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
            Thread.sleep(forTimeInterval: 1)
            var other = PolicyRequest(clientName: "mail2.sender.example", sender: "c@sender.example")
            other.clientAddress = "203.0.113.1"
            daemon = try start("spf")
            #expect(try daemon.ask(known).passes)
            #expect(try daemon.ask(pending).addsHeader)
            // Something new, under three keys.
            #expect(try daemon.ask(other).isGreylisted)
            Thread.sleep(forTimeInterval: 2)
            #expect(try daemon.ask(other).passes)
            #expect(try daemon.terminate() == .exited(0))
            daemon = try start("off")
            for request in [known, pending, other] { #expect(try daemon.ask(request).passes) }
        }
    }

    @Test("Known senders are answered while a thousand new ones wait for a silent DNS, and nobody waits for long")
    func manyAtOnce() throws {
        try withLab { lab in
            let dns = try ScriptedDNS { _ in nil }
            let daemon = try start(lab, asking: [dns.address])
            let known = PolicyRequest(clientName: "mail.sender.example", sender: "a@sender.example")
            #expect(try daemon.ask(known).isGreylisted)
            Thread.sleep(forTimeInterval: Double(delay) + 1)
            #expect(try daemon.ask(known).addsHeader)
            let clients = try (0..<1_000).map { _ in try PolicyClient(to: lab.unixEndpoint) }
            let begin = uptime()
            for (number, client) in clients.enumerated() {
                var request = PolicyRequest.numbered(number, series: "new")
                request.clientName = "unknown"
                request.sender = "s@sender\(number).example"
                try client.send(request)
            }
            for _ in 0..<50 { #expect(try daemon.ask(known).passes) }
            for client in clients { #expect(try client.reply()?.isGreylisted == true) }
            #expect(uptime() - begin < 10)
            for client in clients { client.close() }
            withExtendedLifetime(dns) {}
        }
    }
}
