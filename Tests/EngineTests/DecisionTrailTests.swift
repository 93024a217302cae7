import Engine
import Greylist
import Policy
import Testing

/// Decisions on their way to the history, and what is counted of them.
struct DecisionTrailTests {
    private static let now = Timestamp(seconds: 1_796_000_000)

    private func flush(_ records: [DecisionRecord], to queue: DecisionQueue) throws {
        var trail = DecisionTrail(to: queue)
        let request = try PolicyEngineTests.request()
        for record in records { trail.append(record, on: request, at: Self.now) }
        trail.flush()
    }

    private func taken(from queue: DecisionQueue) -> (batch: DecisionBatch, dropped: Int) {
        var batch = DecisionBatch()
        let dropped = queue.take(into: &batch)
        return (batch, dropped)
    }

    @Test("a decision keeps what was said, its numbers, and its texts as bytes, cut at 512")
    func texts() throws {
        let request = try PolicyEngineTests.request([
            ("client_name", nil), ("sender", "\u{1}'; DROP TABLE\\x"),
            ("helo_name", String(repeating: "h", count: 600)),
        ])
        var batch = DecisionBatch()
        batch.append(DecisionRecord(.judged(.early(wait: 200, delay: 100))), on: request, at: Self.now)
        batch.append(DecisionRecord(.judged(.retried(delay: 301))), on: try PolicyEngineTests.request(), at: Self.now)
        var all = DecisionBatch()
        all.append(contentsOf: batch)
        all.append(contentsOf: batch)
        #expect(all.count == 4)
        for index in [0, 2] {
            let early = all.decisions[index]
            #expect(early.reason == .early && early.isDeferral && !early.isObserved)
            #expect(early.wait == 200 && early.delay == 100 && early.time == Self.now)
            #expect(Array(all.text(.sender, of: early)) == Array("\u{1}'; DROP TABLE\\x".utf8))
            #expect(Array(all.text(.clientName, of: early)) == Array("unknown".utf8))
            #expect(all.text(.helo, of: early).count == 512)
            #expect(all.text(.organisation, of: early).isEmpty && all.text(.entry, of: early).isEmpty)
            let retried = all.decisions[index + 1]
            #expect(retried.reason == .retried && !retried.isDeferral && retried.delay == 301 && retried.wait == nil)
        }
    }

    @Test("what greylisting has no say in, and what is asked elsewhere than at RCPT, is not kept")
    func notOurs() throws {
        let queue = DecisionQueue(limit: 100)
        try flush(Reason.NotOurs.allCases.map { DecisionRecord(.notOurs($0)) }, to: queue)
        let (batch, dropped) = taken(from: queue)
        #expect(batch.decisions.map(\.reason) == [.nullSender] && dropped == 0)
    }

    @Test("beyond its limit decisions are counted alone; those that pass as usual find no room in the second half")
    func limit() throws {
        let queue = DecisionQueue(limit: 10)
        try flush(Array(repeating: DecisionRecord(.judged(.known)), count: 8), to: queue)
        #expect(taken(from: queue).batch.count == 5)
        try flush(Array(repeating: DecisionRecord(.judged(.known)), count: 8), to: queue)
        var first = DecisionTrail(to: queue)
        let request = try PolicyEngineTests.request()
        // It learns of the room at its first flush.
        for _ in 0..<8 { first.append(DecisionRecord(.judged(.new(wait: 300))), on: request, at: Self.now) }
        first.flush()
        #expect(taken(from: queue).batch.count == 5)
        for _ in 0..<12 { first.append(DecisionRecord(.judged(.new(wait: 300))), on: request, at: Self.now) }
        first.flush()
        for _ in 0..<20 { first.append(DecisionRecord(.judged(.new(wait: 300))), on: request, at: Self.now) }
        first.flush()
        let (batch, dropped) = taken(from: queue)
        #expect(batch.count + dropped == 32 && batch.count <= 10)
    }

    @Test("what was dropped is told once, and there is room again")
    func dropped() throws {
        let queue = DecisionQueue(limit: 4)
        try flush(Array(repeating: DecisionRecord(.judged(.new(wait: 300))), count: 7), to: queue)
        var (batch, dropped) = taken(from: queue)
        #expect(batch.count == 4 && dropped == 3)
        (batch, dropped) = taken(from: queue)
        #expect(batch.count == 0 && dropped == 0)
        try flush([DecisionRecord(.storeFailed)], to: queue)
        #expect(taken(from: queue).batch.decisions.map(\.reason) == [.storeUnavailable])
    }

    @Test("each reason has a code of its own, and the words of the log")
    func codes() {
        #expect(Set(ReasonCode.allCases.map(\.rawValue)).count == ReasonCode.allCases.count)
        #expect(ReasonCode.allCases.enumerated().allSatisfy { Int($1.rawValue) == $0 })
        #expect(Reason.judged(.released).text.description == "released")
        #expect(ReasonCode.retried.text.description == ReasonCode.known.text.description)
    }
}

/// What is counted of decisions.
struct DecisionCountersTests {
    @Test("decisions are counted by reason, state, proof and key, and added up")
    func counts() throws {
        var counters = DecisionCounters()
        let request = try PolicyEngineTests.request()
        counters.note(DecisionRecord(.judged(.new(wait: 300)), reply: .action([])), on: request)
        counters.note(DecisionRecord(.judged(.retried(delay: 301))), on: request)
        counters.note(DecisionRecord(.judged(.retried(delay: 90_000))), on: request)
        counters.note(DecisionRecord(.judged(.known)), on: try PolicyEngineTests.request([("protocol_state", nil)]))
        let data = try PolicyEngineTests.request([("protocol_state", "DATA")])
        counters.note(DecisionRecord(.notOurs(.otherState)), on: data)
        counters.note(
            DecisionRecord(.notOurs(.otherState)), on: try PolicyEngineTests.request([("protocol_state", "X")]))
        var sum = counters
        sum += counters
        #expect(sum.deferrals[Int(ReasonCode.new.rawValue)] == 2 && sum.deferrals.reduce(0, +) == 2)
        #expect(sum.passes[Int(ReasonCode.retried.rawValue)] == 4 && sum.passes.reduce(0, +) == 10)
        func requests(_ state: DecisionCounters.State) -> Int { sum.requests[state.rawValue] }
        #expect(requests(.rcpt) == 6 && requests(.none) == 2 && requests(.data) == 2 && requests(.other) == 2)
        #expect(sum.firstAttempts == [2, 0, 0, 0])
        #expect(sum.retries[0] == 4 && sum.retries.reduce(0, +) == 4)
        #expect(sum.waits[0].count == 4 && sum.waits[0].sum == 2 * 90_301)
        #expect(sum.waits[0].counts[1] == 2 && sum.waits[0].counts.last == 2)
    }

    @Test("a figure on a bound counts below it")
    func bounds() {
        var histogram = Histogram(.waits)
        for figure in [300.0, 300.5, 86_400, 86_401] { histogram.observe(figure) }
        histogram.observe(0, times: 3)
        #expect(histogram.counts[0] == 4 && histogram.counts[1] == 1)
        #expect(histogram.counts.suffix(2) == [1, 1])
    }
}
