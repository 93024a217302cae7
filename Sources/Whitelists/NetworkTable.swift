import Greylist

/// Networks with the numbers of their entries.
///
/// A look-up costs one hash for each prefix length in use, however many networks there are.
struct NetworkTable: Sendable {
    /// The table while it is filled.
    struct Draft {
        fileprivate var ipv4: [NetworkRow<UInt32>.Draft] = []
        fileprivate var ipv6: [NetworkRow<UInt128>.Draft] = []

        /// Adds a network; the same one may come again, with a higher number.
        mutating func add(_ network: Network, number: Int) {
            switch network.address.family {
            case .ipv4:
                let row = ipv4.firstIndex { $0.prefixLength == network.prefixLength } ?? ipv4.count
                if row == ipv4.count { ipv4.append(.init(prefixLength: network.prefixLength)) }
                ipv4[row].add(network.address.ipv4Bits, number: number)
            case .ipv6:
                let row = ipv6.firstIndex { $0.prefixLength == network.prefixLength } ?? ipv6.count
                if row == ipv6.count { ipv6.append(.init(prefixLength: network.prefixLength)) }
                ipv6[row].add(network.address.bits, number: number)
            }
        }
    }

    private let ipv4: [NetworkRow<UInt32>]
    private let ipv6: [NetworkRow<UInt128>]

    init(_ draft: Draft) {
        ipv4 = draft.ipv4.map(NetworkRow.init)
        ipv6 = draft.ipv6.map(NetworkRow.init)
    }

    /// The lowest accepted number below `limit` among the networks that hold the address, else `limit`.
    func first(_ address: Address, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        var best = limit
        switch address.family {
        case .ipv4:
            let bits = address.ipv4Bits
            for row in ipv4.indices { best = ipv4[row].first(bits, below: best, where: accepts) }
        case .ipv6:
            for row in ipv6.indices { best = ipv6[row].first(address.bits, below: best, where: accepts) }
        }
        return best
    }
}

extension Address {
    fileprivate var ipv4Bits: UInt32 { UInt32(truncatingIfNeeded: bits >> 96) }
}
