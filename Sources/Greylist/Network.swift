import Bytes

/// An address and a prefix length: a network in CIDR form (RFC 4632), its host bits cut off.
public struct Network: Sendable, Hashable {
    /// The first address of the network.
    public let address: Address
    /// How many bits are the network's: 0...32 or 0...128.
    public let prefixLength: Int

    /// The network of that length around an address.
    ///
    /// A length beyond the family's is taken as a single host.
    public init(_ address: Address, prefixLength: Int) {
        let length = min(max(0, prefixLength), address.family.rawValue)
        let mask = length == 0 ? 0 : UInt128.max << UInt128(128 - length)
        self.address = Address(family: address.family, bits: address.bits & mask)
        self.prefixLength = length
    }
}

extension Network {
    /// Whether an address lies in it.
    package func holds(_ address: Address) -> Bool {
        address.family == self.address.family && Network(address, prefixLength: prefixLength) == self
    }

    /// The last address of the network.
    public var lastAddress: Address {
        let hosts = prefixLength >= 128 ? 0 : UInt128.max >> UInt128(prefixLength)
        let family = address.family
        return Network(Address(family: family, bits: address.bits | hosts), prefixLength: family.rawValue).address
    }

    /// A number that stands for the network where networks are only counted; never 0.
    ///
    /// The same for all time, since stores keep it. Two networks may share one.
    public var tag: UInt32 {
        let high = UInt64(truncatingIfNeeded: address.bits >> 64)
        let low = UInt64(truncatingIfNeeded: address.bits)
        var mix = high ^ (low &* 0x9e37_79b9_7f4a_7c15) ^ UInt64(prefixLength << 8 | address.family.rawValue)
        mix = (mix ^ mix >> 32) &* 0xd6e8_feb8_6659_fd93
        mix = (mix ^ mix >> 32) &* 0xd6e8_feb8_6659_fd93
        return max(1, UInt32(truncatingIfNeeded: mix ^ mix >> 32))
    }
}

extension Network: CustomStringConvertible {
    /// `192.0.2.0/24`, `2001:db8::/48`.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.append(self)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension [UInt8] {
    /// Appends the network in CIDR form.
    public mutating func append(_ network: Network) {
        append(addingCapacity: Network.longestText) { $0.append(network) }
    }

    /// Appends the address; IPv6 as RFC 5952 has it: lower case, no leading zeros, the longest run of zeros as `::`.
    public mutating func append(_ address: Address) {
        append(addingCapacity: Network.longestText) { $0.append(address) }
    }
}

extension Network {
    /// Hands over the network in CIDR form, without an allocation.
    public func withText<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.longestText) { storage in
            var text = OutputSpan(buffer: storage, initializedCount: 0)
            text.append(self)
            return body(text.span)
        }
    }

    /// How many bytes the text of a network has at most: eight groups, seven colons, a prefix length.
    static let longestText = 8 * 4 + 7 + 4
}

extension OutputSpan<UInt8> {
    /// Appends the network in CIDR form.
    mutating func append(_ network: Network) {
        append(network.address)
        append(UInt8(ascii: "/"))
        append(decimal: UInt16(network.prefixLength))
    }

    mutating func append(_ address: Address) {
        switch address.family {
        case .ipv4: append(ipv4: UInt32(truncatingIfNeeded: address.bits >> 96))
        case .ipv6: append(ipv6: address.bits)
        }
    }

    private mutating func append(ipv4 bits: UInt32) {
        for octet: UInt32 in 0..<4 {
            if octet > 0 { append(UInt8(ascii: ".")) }
            append(decimal: UInt16(bits >> (24 - 8 * octet) & 0xff))
        }
    }

    private mutating func append(ipv6 bits: UInt128) {
        func group(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * index)) }
        var gap = 0..<0
        var start = 0
        for index in 0..<8 {
            if group(index) != 0 { start = index + 1 } else if index + 1 - start > gap.count { gap = start..<index + 1 }
        }
        if gap.count < 2 { gap = 0..<0 }
        var index = 0
        while index < 8 {
            if index == gap.lowerBound, !gap.isEmpty {
                append(UInt8(ascii: ":"))
                append(UInt8(ascii: ":"))
                index = gap.upperBound
                continue
            }
            if index > 0, index != gap.upperBound || gap.isEmpty { append(UInt8(ascii: ":")) }
            append(hexadecimal: group(index))
            index += 1
        }
    }
}

extension Address {
    /// The prefix length for which a dotted IPv4 mask such as `255.255.255.0` stands; nil where it isn't one.
    public var asMask: Int? {
        guard family == .ipv4 else { return nil }
        let length = (~bits).leadingZeroBitCount
        return bits == (length == 0 ? 0 : UInt128.max << UInt128(128 - length)) ? length : nil
    }
}

extension Address {
    /// Reads an address as mail servers write that of a client.
    ///
    /// It is bare, as Postfix sends it, or an address literal with or without its brackets and its tag (RFC 5321, section
    /// 4.1.3): `[192.0.2.9]`, `IPv6:2001:db8::1`, `[IPv6:2001:db8::1]`. Nil for anything else.
    public init?(client text: Span<UInt8>) {
        var (start, end) = (0, text.count)
        if end >= 2, text[0] == UInt8(ascii: "["), text[end - 1] == UInt8(ascii: "]") { (start, end) = (1, end - 1) }
        // No address begins with an i, so most aren't compared.
        let isTagged =
            end - start > 5 && text[start].lowercased == UInt8(ascii: "i")
            && text.extracting(start..<start + 5).equals(lowercase: "ipv6:")
        if isTagged { start += 5 }
        let bare = text.extracting(start..<end)
        // The tag is for IPv6 alone; a mapped IPv4 address is written as IPv6.
        if isTagged, bare.firstIndex(of: UInt8(ascii: ":"), in: 0..<bare.count) == nil { return nil }
        self.init(parsing: bare)
    }
}
