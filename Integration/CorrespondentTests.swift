import Foundation
import TestSupport
import Testing

/// Replies to what users sent: through a real Postfix, a real Dovecot, and a real DNS server.
@Suite("Replies", .blocking)
struct CorrespondentTests {
    private static let zone = [
        #"a.example. TXT "v=spf1 ip4:198.51.100.0/24 -all""#,
        #"b.example. TXT "v=spf1 -all""#,
        #"c.example. TXT "v=spf1 ip4:203.0.113.0/24 -all""#,
    ]

    /// A daemon with which nothing passes by having waited.
    private func start(_ lab: Lab, _ outgoing: OutgoingLab, _ dns: Unbound, _ settings: [String] = []) throws -> Daemon
    {
        let all =
            [
                "service.identity=spf", #"service.dns_servers=["\#(dns.address)"]"#,
                #"service.local_domains=["test.invalid"]"#,
            ] + settings
        return try lab.start(at: outgoing.postfix.policyEndpoint, extra: all.flatMap { ["-i", $0] })
    }

    /// What is said of a recipient of a mail that comes from elsewhere.
    private func write(
        _ outgoing: OutgoingLab, from sender: String, to recipient: String = "anna@test.invalid",
        by address: String = "198.51.100.7", name: String = "[UNAVAILABLE]"
    ) throws -> Int {
        let session = try outgoing.postfix.session(as: .init(address: address, name: name))
        defer { try? session.quit() }
        return try session.envelope(from: sender, to: [recipient])[0].code
    }

    /// What users send is written down after it was answered.
    private func passes(_ what: String, _ attempt: () throws -> Int) throws {
        try eventually("\(what) passes", every: 0.2) { try attempt() == 250 ? () : nil }
    }

    @Test("The replies of three people pass at once, by name or by SPF, and from any address; strangers wait")
    func replies() throws {
        try withLab { lab in
            let dns = try Unbound(Self.zone)
            let outgoing = try OutgoingLab(in: lab)
            let daemon = try start(lab, outgoing, dns)
            try outgoing.send(to: ["one@a.example", "two@b.example", "Three+x@C.example"])
            try passes("the first") { try write(outgoing, from: "one@a.example") }
            try passes("the second") {
                try write(outgoing, from: "two@b.example", by: "192.0.2.9", name: "mx.b.example")
            }
            try passes("the third") { try write(outgoing, from: "three@c.example", by: "203.0.113.200") }
            // Others of the organisation, but not to others here, nor from elsewhere.
            #expect(try write(outgoing, from: "colleague@a.example") == 250)
            #expect(try write(outgoing, from: "one@a.example", to: "ben@test.invalid") == 450)
            #expect(try write(outgoing, from: "one@d.example") == 450)
            // A reply comes before its line.
            #expect(try daemon.terminate() == .exited(0))
            let passed = daemon.decisions.filter { $0["action"] == "pass" && $0["recipient"] == "anna@test.invalid" }
            // The last one is known by its organisation already.
            let reasons = passed.map { $0["reason"]?.hasPrefix("correspondent") == true }
            #expect(reasons == [true, true, true, false], "\(daemon.lines)")
            try outgoing.postfix.stop()
            #expect(outgoing.postfix.complaints.isEmpty, "\(outgoing.postfix.complaints)")
            withExtendedLifetime(dns) {}
        }
    }

    @Test("A forged reply waits, and with fast_lane off all do", arguments: ["all", "correspondents", "off"])
    func forged(_ lane: String) throws {
        try withLab { lab in
            let dns = try Unbound(Self.zone)
            let outgoing = try OutgoingLab(in: lab)
            _ = try start(lab, outgoing, dns, ["service.fast_lane=\(lane)"])
            try outgoing.send(to: ["one@a.example"])
            if lane == "off" {
                #expect(try write(outgoing, from: "one@a.example") == 450)
            } else {
                try passes("the reply") { try write(outgoing, from: "one@a.example") }
            }
            for name in ["[UNAVAILABLE]", "host-192-0-2-66.dsl.isp.example", "vps-7.a.example"] {
                #expect(
                    try write(outgoing, from: "one@a.example", to: "anna@test.invalid", by: "192.0.2.66", name: name)
                        == 450)
            }
            withExtendedLifetime(dns) {}
        }
    }

    @Test("What nobody wrote teaches nothing: a vacation message, mail to people here, a client that isn't logged in")
    func nothingLearnt() throws {
        try withLab { lab in
            let dns = try Unbound(Self.zone)
            let outgoing = try OutgoingLab(in: lab, requiresLogin: false)
            let daemon = try start(lab, outgoing, dns)
            try outgoing.send(from: "", to: ["one@a.example"])
            try outgoing.send(to: ["ben@test.invalid"])
            let stranger = try outgoing.postfix.submission()
            #expect(try stranger.envelope(from: "anna@test.invalid", to: ["one@a.example"]).map(\.code) == [554])
            try stranger.quit()
            // What is learnt last is there, so that what came before would be.
            try outgoing.send(to: ["three@c.example"])
            try passes("a real reply") { try write(outgoing, from: "three@c.example", by: "203.0.113.7") }
            #expect(try write(outgoing, from: "one@a.example") == 450)
            #expect(try write(outgoing, from: "one@a.example", to: "postmaster@test.invalid") == 450)
            #expect(try write(outgoing, from: "ben@test.invalid") == 450)
            #expect(try daemon.terminate() == .exited(0))
            // None of it is delayed, either: what refuses the stranger is Postfix.
            let submitted = daemon.decisions.filter { $0["client_address"] == "127.0.0.1" }
            #expect(submitted.count >= 4 && submitted.allSatisfy { $0["action"] == "pass" }, "\(daemon.lines)")
            withExtendedLifetime(dns) {}
        }
    }

    @Test("With learn set to false nothing is learnt, and users aren't delayed")
    func switchedOff() throws {
        try withLab { lab in
            let dns = try Unbound(Self.zone)
            let outgoing = try OutgoingLab(in: lab)
            _ = try start(lab, outgoing, dns, ["service.learn=false"])
            try outgoing.send(to: ["one@a.example"])
            #expect(try write(outgoing, from: "one@a.example") == 450)
            withExtendedLifetime(dns) {}
        }
    }

    @Test("Of one login no more than learn_per_user recipients a day are learnt")
    func bounded() throws {
        try withLab { lab in
            let dns = try Unbound(Self.zone)
            let outgoing = try OutgoingLab(in: lab)
            _ = try start(lab, outgoing, dns, ["service.learn_per_user=2"])
            try outgoing.send(to: ["one@a.example"])
            try passes("the first reply") { try write(outgoing, from: "one@a.example") }
            // The record of a person and that of the organisation are one each, or one together: the third is too many.
            try outgoing.send(to: ["two@b.example"])
            try outgoing.send(to: ["three@c.example"])
            #expect(try write(outgoing, from: "three@c.example", by: "203.0.113.7") == 450)
            withExtendedLifetime(dns) {}
        }
    }
}
