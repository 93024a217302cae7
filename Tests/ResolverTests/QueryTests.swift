import NIOCore
import SPF
import Testing

@testable import Resolver

/// Questions, with a clock that is moved and no servers.
@Suite("Questions to the DNS")
struct QueryTests {
    private static let answer = DNSAnswer.addresses([.ipv4(1)])

    @Test("A question goes out once, and its answer to all who asked")
    func singleFlight() throws {
        var bench = MachineBench()
        for caller in 0..<3 { try bench.look(up: "host.example", for: caller) }
        try bench.look(up: "host.example", .mx, for: 3)
        #expect(bench.names == ["host.example", "host.example"])
        bench.answer(Self.answer, ttl: 30)
        #expect(bench.answers == [0: Self.answer, 1: Self.answer, 2: Self.answer])
        #expect(bench.lifetimes[2] == .seconds(30))
        try bench.look(up: "host.example", for: 4)
        #expect(bench.sent.count == 2)
        #expect(bench.machine.counts.queries == 3)
    }

    @Test(
        "How long an answer holds",
        arguments: [
            (answer, 30, 30), (answer, 0, 0), (.noSuchName, 60, 60), (.noSuchName, nil, 5), (.noData, nil, 5),
            (.temporaryError, 60, 0), (nil, 60, 0),
        ] as [(DNSAnswer?, Int64?, Int64)])
    func lifetime(_ answer: DNSAnswer?, _ ttl: Int64?, _ expected: Int64) throws {
        var bench = MachineBench()
        try bench.look(up: "host.example", for: 0)
        bench.answer(answer, ttl: ttl)
        #expect(bench.answers[0] == answer ?? .temporaryError)
        #expect(bench.lifetimes[0] == .seconds(expected))
        #expect(bench.machine.counts.questions(.unusable) == (answer == nil ? 1 : 0))
    }

    @Test("256 questions are under way at most; a further one is answered at once")
    func bound() throws {
        var bench = MachineBench()
        for caller in 0..<300 { try bench.look(up: "h\(caller).example", for: caller) }
        #expect(bench.sent.count == 256)
        #expect(bench.answers.count == 44 && bench.answers[256] == .temporaryError)
        #expect(bench.machine.counts.questions(.tooMany) == 44)
        #expect(bench.machine.counts.queriesInFlight == 256)
        // One that is under way may be asked for again, and another one takes the place of one that was answered.
        try bench.look(up: "h7.example", for: 1_000)
        bench.answer(Self.answer)
        try bench.look(up: "late.example", for: 1_001)
        #expect(bench.answers[1_000] == nil && bench.answers[1_001] == nil)
        #expect(bench.sent.count == 256)
    }

    @Test("No more callers wait than may")
    func callers() throws {
        var bench = MachineBench { $0.callers = 10 }
        for caller in 0..<9 { try bench.look(up: "host.example", for: caller) }
        bench.check(subject(sender: "a@example.org"), for: 9)
        try bench.look(up: "host.example", for: 10)
        bench.check(subject(sender: "a@example.org"), for: 11)
        bench.check(subject(sender: "a@example.com"), for: 12)
        #expect(bench.answers == [10: .temporaryError])
        #expect(bench.result(11) == "tooManyAtOnce" && bench.result(12) == "tooManyAtOnce")
        bench.answer(Self.answer)
        try bench.look(up: "other.example", for: 13)
        #expect(bench.answers[13] == nil)
    }

    @Test("A question is given up after its time, and its late answer is dropped")
    func timeout() throws {
        var bench = MachineBench()
        try bench.look(up: "host.example", for: 0)
        let number = try #require(bench.sent.first?.number)
        #expect(bench.machine.nextDeadline == at(5_000))
        bench.expire(at: 4_999)
        #expect(bench.answers.isEmpty)
        bench.expire(at: 5_000)
        #expect(bench.answers == [0: .temporaryError])
        #expect(bench.cancelled == [number])
        #expect(bench.machine.nextDeadline == nil)
        bench.change { $0.answer(number, Self.answer, lifetime: .seconds(1), at: at(5_001)) }
        #expect(bench.answers == [0: .temporaryError])
        #expect(bench.machine.counts.questions(.a, .late) == 1 && bench.machine.counts.questions(.answered) == 0)
    }

    /// Lets so many questions go unanswered, one after the other, from `start` on.
    private func fail(_ bench: inout MachineBench, _ count: Int, from start: Int64 = 0) throws {
        for index in 0..<count {
            try bench.look(up: "silent\(index).example", for: 100_000 + Int(start) + index, at: start)
        }
        bench.expire(at: start + 5_000)
    }

    @Test("The DNS goes down with the fifth timeout, and a probe brings it back")
    func outageAndProbe() throws {
        var bench = MachineBench()
        try fail(&bench, 4)
        try bench.look(up: "answered.example", for: 1, at: 5_000)
        bench.answer(Self.answer, at: 5_001)
        try fail(&bench, 4, from: 6_000)
        #expect(bench.outages.isEmpty && bench.renewals == 0)
        // What is under way when the fifth comes ends with it.
        try bench.look(up: "fifth.example", for: 2, at: 11_000)
        try bench.look(up: "sixth.example", for: 3, at: 12_000)
        bench.check(subject(sender: "a@example.org"), for: 4, at: 12_000)
        bench.expire(at: 16_000)
        #expect(bench.outages == [true] && bench.renewals == 1)
        #expect(bench.answers[2] == .temporaryError && bench.answers[3] == .temporaryError)
        #expect(bench.result(4) == "temperror")
        #expect(bench.machine.counts.isDown && bench.machine.counts.queriesInFlight == 0)
        // Down: at once.
        try bench.look(up: "host.example", for: 5, at: 20_999)
        bench.check(subject(sender: "a@example.com"), for: 6, at: 20_999)
        #expect(bench.answers[5] == .temporaryError && bench.result(6) == "down")
        #expect(bench.machine.counts.questions(.down) == 1)
        #expect(bench.machine.counts.checksNotAsked(.down) == 1)
        // The probe, and nothing beside it but who asks the same.
        try bench.look(up: "probe.example", for: 7, at: 21_000)
        try bench.look(up: "probe.example", for: 8, at: 21_000)
        try bench.look(up: "beside.example", for: 9, at: 21_000)
        bench.check(subject(sender: "a@example.com"), for: 10, at: 21_000)
        #expect(bench.names == ["probe.example"])
        #expect(bench.answers[9] == .temporaryError && bench.result(10) == "down")
        // It isn't answered: five more seconds, and nothing is said.
        bench.expire(at: 26_000)
        #expect(bench.answers[7] == .temporaryError)
        try bench.look(up: "host.example", for: 11, at: 30_999)
        #expect(bench.answers[11] == .temporaryError)
        #expect(bench.renewals == 2)
        // Its answer is an error, which may be libunbound's own: likewise.
        try bench.look(up: "probe.example", for: 20, at: 31_000)
        bench.answer(.temporaryError, at: 31_100)
        try bench.look(up: "host.example", for: 21, at: 36_099)
        #expect(bench.answers[20] == .temporaryError && bench.answers[21] == .temporaryError)
        #expect(bench.renewals == 3 && bench.outages == [true])
        // A check may be the probe, too.
        bench.check(subject(sender: "a@example.com"), for: 12, at: 36_100)
        #expect(bench.names == ["example.com"])
        bench.answer(.texts([Array("v=spf1 ip4:192.0.2.1 -all".utf8)]), at: 36_101)
        #expect(bench.result(12) == "pass")
        #expect(bench.outages == [true, false] && bench.machine.counts.outages == 1)
        #expect(!bench.machine.counts.isDown)
        try fail(&bench, 4, from: 37_000)
        #expect(bench.outages == [true, false])
    }

    @Test("Errors between timeouts don't end their row")
    func errorsBetween() throws {
        var bench = MachineBench()
        for round in 0..<5 {
            try fail(&bench, 1, from: Int64(round) * 10_000)
            guard round < 4 else { break }
            try bench.look(up: "e\(round).example", for: round, at: Int64(round) * 10_000 + 6_000)
            bench.answer(.temporaryError, at: Int64(round) * 10_000 + 6_001)
        }
        #expect(bench.outages == [true])
    }

    @Test("Errors are no timeouts: servers that say SERVFAIL are not down")
    func errors() throws {
        var bench = MachineBench()
        for caller in 0..<20 {
            try bench.look(up: "h\(caller).example", for: caller)
            bench.answer(.temporaryError)
        }
        #expect(bench.outages.isEmpty)
    }

    @Test("256 timeouts at once are one outage")
    func manyTimeouts() throws {
        var bench = MachineBench()
        for caller in 0..<1_000 { try bench.look(up: "h\(caller).example", for: caller) }
        bench.expire(at: 5_000)
        #expect(bench.answers.count == 1_000 && bench.answers.values.allSatisfy { $0 == .temporaryError })
        #expect(bench.outages == [true] && bench.renewals == 1)
        #expect(bench.machine.counts.questions(.late) == 256)
    }

    @Test("Other servers: what is under way ends, and nothing is known of them")
    func change() throws {
        var bench = MachineBench()
        try fail(&bench, 5)
        try bench.look(up: "probe.example", for: 0, at: 10_000)
        bench.change { $0.changeServers(timeout: .seconds(2), at: at(10_001)) }
        #expect(bench.answers[0] == .temporaryError)
        #expect(bench.renewals == 2 && !bench.machine.counts.isDown)
        try bench.look(up: "host.example", for: 1, at: 10_002)
        try bench.look(up: "other.example", for: 2, at: 10_002)
        #expect(bench.names == ["host.example", "other.example"])
        #expect(bench.machine.nextDeadline == at(12_002))
    }

    @Test("The end: all are told, and later ones at once")
    func close() throws {
        var bench = MachineBench()
        try bench.look(up: "host.example", for: 0)
        bench.check(subject(sender: "a@example.org"), for: 1)
        bench.change { $0.close(at: at(1)) }
        try bench.look(up: "host.example", for: 2, at: 2)
        bench.check(subject(sender: "a@example.com"), for: 3, at: 2)
        #expect(bench.answers == [0: .temporaryError, 2: .temporaryError])
        #expect(bench.result(1) == "temperror" && bench.result(3) == "down")
    }
}
