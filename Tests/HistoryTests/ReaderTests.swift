import Engine
import Greylist
import TestSupport
import Testing
import Whitelists

@testable import History

/// What a history tells.
struct ReaderTests {
    private let directory: TemporaryDirectory
    private let reader: HistoryReader

    /// Two organisations that wait, one that need not, a network of which nothing comes back.
    init() throws {
        directory = try TemporaryDirectory()
        var said: [Said] = []
        for number in 0..<10 {
            // Every second one comes back after ten minutes, every fifth after a day.
            let start = Int64(number) * 60
            func of(_ said: inout Said) {
                (said.sender, said.recipient) = ("news@big.example", "u\(number)x@example.com")
                (said.client, said.name) = ("192.0.2.\(number)", "mta\(number).big.example")
                (said.proof, said.organisation) = (.spf, "big.example")
            }
            said.append(Said(.new(wait: 300), after: start, of))
            if number % 2 == 0 { said.append(Said(.early(wait: 100, delay: 200), after: start + 200, of)) }
            if number % 2 == 0 { said.append(Said(.retried(delay: 600), after: start + 600, of)) }
            if number % 2 != 0 { said.append(Said(.retried(delay: 86_400), after: start + 86_400, of)) }
            said.append(Said(.known, after: 90_000, of))
        }
        for number in 0..<6 {
            said.append(
                Said(.new(wait: 300), after: Int64(number)) {
                    ($0.sender, $0.recipient) = ("s\(number)x@spam.example", "ann@example.com")
                    ($0.client, $0.name, $0.helo) = ("203.0.113.\(number)", "unknown", "203.0.113.\(number)")
                    $0.proof = number < 4 ? .network : nil
                })
        }
        for number in 0..<3 {
            said.append(
                Said(.spared(.earned), after: 100 + Int64(number)) {
                    ($0.sender, $0.recipient) = ("bob@fast.example", "f\(number)x@example.com")
                    ($0.client, $0.name, $0.organisation) = ("198.51.100.1", "mx.fast.example", "fast.example")
                    $0.proof = .name
                })
        }
        said.append(Said(.new(wait: 300), after: 89_000) { $0.sender = "late@small.example" })
        said.append(
            Said(.retried(delay: 400), after: 89_400) {
                $0.sender = "late@small.example"
                $0.name = "mail.small.example"
            })
        said.append(Said(.new(wait: 300), after: 90_000) { $0.sender = "waits@small.example" })
        var writer = try HistoryWriter(.sample(directory.file("history.sqlite")), at: noon)
        #expect(writer.write(try DecisionBatch(said), dropped: 0, at: noon) == nil)
        var (passes, deferrals) = (ReasonCode.noCounts, ReasonCode.noCounts)
        (passes[.known], passes[.retried], passes[.earned], passes[.authenticated]) = (5, 2, 1, 100)
        deferrals[.new] = 4
        for minute in [0, 1, 30, 1_000] {
            #expect(
                writer.record(
                    minute: Self.time(Int64(minute) * 60 + 59), passes: passes, deferrals: deferrals, at: noon) == nil)
        }
        #expect(writer.record(minute: Self.time(60), passes: passes, deferrals: deferrals, at: noon) == nil)
        writer.close()
        reader = try HistoryReader(path: directory.file("history.sqlite"))
    }

    private static func time(_ after: Int64) -> Timestamp { Timestamp(seconds: noon.seconds + after) }

    private func decisions(_ change: (inout HistoryFilter) -> Void) throws -> [String] {
        var filter = HistoryFilter(limit: 100)
        change(&filter)
        return try reader.decisions(filter).map { "\($0.sender) \($0.recipient) \($0.reason.text)" }
    }

    @Test func howFarItGoesBack() throws {
        #expect(try reader.oldest() == noon)
        #expect(try reader.attemptCount() == 47)
    }

    static let filters: [(String, @Sendable (inout HistoryFilter) -> Void, Int)] = [
        ("all", { _ in }, 47), ("a sender", { $0.sender = "news@big.example" }, 35),
        ("a domain", { $0.sender = "@BIG.example" }, 35), ("a bare domain", { $0.sender = "big.example" }, 35),
        ("a recipient", { $0.recipient = "ann@example.com" }, 9),
        ("a recipient's domain", { $0.recipient = "example.com" }, 47),
        ("half a domain", { $0.recipient = "ample.com" }, 0), ("a client", { $0.client = "192.0.2.2" }, 4),
        ("the beginning of an address", { $0.client = "192.0.2." }, 38),
        ("the beginning of a name", { $0.client = "MTA2." }, 4), ("of several", { $0.client = "mta" }, 35),
        ("no name", { $0.client = "unknown" }, 0), ("first passes", { $0.reasons = [.retried] }, 11),
        ("known ones", { $0.reasons = [.known] }, 10), ("two reasons", { $0.reasons = [.known, .early] }, 15),
        ("a time", { ($0.since, $0.until) = (Self.time(60), Self.time(120)) }, 4),
        ("several", { ($0.client, $0.reasons, $0.since) = ("mta", [.new], Self.time(100)) }, 8),
    ]

    @Test(arguments: filters)
    func decisionsAreFiltered(
        _ what: String, _ change: @Sendable (inout HistoryFilter) -> Void, _ count: Int
    ) throws {
        #expect(try decisions(change).count == count, "\(what)")
    }

    @Test func theNewestDecisionsComeFirst() throws {
        let mail = try decisions { ($0.sender, $0.recipient) = ("news@big.example", "u2x@example.com") }
        let reasons = ["triplet found", "triplet found", "early-retry", "new"]
        #expect(mail == reasons.map { "news@big.example u2x@example.com \($0)" })
        let all = try decisions { _ in }
        #expect(all.first == "waits@small.example ann@example.com new")
        #expect(try decisions { $0.limit = 2 } == Array(all.prefix(2)))
    }

    @Test func decisionsAreFollowed() throws {
        var (last, seen): (Int64, [Int64]) = (0, [])
        while true {
            var filter = HistoryFilter(limit: 10)
            filter.afterID = last
            let some = try reader.decisions(filter)
            guard let end = some.last?.id else { break }
            seen += some.map(\.id)
            last = end
        }
        #expect(seen == Array(1...47))
    }

    @Test func whatWaits() throws {
        let waiting = try reader.waiting(at: Self.time(90_100), window: 172_800, limit: 100)
        #expect(try reader.waitingCount(at: Self.time(90_100), window: 172_800) == waiting.count)
        #expect(try reader.waitingCount(at: Self.time(90_100), window: 1_000) == 1)
        #expect(waiting.map(\.sender) == (0..<6).map { "s\($0)x@spam.example" } + ["waits@small.example"])
        #expect(waiting.map { $0.mayPassAt?.since($0.firstAttempt) } == Array(repeating: 300, count: 7))
        #expect(
            try reader.waiting(at: Self.time(90_100), window: 1_000, limit: 100).map(\.sender) == [
                "waits@small.example"
            ])
        #expect(
            try reader.waiting(at: Self.time(90_100), window: 172_800, limit: 2).map(\.sender) == [
                "s0x@spam.example", "s1x@spam.example",
            ])
    }

    @Test func whatIsKnown() throws {
        #expect(try reader.known(limit: 100).count == 14)
        #expect(try reader.known(limit: 3).allSatisfy { $0.organisation == "big.example" })
        #expect(try reader.known(sender: "bob@fast.example", limit: 100).count == 3)
        #expect(try reader.known(recipient: "ann@example.com", limit: 100).map(\.sender) == ["late@small.example"])
    }

    static let searches: [(String, Int)] = [
        ("", 21), ("news@big.example", 10), ("NEWS@BIG.EXAMPLE", 10), ("ann@example.com", 8), ("big.example", 10),
        ("BIG", 10),
        ("@big.ex", 10), ("fast.example", 3), ("spam", 6), ("192.0.2.3", 1), ("192.0.2", 12), ("203.0.113.", 6),
        ("mta3", 1),
        ("mx.fast", 3), ("u3x@example.com", 1), ("unknown", 0), ("nothing", 0), ("none@big.example", 0),
        ("192.0.2.3/24", 0),
    ]

    @Test(arguments: searches)
    func searching(_ text: String, _ count: Int) throws {
        let found = try reader.search(text, limit: 100)
        #expect(found.cases.count == count)
        #expect(!found.hasMore)
        #expect(found.cases.map(\.id) == found.cases.map(\.id).sorted(by: >))
        if count > 1 {
            let some = try reader.search(text, limit: count - 1)
            #expect(some.hasMore)
            #expect(some.cases == Array(found.cases.prefix(count - 1)))
        }
    }

    @Test func aReport() throws {
        let report = try reader.report(since: noon, until: Self.time(200_000), window: 172_800, top: 2)
        var counts = CaseCounts()
        (counts.all, counts.waiting, counts.passedAfterWaiting) = (21, 1, 11)
        (counts.passedAtOnce, counts.neverCameBack) = (3, 6)
        #expect(report.cases == counts)
        #expect(report.wait == WaitTimes(count: 11, median: 600, percentile95: 86_400))
        #expect(report.beyondDelay == WaitTimes(count: 11, median: 300, percentile95: 86_100))
        #expect(
            report.byProof.map { "\($0.proof.map { "\($0.word)" } ?? "-") \($0.cases) \($0.neverCameBack)" } == [
                "net 4 4", "spf 10 0", "- 4 2",
            ])
        #expect(report.neverCameBack == [NetworkCount(network: "203.0.113.0/24", cases: 6, senders: 6)])
        #expect(report.sufferers.map(\.name) == ["big.example", "small.example"])
        #expect(report.sufferers.map(\.kind) == [.organisation, .domain])
        #expect(report.sufferers.map(\.cases) == [10, 1])
        #expect(report.sufferers.map(\.total) == [435_000, 400])
        #expect(report.sufferers.map(\.median) == [600, 400])
        #expect(report.sufferers.map(\.senderDomains) == [["big.example"], ["small.example"]])
        #expect(report.sufferers[0].clientNames.count == 5)
        #expect(report.sufferers[1].clientNames == ["mail.example.org", "mail.small.example"])
        #expect(report.spared.map { "\($0.reason.text) \($0.passed)" } == ["identity earned 3", "correspondent 0"])
        #expect(
            report.reasons.map { "\($0.reason.text) \($0.deferred) \($0.passed)" } == [
                "client authenticated 0 500", "triplet found 0 25", "new 20 0", "triplet found 0 10",
                "identity earned 0 5",
            ])
        // The second in which it is asked belongs to it.
        let early = try reader.report(since: noon, until: Self.time(60), window: 172_800, top: 1)
        #expect(early.cases.all == 8 && early.cases.neverCameBack == 0)
        #expect(early.sufferers.count == 1)
        let none = try reader.report(since: Self.time(500_000), until: Self.time(600_000), window: 172_800, top: 5)
        #expect(none.cases == CaseCounts())
        #expect(none.wait == WaitTimes(count: 0, median: nil, percentile95: nil))
        #expect(none.sufferers.isEmpty && none.reasons.isEmpty)
    }

    @Test func chartsAndSummary() throws {
        let buckets = try reader.minutes(since: noon, until: Self.time(3_600), step: 600)
        #expect(buckets.map { $0.time.since(noon) } == [0, 600, 1_200, 1_800, 2_400, 3_000])
        #expect(buckets.map(\.passedAtOnce) == [18, 0, 0, 6, 0, 0])
        #expect(buckets.map(\.passedAfterWaiting) == [6, 0, 0, 2, 0, 0])
        #expect(buckets.map(\.deferred) == [12, 0, 0, 4, 0, 0])
        let odd = try reader.minutes(since: Self.time(90), until: Self.time(200), step: 60)
        #expect(odd.map { $0.time.since(noon) } == [60, 120, 180])
        #expect(odd.map(\.deferred) == [8, 0, 0])
        let summary = try reader.summary(since: noon, until: Self.time(200_000), window: 172_800)
        #expect(summary.decisions == DecisionBucket(time: noon, passedAtOnce: 30, passedAfterWaiting: 10, deferred: 20))
        #expect(summary.cases.passedAfterWaiting == 11)
        #expect(summary.wait.median == 600)
    }

    @Test func replaying() throws {
        var attempts: [HistoryAttempt] = []
        try reader.replay(since: nil) {
            attempts.append($0.attempt)
            return true
        }
        #expect(attempts.count == 47)
        #expect(attempts.map(\.time) == attempts.map(\.time).sorted())
        var count = 0
        try reader.replay(since: Self.time(89_000)) { _ in
            count += 1
            return true
        }
        #expect(count == 13)
        count = 0
        try reader.replay(since: nil) { _ in
            count += 1
            return count < 5
        }
        #expect(count == 5)
    }

    @Test func replayingInSlices() throws {
        let path = directory.file("long.sqlite")
        var writer = try HistoryWriter(.sample(path), at: noon)
        for start in stride(from: 0, to: 12_000, by: 3_000) {
            // Many of one second: a slice may end amid them.
            let batch = try DecisionBatch(
                (start..<start + 3_000).map { number in
                    Said(.new(wait: 300), after: Int64(number / 700)) { $0.sender = "s\(number)x@example.org" }
                })
            #expect(writer.write(batch, dropped: 0, at: noon) == nil)
        }
        var senders: [String] = []
        try HistoryReader(path: path).replay(since: nil) {
            senders.append($0.attempt.sender)
            return true
        }
        #expect(senders == (0..<12_000).map { "s\($0)x@example.org" })
    }

    /// Every reason is read as it was written.
    @Test(arguments: ReasonCode.allCases)
    func reasonsAreTurnedBack(_ reason: ReasonCode) {
        #expect(ReasonCode(word: reason.word, isFirstPass: reason.isFirstPass) == reason)
        #expect(reason.word == "\(reason.text)")
    }
}

extension ReasonCode {
    static let noCounts = [Int](repeating: 0, count: allCases.count)
}

extension [Int] {
    subscript(reason: ReasonCode) -> Int {
        get { self[Int(reason.rawValue)] }
        set { self[Int(reason.rawValue)] = newValue }
    }
}
