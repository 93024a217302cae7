import Bytes

/// An IPv4 or IPv6 address.
public struct Address: Sendable, Hashable {
    /// The two kinds, with the length of an address in bits.
    public enum Family: Int, Sendable {
        case ipv4 = 32
        case ipv6 = 128
    }

    /// Which kind of address it is.
    public let family: Family
    /// The address, its first bit the highest; the 96 bits below an IPv4 address are 0.
    package let bits: UInt128

    init(family: Family, bits: UInt128) {
        self.family = family
        self.bits = bits
    }

    /// The IPv4 address with this value.
    public init(ipv4 value: UInt32) {
        self.init(family: .ipv4, bits: UInt128(value) << 96)
    }

    /// The IPv6 address with this value.
    ///
    /// One that maps an IPv4 address (`::ffff:a.b.c.d`) is taken as that address.
    public init(ipv6 value: UInt128) {
        if let mapped = Self.mappedIPv4(in: value) {
            self.init(ipv4: mapped)
        } else {
            self.init(family: .ipv6, bits: value)
        }
    }
}

extension Address {
    /// Whether nobody on the internet has it: mail that comes from there to other sites was handed on by something near.
    ///
    /// Private networks and unique local addresses (RFC 1918, RFC 4193), addresses shared by a provider's clients
    /// (RFC 6598), link-local ones (RFC 3927, RFC 4291) and loopback.
    public var isPrivate: Bool {
        switch family {
        case .ipv4:
            begins(with: 0x0a00_0000, 8) || begins(with: 0xac10_0000, 12) || begins(with: 0xc0a8_0000, 16)
                || begins(with: 0x6440_0000, 10) || begins(with: 0xa9fe_0000, 16) || begins(with: 0x7f00_0000, 8)
        case .ipv6: bits >> 121 == 0xfc >> 1 || bits >> 118 == 0xfe80 >> 6 || bits == 1
        }
    }

    private func begins(with network: UInt32, _ length: UInt128) -> Bool {
        (bits ^ UInt128(network) << 96) >> (128 - length) == 0
    }
}

/// Which IPv6 addresses carry an IPv4 one: the only place that decides it.
///
/// | form | defined by | counts for |
/// | --- | --- | --- |
/// | `::ffff:0:0/96`, mapped | RFC 4291, 2.5.5.2 | everything: it is read as IPv4 |
/// | `::/96` but `::` and `::1`, compatible | RFC 4291, 2.5.5.1 | keys, whitelists |
/// | `::ffff:0:0:0/96`, translated (SIIT) | RFC 2765, RFC 7915 | keys, whitelists |
/// | `64:ff9b::/96`, NAT64 | RFC 6052 | keys, whitelists |
/// | `64:ff9b:1::/48`, a site's NAT64, read as /96 | RFC 8215 | keys, whitelists |
/// | a site's own NAT64 prefixes | RFC 6052 | keys, whitelists |
/// | `2002::/16`, 6to4 | RFC 3056 | keys |
/// | `2001::/32`, Teredo: the client's address, inverted | RFC 4380 | keys |
///
/// A translator stands for the host behind it, and that host is the client. A tunnel's address is one that its host really
/// has: keys know it by the IPv4 address, since one host can make itself any number of them, but whitelists take it as it is.
extension Address {
    /// What an address is looked at for.
    public enum Purpose: Sendable {
        /// To find the network in the keys of a store.
        case keys
        /// To find the entries of whitelists that hold.
        case whitelists
    }

    /// The IPv4 address that this one carries; itself where it carries none.
    ///
    /// - Parameter prefixes: the site's own NAT64 prefixes, the longest first; they come before all others
    public func unwrapped(for purpose: Purpose, through prefixes: [NAT64Prefix]) -> Address {
        guard family == .ipv6 else { return self }
        for prefix in prefixes {
            if let value = prefix.ipv4(in: bits) { return Address(ipv4: value) }
        }
        if let value = Self.translatedIPv4(in: bits) { return Address(ipv4: value) }
        if purpose == .keys, let value = Self.tunnelledIPv4(in: bits) { return Address(ipv4: value) }
        return self
    }

    /// The IPv4 address that a mapped one stands for.
    static func mappedIPv4(in bits: UInt128) -> UInt32? {
        bits >> 32 == 0xffff ? UInt32(truncatingIfNeeded: bits) : nil
    }

    private static func translatedIPv4(in bits: UInt128) -> UInt32? {
        let low = UInt32(truncatingIfNeeded: bits)
        let isCompatible = bits >> 32 == 0 && low > 1
        let isTranslated = bits >> 32 == 0xffff_0000
        let isNAT64 = bits >> 32 == UInt128(0x0064_ff9b) << 64 || bits >> 80 == 0x0064_ff9b_0001
        return isCompatible || isTranslated || isNAT64 ? low : nil
    }

    private static func tunnelledIPv4(in bits: UInt128) -> UInt32? {
        if bits >> 112 == 0x2002 { return UInt32(truncatingIfNeeded: bits >> 80) }
        if bits >> 96 == 0x2001_0000 { return ~UInt32(truncatingIfNeeded: bits) }
        return nil
    }
}

/// The prefix of a site's translator between IPv6 and IPv4 (RFC 6052).
///
/// The IPv4 address follows the prefix, without bits 64 to 71, which are 0. What stands behind it doesn't count.
public struct NAT64Prefix: Sendable, Hashable {
    /// Why a text is not a prefix; the sentence begins with the text.
    public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
        /// What is wrong and the remedy.
        public let description: String
    }

    /// How many bits it has: 32, 40, 48, 56, 64 or 96.
    public let length: Int
    private let bits: UInt128

    /// Reads `2001:db8:64::/96`.
    public init(_ text: String) throws(ParseError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = Address(String(parts[0])), address.family == .ipv6,
            let length = Int(parts[1]), parts[1].utf8.allSatisfy(\.isDigit)
        else {
            throw ParseError(description: "\"\(text)\" is not an IPv6 network (such as 2001:db8:64::/96)")
        }
        guard [32, 40, 48, 56, 64, 96].contains(length) else {
            throw ParseError(
                description: "\"\(text)\" is not a NAT64 prefix (its length must be 32, 40, 48, 56, 64 or 96: RFC 6052)"
            )
        }
        guard Network(address, prefixLength: length).address == address else {
            throw ParseError(description: "\"\(text)\" has bits set behind its prefix length")
        }
        guard Self.hasZeroOctet(address.bits) else {
            throw ParseError(description: "\"\(text)\" is not a NAT64 prefix (its bits 64 to 71 must be 0: RFC 6052)")
        }
        self.length = length
        bits = address.bits
    }

    /// The IPv4 address that an address with this prefix carries.
    func ipv4(in address: UInt128) -> UInt32? {
        guard (address ^ bits) >> UInt128(128 - length) == 0, Self.hasZeroOctet(address) else { return nil }
        guard length < 96 else { return UInt32(truncatingIfNeeded: address) }
        let withoutOctet = (address >> 64) << 56 | address & (1 << 56 - 1)
        return UInt32(truncatingIfNeeded: withoutOctet >> UInt128(120 - 32 - length))
    }

    /// Whether bits 64 to 71 are 0.
    private static func hasZeroOctet(_ bits: UInt128) -> Bool { bits >> 56 & 0xff == 0 }
}
