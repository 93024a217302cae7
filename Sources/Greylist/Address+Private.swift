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
