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
