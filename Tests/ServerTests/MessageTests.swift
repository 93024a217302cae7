import Domains
import Engine
import Greylist
import NIOCore
import SampleOptions
import Storage
import Testing

@testable import Resolver
@testable import SPF
@testable import Server

/// Several recipients of one message: what lets one pass lets others pass, in the order in which they are asked about.
struct MessageTests {
    private func stage(
        carries: Bool = true, store: any Store = MemoryStore(), resolver: DNSResolver? = nil
    ) throws -> LoopStage {
        var options = PolicyEngine.Options.sample()
        options.identity = .spf
        options.carriesMessages = carries
        options.rules.clientCount = 5
        let wording = try Wording(action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-G: {delay}", hostname: "mx")
        return LoopStage(PolicyEngine(options: options, wording: wording), store: store, resolver: resolver)
    }

    private func request(
        _ recipient: String, of message: String, address: String = "192.0.2.1", name: String = "mx.sender.example"
    ) -> [UInt8] {
        let lines = [
            "request=smtpd_access_policy", "protocol_state=RCPT", "client_address=\(address)", "client_name=\(name)",
            "sender=a@sender.example", "recipient=\(recipient)@site.example", "instance=\(message)",
        ]
        return Array((lines.joined(separator: "\n") + "\n\n").utf8)
    }

    private func isDeferred(_ reply: String?) -> Bool { reply?.contains("Greylisted") == true }

    /// A sender that recipient `known` knows, at the beginning of a message.
    private func begun(_ stage: LoopStage) throws -> LoopClient {
        let client = try stage.connect()
        #expect(isDeferred(try client.ask(request("known", of: "m0"))))
        stage.pass(.seconds(400))
        #expect(try client.ask(request("known", of: "m1"))?.hasPrefix("action=PREPEND") == true)
        return client
    }

    @Test(
        "After one that passed, ten new ones of a proven sender pass, and are known from then on; no credit for the client"
    )
    func carried() async throws {
        let store = MemoryStore()
        let stage = try stage(store: store)
        let client = try begun(stage)
        #expect(try client.ask(request("known", of: "m2")) == "action=DUNNO\n\n")
        for number in 1...10 { #expect(try client.ask(request("new\(number)", of: "m2")) == "action=DUNNO\n\n") }
        #expect(stage.log.last?.contains("reason=carried") == true)
        #expect(isDeferred(try client.ask(request("new11", of: "m2"))))
        // Another message begins from scratch, and knows who passed before.
        #expect(isDeferred(try client.ask(request("new12", of: "m3"))))
        #expect(try client.ask(request("new1", of: "m3")) == "action=DUNNO\n\n")
        let passes = try await store.scan(.autoWhitelist, from: nil, limit: 9).entries.map(\.sighting.passes)
        #expect(passes == [1])
    }

    @Test("What was deferred before one passed stays deferred; another connection, and no instance, know nothing of it")
    func order() throws {
        let stage = try stage()
        let client = try begun(stage)
        #expect(isDeferred(try client.ask(request("first", of: "m2"))))
        #expect(try client.ask(request("known", of: "m2")) == "action=DUNNO\n\n")
        #expect(isDeferred(try stage.connect().ask(request("other", of: "m2"))))
        #expect(try client.ask(request("known", of: "")) == "action=DUNNO\n\n")
        #expect(isDeferred(try client.ask(request("late", of: ""))))
    }

    @Test("A sender that isn't proven carries nobody; one that is proven with a later recipient does, from then on")
    func proof() throws {
        let stage = try stage(
            resolver: DNSResolver { request in
                guard case .check(let subject, let reply) = request else { return }
                let isKnown = subject.identity.client == .ipv4(0xc000_0201)
                let outcome = SPFOutcome(
                    result: isKnown ? .pass : .none, grade: isKnown ? .strong : nil, scope: .mailFrom,
                    domain: Array("sender.example".utf8), path: [], problem: nil, dependencies: [])
                reply(.outcome(outcome), .seconds(9_999))
            })
        let client = try stage.connect()
        for address in ["192.0.2.1", "198.51.100.1"] {
            try client.send(request("known", of: "m0", address: address, name: "unknown"))
        }
        stage.endTurn()
        stage.pass(.seconds(400))
        for (address, isProven) in [("192.0.2.1", true), ("198.51.100.1", false)] {
            try client.send(request("known", of: "m1 \(address)", address: address, name: "unknown"))
            stage.endTurn()
            while try client.reply() != nil {}
            try client.send(request("new \(address)", of: "m1 \(address)", address: address, name: "unknown"))
            stage.endTurn()
            #expect(try client.reply() == (isProven ? "action=DUNNO\n\n" : "action=DEFER_IF_PERMIT Greylisted\n\n"))
        }
    }

    @Test("Of recipients that were tried within a minute all pass with the first that does, proven or not")
    func triedTogether() throws {
        let stage = try stage()
        let client = try stage.connect()
        func ask(_ recipient: String, _ message: String) throws -> String? {
            try client.ask(request(recipient, of: message, name: "unknown"))
        }
        for recipient in ["a", "b"] {
            #expect(isDeferred(try ask(recipient, "m0")))
            stage.pass(.seconds(60))
        }
        #expect(isDeferred(try ask("c", "m0")))
        stage.pass(.seconds(170))
        // 290 s after a, 230 s after b, 170 s after c.
        #expect(try ask("a", "m1")?.hasPrefix("action=PREPEND") == true)
        #expect(try ask("b", "m1") == "action=DUNNO\n\n")
        #expect(isDeferred(try ask("c", "m1")))
        #expect(isDeferred(try ask("c", "m2")))
    }

    @Test("Switched off each recipient is judged by itself")
    func off() throws {
        let stage = try stage(carries: false)
        let client = try begun(stage)
        #expect(try client.ask(request("known", of: "m2")) == "action=DUNNO\n\n")
        #expect(isDeferred(try client.ask(request("new", of: "m2"))))
    }
}
