import NIOCore
import SPF
import Testing

@testable import Resolver

/// SPF checks, with a clock that is moved and no servers.
@Suite("SPF checks")
struct SPFCheckTests {
    private static let pass = DNSAnswer.texts([Array("v=spf1 ip4:192.0.2.1 -all".utf8)])

    @Test("An outcome is asked for once, and kept as long as its shortest record holds")
    func cache() {
        var bench = MachineBench()
        for caller in 0..<3 { bench.check(subject(sender: "u\(caller)@example.org"), for: caller) }
        #expect(bench.names == ["example.org"])
        bench.answer(.texts([Array("v=spf1 include:i.example -all".utf8)]), ttl: 300)
        #expect(bench.names == ["i.example"])
        bench.answer(Self.pass, ttl: 60, at: 100)
        #expect((0..<3).map { bench.result($0) } == ["pass", "pass", "pass"])
        #expect(bench.lifetimes[0] == .seconds(60))
        bench.check(subject(sender: "x@example.org", network: 9), for: 3, at: 60_099)
        #expect(bench.result(3) == "pass" && bench.lifetimes[3] == .milliseconds(1))
        bench.check(subject(sender: "x@example.org"), for: 4, at: 60_100)
        #expect(bench.names == ["example.org"])
        #expect(bench.machine.counts.evaluations == 2)
    }

    @Test(
        "For how long an outcome is kept",
        arguments: [
            (pass, 100_000, 3_600), (pass, 10, 10), (pass, 0, 0), (.temporaryError, 100, 5), (.noSuchName, 40, 40),
            (.noSuchName, nil, 5), (nil, 100, 5),
        ] as [(DNSAnswer?, Int64?, Int64)])
    func lifetime(_ answer: DNSAnswer?, _ ttl: Int64?, _ expected: Int64) throws {
        var bench = MachineBench()
        bench.check(subject(sender: "a@example.org"), for: 0)
        bench.answer(answer, ttl: ttl)
        #expect(bench.lifetimes[0] == .seconds(expected))
        bench.check(subject(sender: "a@example.org"), for: 1, at: expected * 1_000 - 1)
        bench.check(subject(sender: "a@example.org"), for: 2, at: expected * 1_000)
        #expect((bench.checks[1] != nil) == (expected > 0))
        #expect(bench.checks[2] == nil)
    }

    @Test("An outcome that rests on a failed lookup of the client's names is kept for five seconds")
    func failedName() {
        var bench = MachineBench()
        bench.check(subject(sender: "a@example.org"), for: 0)
        bench.answer(.texts([Array("v=spf1 ptr ?all".utf8)]), ttl: 3_000)
        #expect(bench.names == ["1.2.0.192.in-addr.arpa"])
        bench.answer(.temporaryError)
        #expect(bench.result(0) == "neutral" && bench.lifetimes[0] == .seconds(5))
    }

    @Test("Who waits for an evaluation that turns out to depend on the sender gets one of its own")
    func dependent() {
        var bench = MachineBench()
        for caller in 0..<4 {
            bench.check(subject(sender: "u\(caller / 2)@example.org", helo: "h\(caller).example"), for: caller)
        }
        bench.answer(.texts([Array("v=spf1 exists:%{l}.l.example -all".utf8)]))
        #expect(bench.names == ["u0.l.example"])
        bench.answer(.addresses([.ipv4(1)]))
        #expect(bench.result(0) == "pass" && bench.result(1) == "pass" && bench.checks[2] == nil)
        #expect(bench.names == ["example.org"])
        bench.answer(.texts([Array("v=spf1 exists:%{l}.l.example -all".utf8)]))
        #expect(bench.names == ["u1.l.example"])
        bench.answer(.noSuchName)
        #expect(bench.result(2) == "fail" && bench.result(3) == "fail")
        // Now it is known on what they depend: two senders are two evaluations from the start.
        bench.check(subject(sender: "u0@example.org", helo: "z"), for: 4)
        #expect(bench.result(4) == "pass")
        bench.check(subject(sender: "u2@example.org"), for: 5)
        bench.check(subject(sender: "u3@example.org"), for: 6)
        #expect(bench.machine.counts.evaluationsInFlight == 2)
    }

    @Test(
        "What no domain can have a record for costs no question",
        arguments: ["", "a@[192.0.2.1]", "a@localhost", "a@a..example", "a@" + String(repeating: "x.", count: 200)])
    func noQuestion(_ sender: String) {
        var bench = MachineBench()
        for caller in 0..<50 { bench.check(subject(sender: sender, helo: "[192.0.2.1]"), for: caller) }
        #expect(bench.sent.isEmpty)
        #expect(bench.result(0) == "none" && bench.result(49) == "none")
        #expect(bench.machine.counts.evaluations == 0)
    }

    @Test("A sender longer than any is nobody's, and isn't taken for the null sender")
    func longSender() {
        var bench = MachineBench()
        bench.check(subject(sender: String(repeating: "x", count: 600) + "@example.org", helo: "mx.example"), for: 0)
        #expect(bench.sent.isEmpty && bench.result(0) == "none")
    }

    @Test("A network without a host begins 20 evaluations a minute, one with a host any number")
    func networks() {
        var bench = MachineBench()
        for caller in 0..<25 {
            bench.check(subject(sender: "a@d\(caller).example", network: 7), for: caller, at: 1_000)
            bench.answerAll("v=spf1 -all", at: 1_000)
        }
        #expect((0..<20).allSatisfy { bench.result($0) == "fail" })
        #expect((20..<25).allSatisfy { bench.result($0) == "tooManyFromNetwork" })
        #expect(bench.machine.counts.checksNotAsked(.tooManyFromNetwork) == 5)
        // What is known costs nothing, and other networks have their own.
        bench.check(subject(sender: "a@d0.example", network: 7), for: 30, at: 2_000)
        #expect(bench.result(30) == "fail")
        bench.check(subject(sender: "a@d90.example", network: 8), for: 31, at: 2_000)
        for caller in 100..<160 {
            bench.check(subject(sender: "a@d\(caller).example", network: 7, hasHost: true), for: caller, at: 2_000)
        }
        bench.answerAll("v=spf1 -all", at: 2_000)
        #expect(bench.result(31) == "fail")
        #expect((100..<160).allSatisfy { bench.result($0) == "fail" })
        bench.check(subject(sender: "a@late.example", network: 7), for: 200, at: 60_999)
        #expect(bench.result(200) == "tooManyFromNetwork")
        bench.check(subject(sender: "a@late.example", network: 7), for: 201, at: 61_000)
        #expect(bench.names == ["late.example"])
    }

    @Test("So many networks are counted, and no more")
    func manyNetworks() {
        var bench = MachineBench { ($0.networks, $0.evaluationsPerMinute) = (3, 1) }
        for network in 0..<5 {
            bench.check(subject(sender: "a@n\(network).example", network: UInt32(network)), for: network)
        }
        bench.answerAll("v=spf1 -all")
        // The oldest was forgotten, the newest wasn't.
        bench.check(subject(sender: "a@x.example", network: 4), for: 10)
        bench.check(subject(sender: "a@x.example", network: 0), for: 11)
        #expect(bench.result(10) == "tooManyFromNetwork" && bench.names == ["x.example"])
    }

    @Test("128 evaluations are under way at most")
    func evaluations() {
        var bench = MachineBench()
        for caller in 0..<140 {
            bench.check(subject(sender: "a@d\(caller).example", network: UInt32(caller)), for: caller)
        }
        #expect(bench.machine.counts.evaluationsInFlight == 128)
        #expect((128..<140).allSatisfy { bench.result($0) == "tooManyAtOnce" })
        #expect(bench.machine.counts.checksNotAsked(.tooManyAtOnce) == 12)
        bench.answerAll("v=spf1 -all")
        #expect((0..<128).allSatisfy { bench.result($0) == "fail" })
        #expect(bench.machine.counts.evaluationsInFlight == 0)
    }

    @Test("Questions beyond the bound fail the evaluations that need them, and those end")
    func questions() {
        var bench = MachineBench { $0.queries = 5 }
        bench.check(subject(sender: "a@example.org"), for: 0)
        bench.answer(.texts([Array("v=spf1 mx -all".utf8)]))
        bench.answer(.exchanges((0..<10).map { Array("mx\($0).example".utf8) }))
        #expect(bench.sent.count == 5)
        #expect(bench.machine.counts.questions(.a, .tooMany) == 5)
        for _ in 0..<5 { bench.answer(.noData) }
        #expect(bench.result(0) == "temperror")
    }

    @Test("An evaluation ends after its time, however many questions it still has")
    func timeout() {
        var bench = MachineBench()
        bench.check(subject(sender: "a@example.org"), for: 0)
        bench.answer(.texts([Array("v=spf1 include:a.example include:b.example -all".utf8)]), at: 3_000)
        bench.check(subject(sender: "b@example.org"), for: 1, at: 4_000)
        bench.answer(.texts([Array("v=spf1 -all".utf8)]), at: 4_999)
        #expect(bench.names == ["b.example"])
        #expect(bench.machine.nextDeadline == at(5_000))
        bench.expire(at: 5_000)
        #expect(bench.result(0) == "temperror" && bench.result(1) == "temperror")
        // Its last question goes on by itself, and its answer is nobody's.
        bench.answer(.texts([Array("v=spf1 -all".utf8)]), at: 5_001)
        #expect(bench.checks.count == 2)
    }

    @Test("Answers of one evaluation are used up to 64 KiB")
    func answerBytes() {
        var bench = MachineBench()
        let text = Array(("v=spf1 " + (0..<9).map { "include:i\($0).example " }.joined() + "-all").utf8)
        let filler = Array(repeating: UInt8(ascii: "x"), count: 20_000)
        bench.check(subject(sender: "a@example.org"), for: 0)
        bench.answer(.texts([text, filler]))
        var count = 0
        while !bench.sent.isEmpty, count < 20 {
            bench.answer(.texts([Array("v=spf1 -all".utf8), filler]))
            count += 1
        }
        #expect(bench.result(0) == "temperror")
        #expect(count == 3)
    }

    @Test("300 includes are a permanent error after ten of them")
    func includes() {
        var bench = MachineBench()
        let record = "v=spf1 " + (0..<300).map { "include:i\($0).example" }.joined(separator: " ") + " -all"
        bench.check(subject(sender: "a@example.org"), for: 0)
        bench.answer(.texts([Array(record.utf8)]))
        bench.answerAll("v=spf1 -all")
        #expect(bench.result(0) == "permerror")
        #expect(bench.machine.counts.queries == 11)
    }
}
