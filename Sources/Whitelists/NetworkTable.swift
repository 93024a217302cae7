import Greylist

/// Networks with the numbers of their entries.
///
/// A look-up costs one hash for each prefix length in use, however many networks there are.
struct NetworkTable: Sendable {
    /// The networks of one family and prefix length.
    struct Row: Sendable {
        let family: Address.Family
        let prefixLength: Int
        /// The leading bits of each network: 32 of an IPv4 network, 128 of an IPv6 one.
        var short: [UInt32] = []
        var long: [UInt128] = []
        var numbers: [UInt32] = []
        /// Index into `numbers` plus 1, 0 for a free slot; a power of two, at most half full.
        var slots: [UInt32] = Array(repeating: 0, count: 16)
    }

    private var rows: [Row] = []

    /// Adds a network; the same one may come again with a higher number.
    mutating func add(_ network: Network, number: Int) {
        let (family, length) = (network.address.family, network.prefixLength)
        let row = rows.firstIndex { $0.family == family && $0.prefixLength == length } ?? rows.count
        if row == rows.count { rows.append(Row(family: family, prefixLength: length)) }
        rows[row].add(network.address, number: number)
    }

    /// The lowest accepted number below `limit` among the networks that hold the address.
    func first(_ address: Address, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
        var best = limit
        for row in rows where row.family == address.family {
            let network = Network(address, prefixLength: row.prefixLength)
            if let number = row.first(network.address, below: best, where: accepts) { best = number }
        }
        return best < limit ? best : nil
    }
}

extension NetworkTable.Row {
    mutating func add(_ address: Address, number: Int) {
        switch family {
        case .ipv4: short.append(UInt32(truncatingIfNeeded: address.bits >> 96))
        case .ipv6: long.append(address.bits)
        }
        numbers.append(UInt32(number))
        if numbers.count * 2 > slots.count {
            slots = Array(repeating: 0, count: slots.count * 2)
            for index in numbers.indices { occupy(index) }
        } else {
            occupy(numbers.count - 1)
        }
    }

    @inline(__always)
    func first(_ address: Address, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
        let bits = address.bits
        var slot = hash(bits) & (slots.count - 1)
        // The same network again stands further on, in the order in which it was added.
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            let number = Int(numbers[index])
            if number < limit, self.bits(index) == bits, accepts(number) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private mutating func occupy(_ index: Int) {
        var slot = hash(bits(index)) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(index + 1)
    }

    private func bits(_ index: Int) -> UInt128 {
        family == .ipv4 ? UInt128(short[index]) << 96 : long[index]
    }

    private func hash(_ bits: UInt128) -> Int {
        var mix = UInt64(truncatingIfNeeded: bits >> 64) ^ UInt64(truncatingIfNeeded: bits) &* 0x9e37_79b9_7f4a_7c15
        mix = (mix ^ mix >> 32) &* 0xd6e8_feb8_6659_fd93
        return Int(truncatingIfNeeded: mix ^ mix >> 32)
    }
}
