import Bytes
import Greylist
import JSONText

/// An address or a network, in any of the spellings that people have for one.
struct NetworkText {
    /// What is said of how long the network's part is.
    enum Length: Equatable {
        /// Nothing: it is an address.
        case none
        case bits(Int)
        /// Something that isn't a length.
        case invalid
    }

    let address: Address
    let length: Length
    /// Whether it isn't as it should be written.
    let isUnusual: Bool

    /// Reads it; nil where there is no address at its beginning.
    init?(_ original: String) {
        let unwrapped = UnwrappedText(original)
        var text = unwrapped.text
        var isUnusual = unwrapped.isChanged
        // 192.0.2.0 255.255.255.0
        let words = text.split(separator: " ")
        if words.count == 2, Address(String(words[1]))?.asMask != nil {
            text = words.joined(separator: "/")
            isUnusual = true
        }
        let slash = text.firstIndex(of: "/")
        let base = String(text[..<(slash ?? text.endIndex)])
        if let address = Address(base) {
            self.address = address
            guard let slash else {
                (length, self.isUnusual) = (.none, isUnusual)
                return
            }
            let mask = String(text[text.index(after: slash)...])
            let isMapped = address.family == .ipv4 && base.utf8.contains(UInt8(ascii: ":"))
            length = Self.length(mask, of: address.family, isMapped: isMapped)
            self.isUnusual = isUnusual || isMapped
            return
        }
        guard slash == nil, let open = Self.open(base) else { return nil }
        (address, length, self.isUnusual) = (open.address, .bits(open.bits), true)
    }

    private static func length(_ mask: String, of family: Address.Family, isMapped: Bool) -> Length {
        if !mask.isEmpty, mask.utf8.count <= 3, mask.utf8.allSatisfy(\.isDigit), let number = Int(mask) {
            let bits = isMapped ? number - 96 : number
            return (0...family.rawValue).contains(bits) ? .bits(bits) : .invalid
        }
        guard family == .ipv4, let bits = Address(mask)?.asMask else { return .invalid }
        return .bits(bits)
    }

    /// `192.0.2.*`, `192.0.*.*`, and `192.0.2.` as other programs have it.
    private static func open(_ text: String) -> (address: Address, bits: Int)? {
        var octets = text.split(separator: ".", omittingEmptySubsequences: false)
        let count = octets.count
        while let last = octets.last, ["*", "x", "X", ""].contains(last) { octets.removeLast() }
        guard (1...4).contains(octets.count), octets.count < count, count <= 5 else { return nil }
        // A plain name such as "4." isn't one.
        guard octets.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) }) else { return nil }
        let whole = octets.map(String.init) + Array(repeating: "0", count: 4 - octets.count)
        return Address(whole.joined(separator: ".")).map { ($0, octets.count * 8) }
    }

    /// What a text was meant to be that is no address or network, or why it can't be one; empty where that isn't known.
    static func advice(on original: String) -> String {
        let text = UnwrappedText(original).text
        if let range = AddressRange(text) {
            let limit = 8
            let networks = range.networks(limit: limit + 1)
            let list = networks.prefix(limit).map { "\($0)" }.joined(separator: ", ")
            return ": it is a range: write its networks, an entry each: \(list)\(networks.count > limit ? ", ..." : "")"
        }
        let parts = text.severalParts
        if parts.count > 1, parts.allSatisfy({ NetworkText($0) != nil }) {
            return ": these are several: write an entry each: \(parts.shownList)"
        }
        let halves = text.split(separator: "/", maxSplits: 1).map(String.init)
        if halves.count == 2, let mask = Address(halves[1]), mask.family == .ipv4 {
            // What a router calls a wildcard mask.
            let bits = Network.inverted(mask).flatMap(\.asMask)
            if let bits { return ": the mask is an inverted one: write \(halves[0])/\(bits)" }
        }
        let octets = text.prefix { $0 != "/" }.split(separator: ".", omittingEmptySubsequences: false)
        if octets.count == 3, octets.allSatisfy({ $0.utf8.allSatisfy(\.isDigit) }), halves.count == 1 {
            let address = Address(text + ".0")
            return address.map { ": write \(Network($0, prefixLength: 24))" } ?? ""
        }
        let hasZeros = octets.contains { $0.utf8.count > 1 && $0.first == "0" }
        if octets.count == 4, hasZeros { return ": an octet has no leading zeros" }
        return ""
    }
}

extension Network {
    /// The address with all bits turned round.
    fileprivate static func inverted(_ address: Address) -> Address? {
        address.family == .ipv4 ? Address(ipv4: ~UInt32(truncatingIfNeeded: address.bits >> 96)) : nil
    }

    /// Whether no client can have an address in it: multicast, reserved, or not an address at all.
    var isUnreachable: Bool {
        guard address.family == .ipv4 else {
            let isMulticast = prefixLength >= 8 && address.bits >> 120 == 0xff
            return isMulticast || (prefixLength == 128 && address.bits == 0)
        }
        guard prefixLength >= 3 else { return false }
        let first = UInt8(truncatingIfNeeded: address.bits >> 120)
        return first >= 224 || (first == 0 && prefixLength >= 8)
    }
}

extension String {
    /// The parts between commas, semicolons and blanks; one where none is there.
    var severalParts: [String] {
        guard utf8.contains(where: { [0x2c, 0x3b, 0x20, 0x09, 0x0a, 0x0d].contains($0) }) else { return [self] }
        return split { $0 == "," || $0 == ";" || $0 == " " || $0 == "\t" || $0.isNewline }.map(String.init)
    }
}

extension [String] {
    /// The first few, for a sentence.
    var shownList: String {
        let limit = 5
        return prefix(limit).map { named($0) }.joined(separator: ", ") + (count > limit ? ", ..." : "")
    }
}

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
