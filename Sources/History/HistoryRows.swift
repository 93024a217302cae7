import Engine
import GRDB
import Greylist

/// Rows of the tables as values.
extension HistoryCase {
    /// The columns of ``init(_:at:)``, of a table or alias `cases`.
    static let columns = """
        cases.id, cases.sender, cases.recipient, cases.organisation, cases.network, cases.networks, cases.names,
        cases.first_attempt, cases.last_attempt, cases.attempts, cases.deferrals, cases.may_pass_at, cases.passed_at, cases.waited,
        cases.reason, cases.first_pass, cases.delay, cases.proof, cases.matched, cases.observed
        """

    /// The case of a row that begins with these columns.
    init(_ row: Row) {
        let reason: String? = row[14]
        self.init(
            id: row[0], sender: row[1], recipient: row[2], organisation: row[3],
            networks: SeenTexts(json: row[5], first: row[4]).texts, names: SeenTexts(json: row[6], first: "").texts,
            firstAttempt: Timestamp(seconds: row[7]), lastAttempt: Timestamp(seconds: row[8]), attempts: row[9],
            deferrals: row[10], mayPassAt: (row[11] as Int64?).map(Timestamp.init(seconds:)),
            passedAt: (row[12] as Int64?).map(Timestamp.init(seconds:)), waited: row[13],
            reason: reason.flatMap { ReasonCode(word: $0, isFirstPass: row[15]) }, delay: row[16],
            proof: (row[17] as String?).flatMap(ClientIdentity.Proof.init(word:)),
            matched: (row[18] as String?).flatMap(ClientIdentity.MatchedKey.init(word:)), isObserved: row[19])
    }

    /// The cases of a query whose rows begin with these columns.
    static func all(_ database: Database, _ rest: String, _ arguments: StatementArguments) throws -> [HistoryCase] {
        var cases: [HistoryCase] = []
        let rows = try Row.fetchCursor(
            database, sql: "SELECT \(columns) FROM \(rest)", arguments: arguments)
        while let row = try rows.next() { cases.append(HistoryCase(row)) }
        return cases
    }
}

extension HistoryAttempt {
    /// The columns of ``init(_:)``, of tables or aliases `attempts` and `cases`.
    static let columns = """
        attempts.id, attempts.case_id, attempts.time, attempts.last_time, attempts.count, attempts.client_address,
        attempts.client_name, coalesce(attempts.helo, attempts.client_name), coalesce(attempts.sender, cases.sender),
        coalesce(attempts.recipient, cases.recipient), attempts.organisation, attempts.reason, attempts.first_pass,
        attempts.action = 'greylist', attempts.observed, attempts.proof, attempts.matched, attempts.wait,
        attempts.delay, attempts.dns_ms, attempts.entry
        """

    /// The attempt of a row that begins with these columns; nil where it has a reason that isn't one of ours.
    init?(_ row: Row) {
        guard let reason = ReasonCode(word: row[11], isFirstPass: row[12]) else { return nil }
        self.init(
            id: row[0], caseID: row[1], time: Timestamp(seconds: row[2]), lastTime: Timestamp(seconds: row[3]),
            count: row[4], clientAddress: row[5], clientName: row[6], helo: row[7], sender: row[8], recipient: row[9],
            organisation: row[10], reason: reason, isDeferral: row[13], isObserved: row[14],
            proof: (row[15] as String?).flatMap(ClientIdentity.Proof.init(word:)),
            matched: (row[16] as String?).flatMap(ClientIdentity.MatchedKey.init(word:)), wait: row[17],
            delay: row[18], dnsMilliseconds: row[19], entry: row[20])
    }

    /// The attempts of a query whose rows begin with these columns.
    static func all(_ database: Database, _ rest: String, _ arguments: StatementArguments) throws -> [HistoryAttempt] {
        var attempts: [HistoryAttempt] = []
        let rows = try Row.fetchCursor(
            database, sql: "SELECT \(columns) FROM \(rest)", arguments: arguments)
        while let row = try rows.next() {
            if let attempt = HistoryAttempt(row) { attempts.append(attempt) }
        }
        return attempts
    }
}
