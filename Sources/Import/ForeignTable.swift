/// The tables of databases that are read as text, with the columns that they have.
enum ForeignTable: String, CaseIterable {
    case connect
    case fromAWL = "from_awl"
    case domainAWL = "domain_awl"
    case optinEmail = "optin_email"
    case optoutEmail = "optout_email"
    case optinDomain = "optin_domain"
    case optoutDomain = "optout_domain"
    case gldGreylist = "greylist"
    case gldWhitelist = "whitelist"
    case iredapdTracking = "greylisting_tracking"
    case iredapdWhitelists = "greylisting_whitelists"
    case cbpolicydTracking = "cbpolicyd:greylisting_tracking"
    case cbpolicydWhitelist = "greylisting_whitelist"
    case cbpolicydAutoWhitelist = "greylisting_autowhitelist"

    /// What it is called in its database.
    var name: String { rawValue.split(separator: ":").last.map(String.init) ?? rawValue }

    /// The columns that are read, in the order in which `TableRow` has them.
    var columns: [String] {
        switch self {
        case .connect: ["sender_name", "sender_domain", "src", "rcpt", "first_seen"]
        case .fromAWL: ["sender_name", "sender_domain", "src", "first_seen", "last_seen"]
        case .domainAWL: ["sender_domain", "src", "first_seen", "last_seen"]
        case .optinEmail, .optoutEmail: ["email"]
        case .optinDomain, .optoutDomain: ["domain"]
        case .gldGreylist: ["ip", "sender", "recipient", "first", "last", "n"]
        case .gldWhitelist: ["mail", "comment"]
        case .iredapdTracking:
            [
                "sender", "recipient", "client_address", "init_time", "block_expired", "record_expired", "passed",
            ]
        case .iredapdWhitelists: ["account", "sender", "comment"]
        case .cbpolicydTracking: ["trackkey", "sender", "recipient", "firstseen", "lastupdate", "count"]
        case .cbpolicydWhitelist: ["source", "comment", "disabled"]
        case .cbpolicydAutoWhitelist: ["trackkey", "added", "lastseen"]
        }
    }

    /// All columns in the order of the table, as far as it isn't that of `columns`: for text without a heading.
    ///
    /// Each as often as versions differ.
    private var layouts: [[String]] {
        switch self {
        case .iredapdTracking:
            let all = [
                "sender", "recipient", "client_address", "sender_domain", "rcpt_domain", "init_time", "block_expired",
                "record_expired", "blocked_count", "passed",
            ]
            return [all, ["id"] + all]
        case .iredapdWhitelists: return [columns, ["id"] + columns]
        case .cbpolicydTracking:
            return [["trackkey", "sender", "recipient", "firstseen", "lastupdate", "tries", "count"]]
        case .cbpolicydWhitelist: return [["id"] + columns]
        case .cbpolicydAutoWhitelist: return [["id"] + columns + ["comment"]]
        default: return [columns]
        }
    }

    /// Where the columns that are read lie in a heading; nil where it lacks one.
    func places(in heading: [String]) -> [Int]? {
        var places: [Int] = []
        for column in columns {
            guard let place = heading.firstIndex(of: column) else { return nil }
            places.append(place)
        }
        return places
    }

    /// Where they lie in a line of so many fields without a heading; nil where the table has another number.
    func places(of count: Int) -> [Int]? {
        layouts.first { $0.count == count }.flatMap { places(in: $0) }
    }

    /// The tables of a database.
    static func tables(of format: ImportFormat) -> [ForeignTable] {
        switch format {
        case .database(.sqlgrey):
            [.connect, .fromAWL, .domainAWL, .optinEmail, .optoutEmail, .optinDomain, .optoutDomain]
        case .database(.gld): [.gldGreylist, .gldWhitelist]
        case .database(.iredapd): [.iredapdTracking, .iredapdWhitelists]
        case .database(.cbpolicyd): [.cbpolicydTracking, .cbpolicydWhitelist, .cbpolicydAutoWhitelist]
        case .whitelist(.iredapd): [.iredapdWhitelists]
        default: []
        }
    }
}
