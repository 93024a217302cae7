/// Networks by address, with a number for each.
///
/// A look-up costs one hash for each prefix length in use, however many networks there are.
struct NetworkTable: Sendable {
    private var numbers: [Network: Int] = [:]
    private var ipv4Lengths: [Int] = []
    private var ipv6Lengths: [Int] = []

    /// Adds a network; where it is there already, the earlier number stays.
    mutating func add(_ network: Network, number: Int) {
        guard numbers[network] == nil else { return }
        numbers[network] = number
        let length = network.prefixLength
        switch network.address.family {
        case .ipv4: if !ipv4Lengths.contains(length) { ipv4Lengths.append(length) }
        case .ipv6: if !ipv6Lengths.contains(length) { ipv6Lengths.append(length) }
        }
    }

    /// The lowest number among the networks that hold the address.
    func lowestNumber(holding address: Address) -> Int? {
        var lowest: Int?
        for length in address.family == .ipv4 ? ipv4Lengths : ipv6Lengths {
            guard let number = numbers[Network(address, prefixLength: length)] else { continue }
            lowest = min(lowest ?? number, number)
        }
        return lowest
    }
}
