import Bytes

/// The addresses in `ip4` and `ip6` terms, as RFC 7208, section 5.6, has them.
extension SPFAddress {
    /// Reads four octets with dots between them, without leading zeros.
    init?(ipv4 text: ArraySlice<UInt8>) {
        let octets = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard octets.count == 4 else { return nil }
        var value: UInt32 = 0
        for octet in octets {
            guard let number = octet.decimalWithoutLeadingZeros(upTo: 255) else { return nil }
            value = value << 8 | UInt32(number)
        }
        self = .ipv4(value)
    }

    /// Reads what RFC 4291, section 2.2, allows: eight groups, `::` for any number of them, the last two as IPv4.
    init?(ipv6 text: ArraySlice<UInt8>) {
        let colon = UInt8(ascii: ":")
        var halves = [text]
        if let gap = text.indices.dropLast().first(where: { text[$0] == colon && text[$0 + 1] == colon }) {
            halves = [text[..<gap], text[(gap + 2)...]]
        }
        var groups = halves.map { $0.isEmpty ? [] : $0.split(separator: colon, omittingEmptySubsequences: false) }
        var tail: [UInt128] = []
        if let last = groups[groups.count - 1].last, case .ipv4(let value)? = SPFAddress(ipv4: last) {
            groups[groups.count - 1].removeLast()
            tail = [UInt128(value >> 16), UInt128(value & 0xffff)]
        }
        let count = groups.joined().count + tail.count
        guard groups.count == 1 ? count == 8 : count < 8 else { return nil }
        var value: UInt128 = 0
        for (index, half) in groups.enumerated() {
            if index == 1 { value <<= UInt128(16 * (8 - count)) }
            for group in half {
                guard let number = group.hexadecimalGroup else { return nil }
                value = value << 16 | number
            }
        }
        for number in tail { value = value << 16 | number }
        self = .ipv6(value)
    }
}

extension ArraySlice<UInt8> {
    /// The number written in these bytes; nil for anything else, leading zeros, and numbers above `limit`.
    func decimalWithoutLeadingZeros(upTo limit: Int) -> Int? {
        guard (1...3).contains(count), allSatisfy(\.isDigit) else { return nil }
        guard count == 1 || first != UInt8(ascii: "0") else { return nil }
        let number = reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return number <= limit ? number : nil
    }

    /// The number of one to four hexadecimal digits.
    fileprivate var hexadecimalGroup: UInt128? {
        guard (1...4).contains(count) else { return nil }
        var number: UInt128 = 0
        for byte in self {
            guard let digit = byte.hexadecimalValue else { return nil }
            number = number << 4 | UInt128(digit)
        }
        return number
    }
}
