/// The greylisters whose databases can be read.
public enum ImportKind: String, Sendable, CaseIterable {
    /// The text that `db_dump` or `db_dump -p` makes of `postgrey.db` and `postgrey_clients.db`; a directory of those by
    /// `PostgreyDirectory`.
    case postgrey
    /// Mail logs with postgrey's lines, which tell who passed.
    case postgreyLog = "postgrey-log"
    /// Tables as tab-separated or comma-separated text; the SQLite file by `SQLgreyDatabase`.
    case sqlgrey
    /// The files `triplets` and `states`.
    case greylistd
    /// Tables as text.
    case gld, iredapd, cbpolicyd
    /// The text dump.
    case milterGreylist = "milter-greylist"
    /// What `spamdb` prints.
    case spamdb
}

extension ImportKind {
    /// The columns that are read of its tables; none where it has no tables.
    public var columns: [String] {
        Set(ForeignTable.tables(of: .database(self)).flatMap(\.columns)).sorted()
    }
}

/// The whitelists of other programs that can be read.
public enum ForeignListKind: String, Sendable, CaseIterable {
    /// sqlgrey's `clients_fqdn_whitelist`: names, `*.domain`, `/expression/`.
    case sqlgreyNames = "sqlgrey-fqdn"
    /// sqlgrey's `clients_ip_whitelist`: addresses, three octets, networks.
    case sqlgreyAddresses = "sqlgrey-ip"
    /// The `acl whitelist` lines in milter-greylist's configuration.
    case milterGreylist = "milter-greylist"
    /// iRedAPD's table `greylisting_whitelists` as text.
    case iredapd
}

/// What a text is read as.
public enum ImportFormat: Sendable, Hashable {
    case database(ImportKind)
    case whitelist(ForeignListKind)

    /// What it is called in messages.
    var name: String {
        switch self {
        case .database(.postgrey): "a db_dump of postgrey"
        case .database(.postgreyLog): "a mail log with postgrey's lines"
        case .database(.sqlgrey): "a table of sqlgrey"
        case .database(.greylistd): "a file of greylistd"
        case .database(.gld): "a table of gld"
        case .database(.iredapd): "a table of iRedAPD"
        case .database(.cbpolicyd): "a table of cbpolicyd"
        case .database(.milterGreylist): "a dump of milter-greylist"
        case .database(.spamdb): "output of spamdb"
        case .whitelist(.sqlgreyNames): "a clients_fqdn_whitelist of sqlgrey"
        case .whitelist(.sqlgreyAddresses): "a clients_ip_whitelist of sqlgrey"
        case .whitelist(.milterGreylist): "a configuration of milter-greylist"
        case .whitelist(.iredapd): "a table greylisting_whitelists of iRedAPD"
        }
    }
}
