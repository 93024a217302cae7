import Greylist
import Programs
import Settings
import Storage

/// What the arguments of a copy mean; nothing is opened yet.
struct CopyPlan {
    let source: CopyEndpoint
    let target: CopyEndpoint
    let tables: [Table]
    let rules: Rules
    let hashesKeys: Bool
    let isDryRun: Bool
    /// Whether to copy what can be read of a damaged source.
    let isSalvaged: Bool
    /// What is taken for granted, a sentence each.
    let assumptions: [String]

    init(_ command: CopyCommand, service: Configuration.Service, state: StateDirectory) throws(ProgramError) {
        func endpoint(_ name: String, _ url: String, prefix: String?, option: String) throws(ProgramError)
            -> CopyEndpoint
        {
            let location: StoreLocation
            do throws(StoreURLError) {
                location = try StoreLocation(url: state.expand(url))
            } catch {
                throw ProgramError(.usage, "\(name): \(error)")
            }
            switch location {
            case .memory: throw ProgramError(.usage, "\(name): a memory: store ends with its process: name another one")
            case .redis: return CopyEndpoint(location: location, keyPrefix: prefix ?? service.keyPrefix)
            case .lmdb, .gdbm:
                guard prefix == nil else { throw ProgramError(.usage, "\(option): only a Redis has one: drop it") }
                return CopyEndpoint(location: location, keyPrefix: "")
            }
        }
        source = try endpoint("FROM-URL", command.from, prefix: command.fromKeyPrefix, option: "--from-key-prefix")
        target = try endpoint("TO-URL", command.to, prefix: command.toKeyPrefix, option: "--to-key-prefix")
        guard !source.isSame(as: target) else {
            throw ProgramError(.usage, "\(source) would be copied to itself: name two stores, or two key prefixes")
        }
        if let table = command.table {
            (tables, assumptions) = ([table.table], [])
        } else if !source.tellsTablesApart {
            tables = [.greylist]
            assumptions = ["\(source) doesn't say what its entries are: taken for the greylist (see --table)"]
        } else if case .gdbm = target.location {
            let choice = TableName.allCases.map { "--table \($0.rawValue)" }.joined(separator: " or ")
            throw ProgramError(.usage, "\(target) holds one table: say which with \(choice)")
        } else {
            (tables, assumptions) = (Table.allCases, [])
        }
        rules = Rules(service)
        hashesKeys = command.hashKeys
        isDryRun = command.dryRun
        isSalvaged = command.salvage
    }
}
