import ArgumentParser
import Storage

/// A table, as it is called in arguments and reports.
enum TableName: String, ExpressibleByArgument, CaseIterable {
    case greylist
    case autoWhitelist = "auto-whitelist"

    init(_ table: Table) {
        self = table == .greylist ? .greylist : .autoWhitelist
    }

    var table: Table { self == .greylist ? .greylist : .autoWhitelist }
}
