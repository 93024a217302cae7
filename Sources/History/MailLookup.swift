import Bytes
import Engine
import GRDB
import Greylist
import Storage

/// Finds mail by what an administrator types: as it was sent, or as the history shows it.
struct MailLookup {
    private let digestKeys: [[UInt8]]
    private let masks: PrefixLengths

    /// For that history.
    ///
    /// - Parameter siteKeys: those of the site, where they are known
    init(_ database: Database, _ siteKeys: SiteKeys?) throws {
        let settings = try HistorySettings(database)
        digestKeys = settings.digestKeys(siteKeys)
        masks = PrefixLengths(ipv4: settings.ipv4Mask, ipv6: settings.ipv6Mask, nat64Prefixes: [])
    }

    /// The keys under which a sender may be known.
    func senderKeys(_ text: String) -> [Int64] {
        let digest = Int64(digestText: text.lowercasedASCII)
        return keys(sender: text, recipient: "", folds: false).map(\.sender) + (digest.map { [$0] } ?? [])
    }

    /// The keys under which a recipient may be known, with and without its extension.
    func recipientKeys(_ text: String) -> [Int64] {
        let digest = Int64(digestText: text.lowercasedASCII)
        let forms = [true, false].flatMap { keys(sender: "", recipient: text, folds: $0).map(\.recipient) }
        return forms + (digest.map { [$0] } ?? [])
    }

    private func keys(sender: String, recipient: String, folds: Bool) -> [MailKeys] {
        digestKeys.map { key in
            var digests = MailDigests(key: key, masks: masks, foldsRecipient: folds)
            return digests.keys(client: [], sender: sender.keptBytes, recipient: recipient.keptBytes)
        }
    }

    /// The addresses under which a client may be known: its own, and its network; empty where the text isn't an address.
    func clientAddresses(_ text: String) -> [String] {
        guard let address = Address(client: Array(text.utf8).span) else { return [] }
        return [text, masks.network(of: address).description]
    }
}

/// A part of a query: a condition in SQL, and the values that are bound to its question marks.
struct QueryPart {
    var sql: String
    var arguments: StatementArguments = []

    /// A column that has one of these values.
    static func among(_ column: String, _ values: [some DatabaseValueConvertible]) -> QueryPart {
        let marks = Array(repeating: "?", count: values.count).joined(separator: ", ")
        return QueryPart(sql: "\(column) IN (\(marks))", arguments: StatementArguments(values))
    }

    /// A column whose text begins so; texts are printable ASCII, so that what follows the tilde ends the range.
    static func beginning(_ column: String, _ text: String) -> QueryPart {
        QueryPart(sql: "\(column) >= ? AND \(column) < ?", arguments: [text, text + "\u{7f}"])
    }

    /// This, and a condition without values, such as one that lets a partial index be used.
    func and(_ condition: String) -> QueryPart {
        QueryPart(sql: "\(sql) AND \(condition)", arguments: arguments)
    }
}

extension [QueryPart] {
    /// All of them, one and the other.
    var joined: QueryPart {
        QueryPart(
            sql: isEmpty ? "true" : map { "(\($0.sql))" }.joined(separator: " AND "),
            arguments: reduce(into: []) { $0 += $1.arguments })
    }
}

extension String {
    /// The text with letters A to Z in lower case.
    var lowercasedASCII: String {
        String(decoding: utf8.map(\.lowercased), as: UTF8.self)
    }

    /// The bytes that it stands for, as many as a history looks at.
    fileprivate var keptBytes: ArraySlice<UInt8> { shownBytes.prefix(DecisionBatch.longestText) }

    /// Whether it can be the beginning of an address of a client and of nothing else: digits and what parts them.
    var beginsAddress: Bool {
        utf8.first?.isHexadecimal == true && utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
            && utf8.allSatisfy { $0.isHexadecimal || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
    }
}
