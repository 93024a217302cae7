import SPF
import TestSupport

/// The hosts of a sender, of both families.
struct SenderHosts: Sendable {
    /// A host that sends.
    struct Host: Sendable {
        let address: SPFAddress
        /// Its confirmed name; nil where there is none.
        let name: String?

        /// The network by which greylisting knows it: a /24 or a /48.
        var network: UInt128 {
            switch address {
            case .ipv4(let value): UInt128(value >> 8)
            case .ipv6(let value): value >> 80
            }
        }
    }

    /// What a host is called: by its address, and its number among those of its family.
    typealias Naming = (SPFAddress, Int) -> String?

    let ipv4: [Host]
    let ipv6: [Host]
    /// Their networks in the words of a record: `ip4:…/24` and `ip6:…/48`, each with a blank before it.
    let listed: String

    /// Hosts in networks that are different from each other.
    ///
    /// - Parameters:
    ///   - networks: how many of each family
    ///   - size: how many hosts are in each
    init(
        networks: (ipv4: Int, ipv6: Int), of size: Int, named naming: Naming, using random: inout SeededRandom
    ) {
        var (narrow, wide): ([UInt32], [UInt128]) = ([], [])
        while narrow.count < networks.ipv4 {
            let network = UInt32.random(in: 0x14_0000...0x63_ffff, using: &random) << 8
            if !narrow.contains(network) { narrow.append(network) }
        }
        while wide.count < networks.ipv6 {
            let network = UInt128.random(in: 0x2a00_1000_0000...0x2a0f_ffff_ffff, using: &random) << 80
            if !wide.contains(network) { wide.append(network) }
        }
        let addresses = (
            ipv4: narrow.flatMap { network in (0..<size).map { SPFAddress.ipv4(network | UInt32(10 + $0)) } },
            ipv6: wide.flatMap { network in (0..<size).map { SPFAddress.ipv6(network | UInt128(16 + $0)) } }
        )
        ipv4 = addresses.ipv4.enumerated().map { Host(address: $1, name: naming($1, $0)) }
        ipv6 = addresses.ipv6.enumerated().map { Host(address: $1, name: naming($1, $0)) }
        listed =
            narrow.map { " ip4:\(SPFAddress.ipv4($0).text)/24" }.joined()
            + wide.map { " ip6:\(SPFAddress.ipv6($0).text)/48" }.joined()
    }

    /// All of them.
    var all: [Host] { ipv4 + ipv6 }
}

extension SPFAddress {
    /// The address as Postfix sends it, but that zeros stay in IPv6.
    var text: String {
        switch self {
        case .ipv4(let value):
            stride(from: 24, through: 0, by: -8).map { String(value >> UInt32($0) & 0xff) }.joined(separator: ".")
        case .ipv6(let value):
            stride(from: 112, through: 0, by: -16).map { String(value >> UInt128($0) & 0xffff, radix: 16) }
                .joined(separator: ":")
        }
    }

    /// Where the DNS has its names.
    var reverseName: String {
        switch self {
        case .ipv4(let value):
            stride(from: 0, through: 24, by: 8).map { "\(value >> UInt32($0) & 0xff)." }.joined() + "in-addr.arpa"
        case .ipv6(let value):
            stride(from: 0, through: 124, by: 4).map { String(value >> UInt128($0) & 0xf, radix: 16) + "." }.joined()
                + "ip6.arpa"
        }
    }
}

extension String {
    /// A word of letters for a number: another one for each.
    init(word number: Int) {
        var (rest, letters) = (number, "")
        repeat {
            letters.append(Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(rest % 26))))
            rest /= 26
        } while rest > 0
        self = letters
    }
}

extension SeededRandom {
    /// Whether something happens that happens so many times in a hundred.
    mutating func happens(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}
