import Glibc

@testable import Greylist
@testable import Import
@testable import WhitelistFiles

/// An address or a network: the first byte is a prefix length, the rest is the text.
///
/// The C library reads the same addresses, and none besides; what is written is read back; a network holds its addresses.
@Sendable func checkAddress(_ input: [UInt8]) throws(BrokenPromise) {
    guard let length = input.first else { return }
    let bytes = Array(input.dropFirst())
    let text = String(decoding: bytes, as: UTF8.self)
    let address = Address(parsing: bytes.span)
    try expect(
        address == Address(parsing: bytes, byLibrary: ()), "the C library reads another address than \(address as Any)")
    if let address {
        try check(address, prefixLength: Int(length))
        try expect(Address(client: bytes.span) == address, "it is another address as a client's")
        let literal = [UInt8(ascii: "[")] + bytes + [UInt8(ascii: "]")]
        try expect(Address(client: literal.span) == address, "it is another address in brackets")
        try expect(NetworkText(text) != nil, "it is no address in a whitelist")
    }
    if let network = NetworkText(text) {
        guard case .bits(let bits) = network.length else { return }
        try expect((0...network.address.family.rawValue).contains(bits), "a network of \(bits) bits")
    } else {
        try expect(!NetworkText.advice(on: text).contains("\n"), "advice of several lines")
    }
    if let network = ClientText.opened(bytes.span) { try checkText(of: network) }
    if let prefix = try? NAT64Prefix(text) {
        try expect([32, 40, 48, 56, 64, 96].contains(prefix.length), "a translator's prefix of \(prefix.length) bits")
    }
    if let range = AddressRange(text) { try check(range) }
}

private func check(_ address: Address, prefixLength: Int) throws(BrokenPromise) {
    var text: [UInt8] = []
    text.append(address)
    try expect(text.count <= 39, "an address of \(text.count) bytes")
    try expect(Address(parsing: text.span) == address, "\(text) is read back otherwise")
    let network = Network(address, prefixLength: prefixLength)
    try expect(network.holds(address) && network.holds(network.lastAddress), "\(network) doesn't hold its addresses")
    try checkText(of: network)
    for purpose in [Address.Purpose.keys, .whitelists] {
        let host = address.unwrapped(for: purpose, through: [])
        try expect(host == address || host.family == .ipv4, "unwrapped, it is an IPv6 address")
    }
}

private func checkText(of network: Network) throws(BrokenPromise) {
    let text = Array("\(network)".utf8)
    try expect(ClientText.network(text.span) == network, "\(network) is read back otherwise")
}

/// Its networks lie beside each other, from its first address on.
private func check(_ range: AddressRange) throws(BrokenPromise) {
    let networks = range.networks(limit: 9)
    try expect((1...9).contains(networks.count), "a range of \(networks.count) networks")
    for (network, next) in zip(networks, networks.dropFirst()) where network.address.family == next.address.family {
        try expect(network.lastAddress.bits < next.address.bits, "\(network) reaches into \(next)")
    }
}

extension Address {
    /// What inet_pton(3) reads; a zone is cut off before.
    fileprivate init?(parsing text: [UInt8], byLibrary: Void) {
        let bare = text.prefix { $0 != UInt8(ascii: "%") }
        // A zero byte would end the text.
        guard !bare.contains(0) else { return nil }
        let string = String(decoding: bare, as: UTF8.self)
        var (ipv4, ipv6) = (in_addr(), in6_addr())
        if inet_pton(AF_INET, string, &ipv4) == 1 {
            self.init(ipv4: UInt32(bigEndian: ipv4.s_addr))
        } else if inet_pton(AF_INET6, string, &ipv6) == 1 {
            self.init(ipv6: withUnsafeBytes(of: ipv6) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) })
        } else {
            return nil
        }
    }
}
