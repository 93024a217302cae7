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

/// The networks of one family, by their leading bits, with the numbers of their entries: a row for each prefix length.
///
/// The networks of a row stand in the order of their hashes in twice as much room as they need, each where its hash says or
/// close behind, so that a look-up asks memory once for each row, however many networks there are.
struct NetworkRows<Bits: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    /// The rows while they are filled.
    struct Draft {
        fileprivate var rows: [(prefixLength: Int, slots: [Slot])] = []

        /// Adds a network; the same one may come again, with a higher number.
        mutating func add(_ bits: Bits, prefixLength: Int, number: Int) {
            let row = rows.firstIndex { $0.prefixLength == prefixLength } ?? rows.count
            if row == rows.count { rows.append((prefixLength, [])) }
            rows[row].slots.append(Slot(bits: bits, number: UInt32(number)))
        }
    }

    fileprivate struct Slot: Sendable {
        var bits: Bits = 0
        var number: UInt32 = .max

        var isFree: Bool { number == .max }
    }

    private struct Row: Sendable {
        let mask: Bits
        /// The first slot of the row, and how many of its slots hashes stand for.
        ///
        /// Behind these are networks that there was no more room for, and a free slot.
        let start: Int
        let homeCount: Int

        /// The first slot where a network may stand.
        @inline(__always)
        func home(_ bits: Bits) -> Int {
            let low = UInt64(truncatingIfNeeded: bits)
            let hash = Bits.bitWidth > 64 ? (UInt64(truncatingIfNeeded: bits >> 64).mixed ^ low).mixed : low.mixed
            return start + Int(hash.multipliedFullWidth(by: UInt64(homeCount)).high)
        }
    }

    private var rows: [Row] = []
    private var slots: [Slot] = []

    init(_ draft: Draft) {
        slots.reserveCapacity(draft.rows.reduce(0) { $0 + 2 * $1.slots.count + 64 })
        for (prefixLength, networks) in draft.rows { append(networks, prefixLength) }
    }

    private mutating func append(_ networks: [Slot], _ prefixLength: Int) {
        let mask = prefixLength == 0 ? 0 : Bits.max << (Bits.bitWidth - prefixLength)
        let row = Row(mask: mask, start: slots.count, homeCount: 2 * networks.count)
        // First how many networks each hash has, then where the next one of them goes.
        var next = [Int32](repeating: 0, count: row.homeCount)
        for network in networks { next[row.home(network.bits) - row.start] += 1 }
        var end = 0
        for home in next.indices where next[home] > 0 {
            let start = max(home, end)
            (next[home], end) = (Int32(start), start + Int(next[home]))
        }
        slots.append(contentsOf: repeatElement(Slot(), count: max(row.homeCount, end) + 1))
        for network in networks {
            let home = row.home(network.bits) - row.start
            slots[row.start + Int(next[home])] = network
            next[home] += 1
        }
        rows.append(row)
    }

    /// The lowest accepted number below `limit` among the networks that hold the address, else `limit`.
    @inline(__always)
    func first(_ address: Bits, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        var best = limit
        let (rows, slots) = (rows.span, slots.span)
        for row in rows.indices {
            let bits = address & rows[row].mask
            var index = rows[row].home(bits)
            while !slots[index].isFree {
                let slot = slots[index]
                index += 1
                guard slot.bits == bits else { continue }
                // Those that follow have higher numbers.
                if slot.number >= best { break }
                guard accepts(Int(slot.number)) else { continue }
                best = Int(slot.number)
                break
            }
        }
        return best
    }
}
