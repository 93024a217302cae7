import ArgumentParser
import Storage

/// A table, as it is called in arguments and reports.
enum TableName: String, ExpressibleByArgument, CaseIterable {
    case greylist
    case autoWhitelist = "auto-whitelist"
    case identity

    init(_ table: Table) {
        switch table {
        case .greylist: self = .greylist
        case .autoWhitelist: self = .autoWhitelist
        case .identity: self = .identity
        }
    }

    var table: Table {
        switch self {
        case .greylist: .greylist
        case .autoWhitelist: .autoWhitelist
        case .identity: .identity
        }
    }
}
