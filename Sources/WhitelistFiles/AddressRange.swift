import Greylist

/// A range of addresses, `192.0.2.1-192.0.2.9` or `192.0.2.1-9`.
struct AddressRange {
    private let first: Address
    private let last: Address

    init?(_ text: String) {
        for separator in ["-", "\u{2013}", "..", " to "] {
            guard let gap = text.firstRange(of: separator) else { continue }
            let (left, right) = (Self.trimmed(text[..<gap.lowerBound]), Self.trimmed(text[gap.upperBound...]))
            guard let first = Address(left) else { return nil }
            guard let last = Address(right) ?? Address(Self.completed(right, like: left)) else { return nil }
            guard last.family == first.family, first.bits <= last.bits else { return nil }
            self.first = first
            self.last = last
            return
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.split(separator: " ").joined(separator: " "))
    }

    /// The end of a range that gives only its last octets.
    private static func completed(_ end: String, like start: String) -> String {
        let octets = start.split(separator: ".", omittingEmptySubsequences: false)
        let own = end.split(separator: ".", omittingEmptySubsequences: false)
        guard own.count < octets.count else { return end }
        return (octets.dropLast(own.count) + own).joined(separator: ".")
    }

    /// The fewest networks that hold just these addresses, as far as there are no more than `limit`.
    func networks(limit: Int) -> [Network] {
        // The bits of an IPv4 address are the highest.
        let shift = UInt128(128 - first.family.rawValue)
        var start = first.bits >> shift
        let end = last.bits >> shift
        var networks: [Network] = []
        while networks.count < limit {
            var free = min(start.trailingZeroBitCount, first.family.rawValue)
            while free > 0, free == 128 || end - start < (UInt128(1) << UInt128(free)) - 1 { free -= 1 }
            let address =
                first.family == .ipv4
                ? Address(ipv4: UInt32(truncatingIfNeeded: start)) : Address(ipv6: start)
            networks.append(Network(address, prefixLength: first.family.rawValue - free))
            let size = UInt128(1) << UInt128(free)
            guard end - start >= size else { return networks }
            start += size
        }
        return networks
    }
}
