import Greylist

/// Networks with the numbers of their entries.
///
/// A look-up costs one hash for each prefix length in use, however many networks there are.
struct NetworkTable: Sendable {
    private var ipv4: [NetworkRow] = []
    private var ipv6: [NetworkRow] = []

    /// Adds a network; the same one may come again.
    mutating func add(_ network: Network, number: Int) {
        switch network.address.family {
        case .ipv4: Self.add(network, number, to: &ipv4)
        case .ipv6: Self.add(network, number, to: &ipv6)
        }
    }

    private static func add(_ network: Network, _ number: Int, to rows: inout [NetworkRow]) {
        let row = rows.firstIndex { $0.prefixLength == network.prefixLength } ?? rows.count
        if row == rows.count { rows.append(NetworkRow(network.address.family, network.prefixLength)) }
        rows[row].add(network.address, number: number)
    }

    /// How many entries this network has.
    func count(of network: Network) -> Int {
        let rows = network.address.family == .ipv4 ? ipv4 : ipv6
        return rows.first { $0.prefixLength == network.prefixLength }?.count(of: network.address) ?? 0
    }

    /// The lowest accepted number below `limit` among the networks that hold the address.
    func first(_ address: Address, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
        let rows = address.family == .ipv4 ? ipv4 : ipv6
        var best = limit
        // Eight rows at a time are fetched from memory together.
        var start = 0
        while start < rows.count {
            let end = min(start + 8, rows.count)
            var probes = InlineArray<8, NetworkRow.Probe>(repeating: NetworkRow.Probe())
            for row in start..<end { probes[row - start] = rows[row].probe(address) }
            for row in start..<end {
                if let number = rows[row].first(probes[row - start], below: best, where: accepts) { best = number }
            }
            start = end
        }
        return best < limit ? best : nil
    }
}
