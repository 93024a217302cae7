import Greylist

/// Networks with the numbers of their entries.
///
/// A look-up costs one hash for each prefix length in use, however many networks there are.
struct NetworkTable: Sendable {
    /// The table while it is filled.
    struct Draft {
        fileprivate var ipv4 = NetworkRows<UInt32>.Draft()
        fileprivate var ipv6 = NetworkRows<UInt128>.Draft()

        /// Adds a network; the same one may come again, with a higher number.
        mutating func add(_ network: Network, number: Int) {
            let (address, length) = (network.address, network.prefixLength)
            switch address.family {
            case .ipv4: ipv4.add(address.ipv4Bits, prefixLength: length, number: number)
            case .ipv6: ipv6.add(address.bits, prefixLength: length, number: number)
            }
        }
    }

    private let ipv4: NetworkRows<UInt32>
    private let ipv6: NetworkRows<UInt128>

    init(_ draft: Draft) {
        ipv4 = NetworkRows(draft.ipv4)
        ipv6 = NetworkRows(draft.ipv6)
    }

    /// The lowest accepted number below `limit` among the networks that hold the address, else `limit`.
    func first(_ address: Address, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        switch address.family {
        case .ipv4: ipv4.first(address.ipv4Bits, below: limit, where: accepts)
        case .ipv6: ipv6.first(address.bits, below: limit, where: accepts)
        }
    }
}

extension Address {
    fileprivate var ipv4Bits: UInt32 { UInt32(truncatingIfNeeded: bits >> 96) }
}
