import Bytes
import GRDB
import Greylist
import Storage

/// What a history says of itself: the key of its digests, and how its keys are made.
struct HistorySettings: Sendable {
    var key: [UInt8]
    var ipv4Mask: Int
    var ipv6Mask: Int
    /// By the mark of which key of the site mail is found that is new; nil: by the history's own.
    var siteKeyMark: String?

    private enum Name: String {
        case digestKey = "digest_key"
        case ipv4Mask = "ipv4_mask"
        case ipv6Mask = "ipv6_mask"
        case siteKeyMark = "site_key"
    }

    /// Those of a database.
    init(_ database: Database) throws {
        let digits = try String.fetchOne(database, sql: Self.query, arguments: [Name.digestKey.rawValue])
        key = digits.flatMap { [UInt8](hexadecimal: $0.utf8) } ?? []
        ipv4Mask = try Int.fetchOne(database, sql: Self.query, arguments: [Name.ipv4Mask.rawValue]) ?? 32
        ipv6Mask = try Int.fetchOne(database, sql: Self.query, arguments: [Name.ipv6Mask.rawValue]) ?? 128
        siteKeyMark = try String.fetchOne(database, sql: Self.query, arguments: [Name.siteKeyMark.rawValue])
    }

    /// The keys of the digests by which mail may be found, that of what is new first.
    ///
    /// - Parameter siteKeys: those of the site; nil where it has none, or they can't be read
    func digestKeys(_ siteKeys: SiteKeys?) -> [[UInt8]] {
        (siteKeys?.all ?? []).map { $0.secret(for: .addresses) } + [key]
    }

    private static let query = "SELECT value FROM settings WHERE name = ?"

    /// Writes what follows from the options, and returns what there is then.
    ///
    /// The history's own key is made once.
    static func write(_ options: HistoryOptions, to database: Database) throws -> HistorySettings {
        var settings = try HistorySettings(database)
        if settings.key.count != MailDigests.keySize {
            settings.key = MailDigests.randomKey()
            try put(.digestKey, String(hexadecimal: settings.key), database)
        }
        if settings.ipv4Mask != options.masks.ipv4 { try put(.ipv4Mask, options.masks.ipv4, database) }
        if settings.ipv6Mask != options.masks.ipv6 { try put(.ipv6Mask, options.masks.ipv6, database) }
        let mark = options.siteKeys?.current.mark
        if settings.siteKeyMark != mark {
            settings.siteKeyMark = mark
            if let mark { try put(.siteKeyMark, mark, database) } else { try remove(.siteKeyMark, database) }
        }
        return settings
    }

    private static func put(_ name: Name, _ value: some DatabaseValueConvertible, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", arguments: [name.rawValue, value])
    }

    private static func remove(_ name: Name, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM settings WHERE name = ?", arguments: [name.rawValue])
    }
}
