import Control
import Glibc
import Greylist
import Programs
import Storage

/// Where imported entries go.
enum ImportTarget {
    /// Nowhere: they are counted.
    case none
    /// Stores that this process has open; the second is nil where the first one has both tables.
    case stores(greylist: any Store, autoWhitelist: (any Store)?, name: String)
    /// A daemon, through its control socket.
    case daemon(ControlClient, site: String)

    /// What it is called in reports; nil for nowhere.
    var name: String? {
        switch self {
        case .none: nil
        case .stores(_, _, let name): name
        case .daemon(let client, _): "tprtd at unix:\(client.path)"
        }
    }

    /// How many entries, and how many bytes of lines, go into a slice.
    private static let slice = 2_000

    /// Adds entries.
    ///
    /// - Returns: how many of them weren't known before; nil where that can't be told
    func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(ProgramError) -> Int? {
        switch self {
        case .none: return nil
        case .stores(let greylist, let autoWhitelist, _):
            let store = table == .autoWhitelist ? autoWhitelist ?? greylist : greylist
            var (new, rest) = (0, entries[...])
            do throws(StoreError) {
                while !rest.isEmpty {
                    let slice = Array(rest.prefix(Self.slice))
                    new += try await store.absent(slice.map(\.key), from: table).distinct(among: slice)
                    try await store.merge(slice, into: table, at: now, under: rules)
                    rest = rest.dropFirst(Self.slice)
                }
            } catch {
                throw ProgramError(error)
            }
            return new
        case .daemon(let client, let site):
            var new: Int? = 0
            for lines in Self.slices(of: entries) {
                let order = ImportOrder(site: site, table: TableName(table).rawValue, lines: lines)
                let receipt = try Self.send(order, to: client)
                new = receipt.new.flatMap { count in new.map { $0 + count } }
            }
            return new
        }
    }

    /// Closes what is open.
    func close() async {
        guard case .stores(let greylist, let autoWhitelist, _) = self else { return }
        await greylist.close()
        await autoWhitelist?.close()
    }

    /// The daemon at that socket, where one answers there and makes the same keys; nil where none answers.
    static func daemon(
        at path: String, isNamed: Bool, _ site: String
    ) throws(ProgramError) -> ImportTarget? {
        let client = ControlClient(path: path)
        guard try client.isAnswered() else {
            guard isNamed else { return nil }
            throw ProgramError(.unavailable, "unix:\(path): no process is listening: is tprtd running?")
        }
        _ = try send(ImportOrder(site: site, table: TableName.greylist.rawValue, lines: []), to: client)
        return .daemon(client, site: site)
    }

    private static func send(_ order: ImportOrder, to client: ControlClient) throws(ProgramError) -> ImportReceipt {
        let reply = try client.ask(order.request)
        guard let receipt = ImportReceipt(reply) else {
            let status = ExitStatus(rawValue: reply.status) ?? .unavailable
            throw ProgramError(status, reply.warnings.isEmpty ? ["tprtd gave no reason"] : reply.warnings)
        }
        return receipt
    }

    /// Lines that fit into a request each.
    private static func slices(of entries: [Entry]) -> [[String]] {
        var (slices, slice, size): ([[String]], [String], Int) = ([], [], 0)
        for entry in entries {
            let line = entry.line
            let lineSize = ImportOrder.size(of: line)
            if size + lineSize > ImportOrder.room, !slice.isEmpty {
                slices.append(slice)
                (slice, size) = ([], 0)
            }
            slice.append(line)
            size += lineSize
        }
        return slice.isEmpty ? slices : slices + [slice]
    }
}

extension [Int] {
    /// How many keys are at these positions, each counted once.
    fileprivate func distinct(among entries: [Entry]) -> Int { Set(lazy.map { entries[$0].key }).count }
}
