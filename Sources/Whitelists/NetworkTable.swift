import Greylist

/// Networks with the numbers of their entries.
///
/// A look-up costs one hash for each prefix length in use, however many networks there are.
struct NetworkTable: Sendable {
    /// The networks of one family and prefix length.
    private struct Row: Sendable {
        let family: Address.Family
        let prefixLength: Int
        /// The leading bits of each network: 32 of an IPv4 network, 128 of an IPv6 one.
        private var short: [UInt32] = []
        private var long: [UInt128] = []
        private var numbers = EntryNumbers()
        private var index = HashIndex()

        init(_ family: Address.Family, _ prefixLength: Int) {
            self.family = family
            self.prefixLength = prefixLength
        }

        mutating func add(_ address: Address, number: Int) {
            let known = place(of: address)
            numbers.add(number, at: known)
            guard known == nil else { return }
            switch family {
            case .ipv4: short.append(UInt32(truncatingIfNeeded: address.bits >> 96))
            case .ipv6: long.append(address.bits)
            }
            index.append(hash: Self.hash(address.bits))
        }

        /// What is needed to look an address up, fetched beforehand.
        func probe(_ address: Address) -> Probe {
            let bits = Network(address, prefixLength: prefixLength).address.bits
            let hash = Self.hash(bits)
            return Probe(bits: bits, hash: hash, slot: index.slot(for: hash))
        }

        @inline(__always)
        func first(_ probe: Probe, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
            guard probe.slot != 0 else { return nil }
            var best = limit
            index.forEach(hash: probe.hash, from: probe.slot) { index in
                if bits(index) == probe.bits { best = numbers.lowest(at: index, below: best, where: accepts) }
            }
            return best < limit ? best : nil
        }

        /// How many entries this network has.
        func count(of address: Address) -> Int {
            place(of: address).map(numbers.count) ?? 0
        }

        private func place(of address: Address) -> Int? {
            let probe = probe(address)
            var place: Int?
            index.forEach(hash: probe.hash, from: probe.slot) { index in
                if bits(index) == probe.bits { place = index }
            }
            return place
        }

        private func bits(_ index: Int) -> UInt128 {
            family == .ipv4 ? UInt128(short[index]) << 96 : long[index]
        }

        private static func hash(_ bits: UInt128) -> UInt32 {
            var mix =
                UInt64(truncatingIfNeeded: bits >> 64) ^ UInt64(truncatingIfNeeded: bits) &* 0x9e37_79b9_7f4a_7c15
            mix = (mix ^ mix >> 32) &* 0xd6e8_feb8_6659_fd93
            return UInt32(truncatingIfNeeded: mix ^ mix >> 32)
        }
    }

    private struct Probe: Sendable {
        var bits: UInt128 = 0
        var hash: UInt32 = 0
        var slot: UInt64 = 0
    }

    private var ipv4: [Row] = []
    private var ipv6: [Row] = []

    /// Adds a network; the same one may come again.
    mutating func add(_ network: Network, number: Int) {
        switch network.address.family {
        case .ipv4: Self.add(network, number, to: &ipv4)
        case .ipv6: Self.add(network, number, to: &ipv6)
        }
    }

    private static func add(_ network: Network, _ number: Int, to rows: inout [Row]) {
        let row = rows.firstIndex { $0.prefixLength == network.prefixLength } ?? rows.count
        if row == rows.count { rows.append(Row(network.address.family, network.prefixLength)) }
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
            var probes = InlineArray<8, Probe>(repeating: Probe())
            for row in start..<end { probes[row - start] = rows[row].probe(address) }
            for row in start..<end {
                if let number = rows[row].first(probes[row - start], below: best, where: accepts) { best = number }
            }
            start = end
        }
        return best < limit ? best : nil
    }
}
