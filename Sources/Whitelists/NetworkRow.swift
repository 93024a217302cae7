import Greylist

/// The networks of one family and prefix length, with the numbers of their entries.
struct NetworkRow: Sendable {
    /// An IPv6 network with its first entry.
    private struct Long: Sendable {
        let high: UInt64
        let low: UInt64
        let first: UInt32
    }

    /// What is needed to look an address up, fetched beforehand.
    struct Probe: Sendable {
        fileprivate var high: UInt64 = 0
        fileprivate var low: UInt64 = 0
        fileprivate var hash: UInt32 = 0
        fileprivate var slot: UInt64 = 0
    }

    private let family: Address.Family
    let prefixLength: Int
    private let mask: UInt128
    /// The first entry of an IPv4 network, or the place of an IPv6 one in `long`.
    private var index = HashIndex()
    private var long: [Long] = []
    private var numbers = EntryNumbers()

    init(_ family: Address.Family, _ prefixLength: Int) {
        self.family = family
        self.prefixLength = prefixLength
        mask = prefixLength == 0 ? 0 : .max << (128 - prefixLength)
    }

    /// Adds a network of this row; the same one may come again.
    mutating func add(_ address: Address, number: Int) {
        let probe = probe(address)
        if let known = first(probe) { return numbers.add(number, after: known) }
        switch family {
        case .ipv4: index.add(UInt32(number), hash: probe.hash)
        case .ipv6:
            index.add(UInt32(long.count), hash: probe.hash)
            long.append(Long(high: probe.high, low: probe.low, first: UInt32(number)))
        }
    }

    /// Prepares the look-up of an address.
    @inline(__always)
    func probe(_ address: Address) -> Probe {
        let bits = address.bits & mask
        var probe = Probe(high: UInt64(truncatingIfNeeded: bits >> 64), low: UInt64(truncatingIfNeeded: bits))
        probe.hash =
            family == .ipv4
            ? Self.permuted(UInt32(truncatingIfNeeded: probe.high >> 32)) : Self.hash(probe.high, probe.low)
        probe.slot = index.slot(for: probe.hash)
        return probe
    }

    /// The lowest accepted number below `limit` of that network.
    @inline(__always)
    func first(_ probe: Probe, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
        guard probe.slot != 0, let first = first(probe) else { return nil }
        let best = numbers.lowest(from: first, below: limit, where: accepts)
        return best < limit ? best : nil
    }

    /// How many entries this network has.
    func count(of address: Address) -> Int {
        first(probe(address)).map(numbers.count) ?? 0
    }

    @inline(__always)
    private func first(_ probe: Probe) -> UInt32? {
        var first: UInt32?
        index.forEach(hash: probe.hash, from: probe.slot) { number in
            switch family {
            // No two IPv4 networks have the same hash.
            case .ipv4: first = number
            case .ipv6:
                let found = long[Int(number)]
                if found.high == probe.high, found.low == probe.low { first = found.first }
            }
        }
        return first
    }

    /// Another number for each number: each step can be undone.
    private static func permuted(_ bits: UInt32) -> UInt32 {
        var mix = bits
        mix = (mix ^ mix >> 16) &* 0x7feb_352d
        mix = (mix ^ mix >> 15) &* 0x846c_a68b
        return mix ^ mix >> 16
    }

    private static func hash(_ high: UInt64, _ low: UInt64) -> UInt32 {
        var mix = high ^ low &* 0x9e37_79b9_7f4a_7c15
        mix = (mix ^ mix >> 32) &* 0xd6e8_feb8_6659_fd93
        return UInt32(truncatingIfNeeded: mix ^ mix >> 32)
    }
}
