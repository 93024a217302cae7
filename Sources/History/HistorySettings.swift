import Bytes
import Crypto
import GRDB
import Greylist

/// What a history says of itself: the key of its digests, and how its keys are made.
struct HistorySettings: Sendable {
    var key: [UInt8]
    var ipv4Mask: Int
    var ipv6Mask: Int

    private enum Name: String {
        case digestKey = "digest_key"
        case ipv4Mask = "ipv4_mask"
        case ipv6Mask = "ipv6_mask"
    }

    /// Those of a database.
    init(_ database: Database) throws {
        let digits = try String.fetchOne(database, sql: Self.query, arguments: [Name.digestKey.rawValue])
        key = digits.flatMap { [UInt8](hexadecimal: $0.utf8) } ?? []
        ipv4Mask = try Int.fetchOne(database, sql: Self.query, arguments: [Name.ipv4Mask.rawValue]) ?? 32
        ipv6Mask = try Int.fetchOne(database, sql: Self.query, arguments: [Name.ipv6Mask.rawValue]) ?? 128
    }

    private static let query = "SELECT value FROM settings WHERE name = ?"

    /// Writes what follows from the options; returns the key, which is made once.
    static func write(_ options: HistoryOptions, to database: Database) throws -> [UInt8] {
        var settings = try HistorySettings(database)
        if settings.key.count != MailDigests.keySize {
            settings.key = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
            try put(.digestKey, String(hexadecimal: settings.key), database)
        }
        if settings.ipv4Mask != options.masks.ipv4 { try put(.ipv4Mask, options.masks.ipv4, database) }
        if settings.ipv6Mask != options.masks.ipv6 { try put(.ipv6Mask, options.masks.ipv6, database) }
        return settings.key
    }

    private static func put(_ name: Name, _ value: some DatabaseValueConvertible, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", arguments: [name.rawValue, value])
    }
}
