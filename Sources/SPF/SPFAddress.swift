import Bytes

/// The address of a client, or one that a name has.
public enum SPFAddress: Sendable, Hashable {
    /// An IPv4 address, its first octet the highest.
    case ipv4(UInt32)
    /// An IPv6 address, its first octet the highest.
    case ipv6(UInt128)

    /// The address in network order: 4 bytes for IPv4, 16 for IPv6; nil for any other number.
    ///
    /// An address that maps an IPv4 one stays an IPv6 address here: a name may well have it (RFC 7208, section 5).
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .ipv4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .ipv6(bytes.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }
}

extension SPFAddress {
    /// The IPv4 address that this one maps (`::ffff:a.b.c.d`), else the address itself: so a client is looked at.
    var unmapped: SPFAddress {
        guard case .ipv6(let value) = self, value >> 32 == 0xffff else { return self }
        return .ipv4(UInt32(truncatingIfNeeded: value))
    }

    /// Whether both are of one family, and their first bits, as many as `prefixLength` says, are the same.
    func isWithin(_ network: SPFAddress, prefixLength: Int) -> Bool {
        switch (self, network) {
        case (.ipv4(let own), .ipv4(let other)): (own ^ other) >> (32 - prefixLength) == 0
        case (.ipv6(let own), .ipv6(let other)): (own ^ other) >> (128 - prefixLength) == 0
        default: false
        }
    }

    /// The type of the records that hold addresses of this family.
    var recordType: DNSRecordType {
        switch self {
        case .ipv4: .a
        case .ipv6: .aaaa
        }
    }

    /// What `%{v}` stands for, and where in `arpa` the names of addresses are.
    var reverseZone: String {
        switch self {
        case .ipv4: "in-addr"
        case .ipv6: "ip6"
        }
    }

    /// What `%{i}` stands for: `192.0.2.3`, or 32 hexadecimal digits with dots between them (RFC 7208, section 7.3).
    var dotted: [UInt8] {
        var text: [UInt8] = []
        switch self {
        case .ipv4(let value):
            for shift in stride(from: 24, through: 0, by: -8) {
                if shift < 24 { text.append(UInt8(ascii: ".")) }
                text.append(decimal: Int(value >> UInt32(shift) & 0xff))
            }
        case .ipv6(let value):
            for shift in stride(from: 124, through: 0, by: -4) {
                if shift < 124 { text.append(UInt8(ascii: ".")) }
                text.append(UInt8(hexadecimalDigitOf: UInt8(truncatingIfNeeded: value >> UInt128(shift) & 0xf)))
            }
        }
        return text
    }

    /// The question for the names of the address.
    public var reverseQuestion: DNSQuestion? {
        let labels = dotted.split(separator: UInt8(ascii: ".")).reversed()
        return DNSQuestion(Array(labels.joined(separator: [UInt8(ascii: ".")])) + ".\(reverseZone).arpa".utf8, .ptr)
    }
}
