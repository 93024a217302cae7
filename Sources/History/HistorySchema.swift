import Engine
import GRDB

/// The tables of a history, and how they came to be.
///
/// Administrators query them with sqlite3: docs/history.md describes every column. Times are seconds since 1970 in UTC.
enum HistorySchema {
    /// What marks a file as a history: `TPRT` in ASCII.
    static let applicationID: Int64 = 0x5450_5254
    /// The version of these tables; a file with a higher one is left alone.
    static let version: Int64 = 1

    /// Makes the tables of an empty file, or brings those of an earlier version up to date.
    static func migrate(_ queue: DatabaseQueue) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(sql: tables)
            try database.execute(sql: indices)
            try database.execute(sql: views)
            try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
        }
        try migrator.migrate(queue)
    }

    private static let tables = """
        CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE cases (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            sender TEXT NOT NULL,
            recipient TEXT NOT NULL,
            sender_domain TEXT NOT NULL,
            organisation TEXT NOT NULL,
            network TEXT NOT NULL,
            networks TEXT,
            names TEXT,
            first_attempt INTEGER NOT NULL,
            last_attempt INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            deferrals INTEGER NOT NULL,
            may_pass_at INTEGER,
            passed_at INTEGER,
            waited INTEGER,
            reason TEXT,
            first_pass INTEGER NOT NULL,
            delay INTEGER,
            proof TEXT,
            matched TEXT,
            observed INTEGER NOT NULL,
            sender_key INTEGER NOT NULL,
            recipient_key INTEGER NOT NULL
        );
        CREATE TABLE attempts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            case_id INTEGER NOT NULL,
            time INTEGER NOT NULL,
            action TEXT NOT NULL,
            reason TEXT NOT NULL,
            first_pass INTEGER NOT NULL,
            client_address TEXT NOT NULL,
            client_name TEXT NOT NULL,
            helo TEXT,
            sender TEXT,
            recipient TEXT,
            organisation TEXT NOT NULL,
            proof TEXT,
            matched TEXT,
            wait INTEGER,
            delay INTEGER,
            dns_ms INTEGER,
            entry TEXT NOT NULL,
            observed INTEGER NOT NULL,
            count INTEGER NOT NULL,
            last_time INTEGER NOT NULL,
            day INTEGER
        );
        CREATE TABLE minutes (
            minute INTEGER NOT NULL,
            action TEXT NOT NULL,
            reason TEXT NOT NULL,
            first_pass INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (minute, action, reason, first_pass)
        ) WITHOUT ROWID;
        """

    private static let indices = """
        CREATE INDEX cases_by_mail ON cases (sender_key, recipient_key, first_attempt);
        CREATE INDEX cases_by_recipient ON cases (recipient_key);
        CREATE INDEX cases_by_domain ON cases (sender_domain) WHERE sender_domain <> '';
        CREATE INDEX cases_by_organisation ON cases (organisation) WHERE organisation <> '';
        CREATE INDEX cases_not_passed ON cases (first_attempt) WHERE passed_at IS NULL;
        CREATE INDEX attempts_by_case ON attempts (case_id);
        CREATE INDEX attempts_by_time ON attempts (time);
        CREATE INDEX attempts_by_address ON attempts (client_address);
        CREATE INDEX attempts_by_name ON attempts (client_name) WHERE client_name NOT IN ('', 'unknown');
        CREATE UNIQUE INDEX attempts_of_day ON attempts (case_id, day, action, reason, first_pass)
            WHERE day IS NOT NULL;
        """

    private static let views = """
        CREATE VIEW cases_readable AS
        SELECT id, sender, recipient, organisation, network,
            datetime(first_attempt, 'unixepoch') AS first_attempt, datetime(last_attempt, 'unixepoch') AS last_attempt,
            attempts, deferrals, datetime(may_pass_at, 'unixepoch') AS may_pass_at,
            CASE
                WHEN passed_at IS NOT NULL AND deferrals > 0 THEN 'passed after waiting'
                WHEN passed_at IS NOT NULL THEN 'passed at once'
                WHEN observed THEN 'observed'
                ELSE 'not passed'
            END AS state,
            datetime(passed_at, 'unixepoch') AS passed_at, waited,
            CASE WHEN first_pass THEN reason || ', first pass' ELSE reason END AS reason,
            delay, proof, matched, coalesce(networks, json_array(network)) AS networks, coalesce(names, '[]') AS names
        FROM cases;
        CREATE VIEW attempts_readable AS
        SELECT attempts.id, case_id, datetime(time, 'unixepoch') AS time,
            CASE WHEN attempts.observed THEN action || ' (observed)' ELSE action END AS action,
            CASE WHEN attempts.first_pass THEN attempts.reason || ', first pass' ELSE attempts.reason END AS reason,
            client_address, client_name, coalesce(helo, client_name) AS helo,
            coalesce(attempts.sender, cases.sender) AS sender,
            coalesce(attempts.recipient, cases.recipient) AS recipient,
            attempts.organisation, attempts.proof, attempts.matched, wait, attempts.delay, dns_ms, entry, count,
            datetime(last_time, 'unixepoch') AS last_time
        FROM attempts JOIN cases ON cases.id = case_id;
        """
}

/// The words of a reason as it is stored: the log's, and whether it is a first pass, which tells two of them apart.
extension ReasonCode {
    private static let words = allCases.map { "\($0.text)" }
    private static let byWord = Dictionary(
        allCases.filter { !$0.isFirstPass }.map { (words[Int($0.rawValue)], $0) },
        uniquingKeysWith: { first, _ in first })

    /// The log's word.
    var word: String { Self.words[Int(rawValue)] }

    /// Whether it says that a triplet passes for the first time since it waited long enough.
    var isFirstPass: Bool { self == .retried }

    /// The reason that is stored so; nil for words that aren't any.
    init?(word: String, isFirstPass: Bool) {
        if isFirstPass {
            self = .retried
        } else if let code = Self.byWord[word] {
            self = code
        } else {
            return nil
        }
    }
}
