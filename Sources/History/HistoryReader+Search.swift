import GRDB

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
            let lookup = try MailLookup(database)
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
        func ids(_ part: QueryPart) throws -> [Int64] {
            try Int64.fetchAll(
                database, sql: "SELECT id FROM cases WHERE \(part.sql) ORDER BY id DESC LIMIT ?",
                arguments: part.arguments + [limit])
        }
        func cases(of part: QueryPart) throws -> [Int64] {
            try Int64.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT case_id FROM attempts WHERE id IN
                        (SELECT id FROM attempts WHERE \(part.sql) ORDER BY id DESC LIMIT \(attemptsOfClients))
                    """, arguments: part.arguments)
        }
        if text.isEmpty { return try ids(QueryPart(sql: "true")) }
        var found: Set<Int64> = []
        let isDigest = Int64(digestText: text.lowercasedASCII) != nil
        if isDigest || text.contains("@") && !text.hasPrefix("@") {
            found.formUnion(try ids(.among("sender_key", lookup.senderKeys(text))))
            found.formUnion(try ids(.among("recipient_key", lookup.recipientKeys(text))))
        }
        let name = (text.hasPrefix("@") ? String(text.dropFirst()) : text).lowercasedASCII
        if !name.isEmpty, !name.contains("@") {
            for column in ["sender_domain", "organisation"] {
                let part = QueryPart.beginning(column, name)
                found.formUnion(try ids(QueryPart(sql: "\(part.sql) AND \(column) <> ''", arguments: part.arguments)))
            }
            let part = QueryPart.beginning("client_name", name)
            found.formUnion(
                try cases(
                    of: QueryPart(
                        sql: "\(part.sql) AND client_name NOT IN ('', 'unknown')", arguments: part.arguments)))
        }
        let addresses = lookup.clientAddresses(text)
        if !addresses.isEmpty {
            found.formUnion(try cases(of: .among("client_address", addresses)))
        } else if text.beginsAddress {
            found.formUnion(try cases(of: .beginning("client_address", text.lowercasedASCII)))
        }
        return Array(found.sorted(by: >).prefix(limit))
    }
}
