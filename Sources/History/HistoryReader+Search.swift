import GRDB
import Storage

/// Mail by anything that was typed.
extension HistoryReader {
    /// How many of the newest attempts of clients are looked at for their cases.
    private static let attemptsOfClients = 500

    /// Cases for a sender's or recipient's address, a domain of senders, an organisation, a client's address or name.
    ///
    /// Domains, organisations, addresses and names of clients are also found by their beginning. The newest cases come first;
    /// without a text all do.
    public func search(_ text: String, limit: Int) throws(HistoryError) -> HistoryMatches {
        try look { database in
            let lookup = try MailLookup(database, siteKeys)
            let ids = try Self.ids(for: text, limit + 1, lookup, database)
            let found = try ids.prefix(limit).compactMap { id in
                try HistoryCase.all(database, "cases WHERE id = ?", [id]).first
            }
            return HistoryMatches(cases: found, hasMore: ids.count > limit)
        }
    }

    /// The numbers of the newest cases that fit, each found by an index alone.
    private static func ids(
        for text: String, _ limit: Int, _ lookup: MailLookup, _ database: Database
    ) throws -> [Int64] {
        // An index that doesn't fit would be an error: no search goes through a whole table.
        func ids(_ index: String, _ part: QueryPart) throws -> [Int64] {
            try Int64.fetchAll(
                database,
                sql: "SELECT id FROM cases INDEXED BY \(index) WHERE \(part.sql) ORDER BY id DESC LIMIT ?",
                arguments: part.arguments + [limit])
        }
        func cases(_ index: String, _ part: QueryPart) throws -> [Int64] {
            try Int64.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT case_id FROM attempts WHERE id IN
                        (SELECT id FROM attempts INDEXED BY \(index) WHERE \(part.sql) ORDER BY id DESC
                            LIMIT \(attemptsOfClients))
                    """, arguments: part.arguments)
        }
        if text.isEmpty {
            return try Int64.fetchAll(
                database, sql: "SELECT id FROM cases ORDER BY id DESC LIMIT ?", arguments: [limit])
        }
        var found: Set<Int64> = []
        if Int64(digestText: text.lowercasedASCII) != nil || text.contains("@") && !text.hasPrefix("@") {
            found.formUnion(try ids("cases_by_mail", .among("sender_key", lookup.senderKeys(text))))
            found.formUnion(try ids("cases_by_recipient", .among("recipient_key", lookup.recipientKeys(text))))
        }
        let name = (text.hasPrefix("@") ? String(text.dropFirst()) : text).lowercasedASCII
        if !name.isEmpty, !name.contains("@") {
            for (index, column) in [
                ("cases_by_domain", "sender_domain"), ("cases_by_organisation", "organisation"),
            ] {
                found.formUnion(try ids(index, .beginning(column, name).and("\(column) <> ''")))
            }
            let part = QueryPart.beginning("client_name", name).and("client_name NOT IN ('', 'unknown')")
            found.formUnion(try cases("attempts_by_name", part))
        }
        let addresses = lookup.clientAddresses(text)
        if !addresses.isEmpty {
            found.formUnion(try cases("attempts_by_address", .among("client_address", addresses)))
        } else if text.beginsAddress {
            found.formUnion(try cases("attempts_by_address", .beginning("client_address", text.lowercasedASCII)))
        }
        return Array(found.sorted(by: >).prefix(limit))
    }
}
