import Engine
import GRDB
public import Greylist

/// What became of the mail of a time.
extension HistoryReader {
    /// What became of the mail of a time.
    ///
    /// - Parameters:
    ///   - until: up to when, that second included; also the moment at which cases are waiting, or will never come back
    ///   - window: how many seconds a first attempt is valid
    ///   - top: how many networks and senders are named at most
    public func report(
        since: Timestamp, until: Timestamp, window: Int64, top: Int
    ) throws(HistoryError) -> HistoryReport {
        try look { database in
            let scan = try CaseScan(database, since: since, until: until, window: window)
            let reasons = try Self.reasons(database, since, until)
            return HistoryReport(
                since: since, until: until, cases: scan.counts, reasons: reasons, wait: WaitTimes(scan.waits),
                beyondDelay: WaitTimes(scan.beyond), byProof: scan.byProof,
                neverCameBack: try Self.networks(database, since, until, window, top),
                sufferers: try Self.sufferers(database, since, until, top),
                spared: scan.spared)
        }
    }

    /// What is told of a time in a line; the bounds are as in ``report(since:until:window:top:)``.
    public func summary(
        since: Timestamp, until: Timestamp, window: Int64
    ) throws(HistoryError) -> HistorySummary {
        try look { database in
            let scan = try CaseScan(database, since: since, until: until, window: window)
            var decisions = DecisionBucket(time: since, passedAtOnce: 0, passedAfterWaiting: 0, deferred: 0)
            for reason in try Self.reasons(database, since, until) { decisions.add(reason) }
            return HistorySummary(decisions: decisions, cases: scan.counts, wait: WaitTimes(scan.waits))
        }
    }

    /// Decisions in steps, one for each from `since` to `until`, whether there were any or not.
    ///
    /// - Parameter step: how many seconds, a multiple of 60
    public func minutes(
        since: Timestamp, until: Timestamp, step: Int64
    ) throws(HistoryError) -> [DecisionBucket] {
        let start = since.seconds - ((since.seconds % step) + step) % step
        let count = Int((until.seconds - start + step - 1) / step)
        var buckets = (0..<max(0, count)).map { index in
            DecisionBucket(
                time: Timestamp(seconds: start + Int64(index) * step), passedAtOnce: 0, passedAfterWaiting: 0,
                deferred: 0)
        }
        try look { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT (minute - ?1) / ?3, reason, first_pass, action = 'greylist', sum(count) FROM minutes
                    WHERE minute >= ?1 AND minute < ?2 GROUP BY 1, 2, 3, 4
                    """, arguments: [start, until.seconds, step])
            while let row = try rows.next() {
                let index: Int = row[0]
                guard let count = ReasonCount(row, from: 1), buckets.indices.contains(index) else { continue }
                buckets[index].add(count)
            }
        }
        return buckets
    }

    private static func reasons(
        _ database: Database, _ since: Timestamp, _ until: Timestamp
    ) throws -> [ReasonCount] {
        var counts: [ReasonCode: ReasonCount] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT reason, first_pass, action = 'greylist', sum(count) FROM minutes
                WHERE minute >= ? AND minute <= ? GROUP BY 1, 2, 3
                """, arguments: [since.seconds, until.seconds])
        while let row = try rows.next() {
            guard let count = ReasonCount(row, from: 0) else { continue }
            counts[count.reason, default: ReasonCount(reason: count.reason, deferred: 0, passed: 0)].add(count)
        }
        return counts.values.sorted {
            ($0.deferred + $0.passed, $1.reason.rawValue) > ($1.deferred + $1.passed, $0.reason.rawValue)
        }
    }

    private static func networks(
        _ database: Database, _ since: Timestamp, _ until: Timestamp, _ window: Int64, _ top: Int
    ) throws -> [NetworkCount] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT network, count(*), count(DISTINCT sender_key) FROM cases INDEXED BY cases_not_passed
                WHERE passed_at IS NULL AND NOT observed AND first_attempt >= ? AND first_attempt < ?
                GROUP BY network ORDER BY 2 DESC, 1 LIMIT ?
                """, arguments: [since.seconds, min(until.seconds, until.seconds - window), top])
        return rows.map { NetworkCount(network: $0[0], cases: $0[1], senders: $0[2]) }
    }

    private static func sufferers(
        _ database: Database, _ since: Timestamp, _ until: Timestamp, _ top: Int
    ) throws -> [Sufferer] {
        let name = """
            CASE WHEN organisation <> '' THEN organisation WHEN sender_domain <> '' THEN sender_domain ELSE network END
            """
        let kind = "CASE WHEN organisation <> '' THEN 0 WHEN sender_domain <> '' THEN 1 ELSE 2 END"
        let condition = "waited IS NOT NULL AND first_attempt >= ? AND first_attempt <= ?"
        let times: StatementArguments = [since.seconds, until.seconds]
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT \(name), \(kind), count(*), sum(waited) FROM cases WHERE \(condition)
                GROUP BY 1, 2 ORDER BY 4 DESC, 1 LIMIT ?
                """, arguments: times + [top])
        return try rows.map { row in
            let (name, kind): (String, Int) = (row[0], row[1])
            let column = ["organisation", "sender_domain", "network"][kind]
            let isAlone = ["", "organisation = '' AND ", "organisation = '' AND sender_domain = '' AND "][kind]
            let ofSender = "FROM cases WHERE \(isAlone)\(column) = ? AND \(column) <> '' AND \(condition)"
            let arguments: StatementArguments = [name] + times
            let waits = try Int64.fetchAll(
                database, sql: "SELECT waited \(ofSender) ORDER BY waited", arguments: arguments)
            var (names, domains): ([String], [String]) = ([], [])
            let some = try Row.fetchCursor(
                database, sql: "SELECT DISTINCT names, sender_domain \(ofSender) ORDER BY id DESC LIMIT 20",
                arguments: arguments)
            while let row = try some.next() {
                for text in SeenTexts(json: row[0], first: "").texts where names.count < 5 && !names.contains(text) {
                    names.append(text)
                }
                let domain: String = row[1]
                if !domain.isEmpty, domains.count < 5, !domains.contains(domain) { domains.append(domain) }
            }
            return Sufferer(
                name: name, kind: [.organisation, .domain, .network][kind], cases: row[2], total: row[3],
                median: WaitTimes(sorted: waits).median ?? 0, clientNames: names, senderDomains: domains)
        }
    }
}

/// One pass through the cases of a time, for what needs no texts.
private struct CaseScan {
    var counts = CaseCounts()
    var waits: [Int64] = []
    var beyond: [Int64] = []
    var byProof: [ProofCount]
    var spared: [ReasonCount] = []

    init(_ database: Database, since: Timestamp, until: Timestamp, window: Int64) throws {
        let words = ClientIdentity.Proof.allCases.map { "\($0.word)" }
        byProof = ClientIdentity.Proof.allCases.map { ProofCount(proof: $0, cases: 0, neverCameBack: 0) }
        byProof.append(ProofCount(proof: nil, cases: 0, neverCameBack: 0))
        let index = words.enumerated().map { "WHEN '\($1)' THEN \($0)" }.joined(separator: " ")
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT first_attempt, deferrals, passed_at, waited, may_pass_at, observed,
                    CASE proof \(index) ELSE \(words.count) END
                FROM cases WHERE first_attempt >= ? AND first_attempt <= ?
                """, arguments: [since.seconds, until.seconds])
        while let row = try rows.next() {
            let (first, deferrals, passed): (Int64, Int, Int64?) = (row[0], row[1], row[2])
            counts.all += 1
            var neverCameBack = false
            if passed != nil {
                if deferrals > 0 { counts.passedAfterWaiting += 1 } else { counts.passedAtOnce += 1 }
            } else if row[5] as Bool {
                counts.observed += 1
            } else if first < until.seconds - window {
                counts.neverCameBack += 1
                neverCameBack = true
            } else {
                counts.waiting += 1
            }
            if let waited: Int64 = row[3] {
                waits.append(waited)
                if let passed, let may: Int64 = row[4] { beyond.append(max(0, passed - may)) }
            }
            guard deferrals > 0, !(row[5] as Bool) else { continue }
            let proof: Int = row[6]
            byProof[proof].cases += 1
            if neverCameBack { byProof[proof].neverCameBack += 1 }
        }
        byProof.removeAll { $0.cases == 0 }
        spared = try Self.spared(database, since, until)
    }

    private static func spared(
        _ database: Database, _ since: Timestamp, _ until: Timestamp
    ) throws -> [ReasonCount] {
        try [ReasonCode.earned, .correspondent].map { reason in
            let count = try Int.fetchOne(
                database,
                sql: """
                    SELECT count(*) FROM cases
                    WHERE reason = ? AND deferrals = 0 AND first_attempt >= ? AND first_attempt <= ?
                    """, arguments: [reason.word, since.seconds, until.seconds])
            return ReasonCount(reason: reason, deferred: 0, passed: count ?? 0)
        }
    }
}

extension WaitTimes {
    fileprivate init(_ times: [Int64]) {
        self.init(sorted: times.sorted())
    }

    fileprivate init(sorted times: [Int64]) {
        count = times.count
        median = times.isEmpty ? nil : times[(times.count - 1) / 2]
        percentile95 = times.isEmpty ? nil : times[(times.count * 95 + 99) / 100 - 1]
    }
}

extension ReasonCount {
    /// A count of a row of minutes that has the reason's word from that column on; nil where it isn't one.
    fileprivate init?(_ row: Row, from column: Int) {
        guard let reason = ReasonCode(word: row[column], isFirstPass: row[column + 1]) else { return nil }
        let (isDeferral, count): (Bool, Int) = (row[column + 2], row[column + 3])
        self.init(reason: reason, deferred: isDeferral ? count : 0, passed: isDeferral ? 0 : count)
    }

    fileprivate mutating func add(_ other: ReasonCount) {
        deferred += other.deferred
        passed += other.passed
    }
}

extension DecisionBucket {
    /// Adds decisions of a reason, unless greylisting has no say in such mail.
    fileprivate mutating func add(_ count: ReasonCount) {
        switch count.reason {
        case .noRequest, .otherState, .authenticated, .outgoing, .noAddress, .noSender, .noRecipient: return
        case .retried: passedAfterWaiting += count.passed
        default: passedAtOnce += count.passed
        }
        deferred += count.deferred
    }
}
