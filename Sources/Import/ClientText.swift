import Greylist

/// Reads clients as the databases write them.
enum ClientText {
    /// An address, or a network in CIDR form; nil for anything else.
    static func network(_ text: Span<UInt8>) -> Network? {
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else {
            return Address(parsing: text).map { Network($0) }
        }
        guard let address = Address(parsing: text.extracting(0..<slash)),
            let length = text.extracting(slash + 1..<text.count).integer,
            (0...Int64(address.family.rawValue)).contains(length)
        else { return nil }
        return Network(address, prefixLength: Int(length))
    }

    /// An address whose prefix length isn't said: the network where no bits are set behind the length, else the host.
    static func network(_ text: Span<UInt8>, cutBy masks: PrefixLengths) -> Network? {
        guard let address = Address(parsing: text) else { return nil }
        let network = masks.network(of: address)
        return network.address == address ? network : Network(address)
    }

    /// An address or network, or three octets for a network of 256 addresses, or four groups for one of 64 bits.
    static func opened(_ text: Span<UInt8>) -> Network? {
        if let network = network(text) { return network }
        var (dots, colons) = (0, 0)
        for index in text.indices {
            switch text[index] {
            case UInt8(ascii: "."): dots += 1
            case UInt8(ascii: ":"): colons += 1
            default: break
            }
        }
        var whole = text.array
        if dots == 2, colons == 0 {
            whole += Array(".0".utf8)
            return Address(parsing: whole.span).map { Network($0, prefixLength: 24) }
        }
        guard colons == 3, dots == 0 else { return nil }
        whole += Array("::".utf8)
        return Address(parsing: whole.span).map { Network($0, prefixLength: 64) }
    }
}

extension Network {
    /// That address alone.
    init(_ address: Address) {
        self.init(address, prefixLength: address.family.rawValue)
    }
}
