import Engine
import GRDB
public import Greylist
import Storage

/// Mail by its addresses: stories, decisions, what waits, what is known.
extension HistoryReader {
    /// How many attempts of a case a story tells at most: half of them the first ones, half the last ones.
    static let attemptsPerCase = 200

    /// The cases of a sender and a recipient with their attempts, the newest case first.
    ///
    /// Addresses are found in any form in which the history keeps them.
    ///
    /// - Parameters:
    ///   - client: an address, or how a name begins; nil for all
    ///   - limit: how many cases at most
    public func story(
        sender: String, recipient: String, client: String? = nil, limit: Int
    ) throws(HistoryError) -> [HistoryStory] {
        try look { database in
            let lookup = try MailLookup(database, siteKeys)
            var parts = [
                QueryPart.among("cases.sender_key", lookup.senderKeys(sender)),
                QueryPart.among("cases.recipient_key", lookup.recipientKeys(recipient)),
            ]
            if let client {
                let ofClient = Self.ofClient(client, lookup)
                parts.append(
                    QueryPart(
                        sql: "EXISTS (SELECT 1 FROM attempts WHERE case_id = cases.id AND \(ofClient.sql))",
                        arguments: ofClient.arguments))
            }
            let all = parts.joined
            let cases = try HistoryCase.all(
                database, "cases WHERE \(all.sql) ORDER BY cases.id DESC LIMIT ?", all.arguments + [limit])
            return try cases.map { try Self.story(of: $0, database) }
        }
    }

    /// A case with its attempts; nil where there is none of that number.
    public func story(of id: HistoryCase.ID) throws(HistoryError) -> HistoryStory? {
        try look { database in
            let cases = try HistoryCase.all(database, "cases WHERE id = ?", [id])
            return try cases.first.map { try Self.story(of: $0, database) }
        }
    }

    private static func story(of mail: HistoryCase, _ database: Database) throws -> HistoryStory {
        func attempts(_ order: String, _ limit: Int) throws -> [HistoryAttempt] {
            let rest = "attempts JOIN cases ON cases.id = attempts.case_id WHERE attempts.case_id = ?"
            return try HistoryAttempt.all(
                database, "\(rest) ORDER BY attempts.id \(order) LIMIT ?", [mail.id, limit])
        }
        let all = try attempts("ASC", attemptsPerCase + 1)
        guard all.count > attemptsPerCase else { return HistoryStory(mail: mail, attempts: all, isWhole: true) }
        let last = try attempts("DESC", attemptsPerCase / 2)
        let some = all.prefix(attemptsPerCase / 2) + last.reversed()
        return HistoryStory(mail: mail, attempts: Array(some), isWhole: false)
    }

    /// Decisions, the newest first; with `afterID` the oldest first.
    public func decisions(_ filter: HistoryFilter) throws(HistoryError) -> [HistoryAttempt] {
        try look { database in
            let lookup = try MailLookup(database, siteKeys)
            var ofCase: [QueryPart] = []
            if let sender = filter.sender { ofCase.append(Self.ofSender(sender, lookup)) }
            if let recipient = filter.recipient { ofCase.append(Self.ofRecipient(recipient, lookup)) }
            var ofAttempt: [QueryPart] = []
            if let client = filter.client { ofAttempt.append(Self.ofClient(client, lookup)) }
            if let since = filter.since {
                ofAttempt.append(QueryPart(sql: "attempts.time >= ?", arguments: [since.seconds]))
            }
            if let until = filter.until {
                ofAttempt.append(QueryPart(sql: "attempts.time < ?", arguments: [until.seconds]))
            }
            if let id = filter.afterID { ofAttempt.append(QueryPart(sql: "attempts.id > ?", arguments: [id])) }
            if !filter.reasons.isEmpty { ofAttempt.append(Self.ofReasons(filter.reasons)) }
            // Which table is gone through first decides how long it takes, and SQLite has no numbers to choose by.
            let tables: String
            if !ofCase.isEmpty {
                tables = "cases CROSS JOIN attempts ON attempts.case_id = cases.id"
            } else {
                let index =
                    filter.afterID != nil
                    ? " NOT INDEXED" : filter.client == nil ? " INDEXED BY attempts_by_time" : ""
                tables = "attempts\(index) CROSS JOIN cases ON cases.id = attempts.case_id"
            }
            let order = filter.afterID != nil ? "attempts.id" : "attempts.time DESC, attempts.id DESC"
            let all = (ofCase + ofAttempt).joined
            return try HistoryAttempt.all(
                database, "\(tables) WHERE \(all.sql) ORDER BY \(order) LIMIT ?", all.arguments + [filter.limit])
        }
    }

    /// Cases that may still come back, the oldest first.
    ///
    /// - Parameter window: how many seconds a first attempt is valid
    public func waiting(
        sender: String? = nil, recipient: String? = nil, at now: Timestamp, window: Int64, limit: Int
    ) throws(HistoryError) -> [HistoryCase] {
        try look { database in
            let lookup = try MailLookup(database, siteKeys)
            var parts = [Self.stillWaiting(at: now, window: window)]
            if let sender { parts.append(Self.ofSender(sender, lookup)) }
            if let recipient { parts.append(Self.ofRecipient(recipient, lookup)) }
            let all = parts.joined
            return try HistoryCase.all(
                database, "cases WHERE \(all.sql) ORDER BY cases.first_attempt, cases.id LIMIT ?",
                all.arguments + [limit])
        }
    }

    /// How many cases may still come back, see ``waiting(sender:recipient:at:window:limit:)``.
    public func waitingCount(at now: Timestamp, window: Int64) throws(HistoryError) -> Int {
        try look { database in
            let part = Self.stillWaiting(at: now, window: window)
            return try Int.fetchOne(
                database, sql: "SELECT count(*) FROM cases INDEXED BY cases_not_passed WHERE \(part.sql)",
                arguments: part.arguments) ?? 0
        }
    }

    /// Cases that have passed, those first that passed on the last day, and of these the last used.
    public func known(
        sender: String? = nil, recipient: String? = nil, limit: Int
    ) throws(HistoryError) -> [HistoryCase] {
        try look { database in
            let lookup = try MailLookup(database, siteKeys)
            var parts: [QueryPart] = []
            if let sender { parts.append(Self.ofSender(sender, lookup)) }
            if let recipient { parts.append(Self.ofRecipient(recipient, lookup)) }
            guard parts.isEmpty else {
                let all = (parts + [QueryPart(sql: "cases.passed_at IS NOT NULL")]).joined
                return try HistoryCase.all(
                    database, "cases WHERE \(all.sql) ORDER BY cases.last_attempt DESC LIMIT ?",
                    all.arguments + [limit])
            }
            // By what passed last: each case that passes has an attempt of that day.
            var ids: Set<Int64> = []
            let newest = try Int64.fetchCursor(
                database, sql: "SELECT case_id FROM attempts WHERE action = 'pass' ORDER BY time DESC")
            while ids.count < limit, let id = try newest.next() { ids.insert(id) }
            let ofIDs = QueryPart.among("cases.id", Array(ids))
            return try HistoryCase.all(
                database, "cases WHERE \(ofIDs.sql) ORDER BY cases.last_attempt DESC", ofIDs.arguments)
        }
    }
}

/// Conditions.
extension HistoryReader {
    private static func stillWaiting(at now: Timestamp, window: Int64) -> QueryPart {
        QueryPart(
            sql: "cases.passed_at IS NULL AND NOT cases.observed AND cases.first_attempt >= ?",
            arguments: [now.seconds - window])
    }

    private static func ofSender(_ text: String, _ lookup: MailLookup) -> QueryPart {
        if let domain = text.soleDomain {
            // The partial index is used only where it is said that there is a domain.
            return QueryPart(sql: "cases.sender_domain = ? AND cases.sender_domain <> ''", arguments: [domain])
        }
        return .among("cases.sender_key", lookup.senderKeys(text))
    }

    private static func ofRecipient(_ text: String, _ lookup: MailLookup) -> QueryPart {
        if let domain = text.soleDomain {
            let end = "@" + domain
            return QueryPart(sql: "substr(cases.recipient, -length(?)) = ?", arguments: [end, end])
        }
        return .among("cases.recipient_key", lookup.recipientKeys(text))
    }

    private static func ofClient(_ text: String, _ lookup: MailLookup) -> QueryPart {
        let addresses = lookup.clientAddresses(text)
        if !addresses.isEmpty { return .among("attempts.client_address", addresses) }
        if text.beginsAddress { return .beginning("attempts.client_address", text.lowercasedASCII) }
        return .beginning("attempts.client_name", text.lowercasedASCII)
            .and("attempts.client_name NOT IN ('', 'unknown')")
    }

    private static func ofReasons(_ reasons: Set<ReasonCode>) -> QueryPart {
        let sorted = reasons.sorted { $0.rawValue < $1.rawValue }
        let each = sorted.map { reason in
            QueryPart(
                sql: "attempts.reason = ? AND attempts.first_pass = ?",
                arguments: [reason.word, reason.isFirstPass])
        }
        return QueryPart(
            sql: each.map { "(\($0.sql))" }.joined(separator: " OR "),
            arguments: each.reduce(into: []) { $0 += $1.arguments })
    }
}

extension String {
    /// The domain, where that is all: `example.org`, `@example.org`.
    var soleDomain: String? {
        let text = lowercasedASCII
        let domain = text.hasPrefix("@") ? String(text.dropFirst()) : text
        return domain.isEmpty || domain.contains("@") || Int64(digestText: domain) != nil || !domain.contains(".")
            ? nil : domain
    }
}
