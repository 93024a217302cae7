import Bytes
import Greylist

extension Span<UInt8> {
    /// Whether a name in lower case holds a client's address, as providers write it into the names of their lines.
    ///
    /// | form | example, of 192.0.2.7 or 2001:db8:0:1::7 |
    /// | --- | --- |
    /// | two of the last three octets as whole numbers, in any order | `host-2-7`, `7.2.0.192` |
    /// | all octets with zeros in front | `ip192000002007` |
    /// | the address in hexadecimal | `c0000207`, `pC0000207` |
    /// | the address as one number | `3221225991` |
    /// | IPv6: eight of its digits in a row | `h20010db80000` |
    /// | IPv6: four of its groups in a row with hyphens | `2001-db8-0-1` |
    ///
    /// Eight zeros in a row are no sign of anything.
    func holds(_ address: Address) -> Bool {
        var scan = AddressScan(address)
        var index = 0
        while index < count {
            guard self[index].isLetterOrDigit else {
                scan.separator(self[index])
                index += 1
                continue
            }
            let start = index
            while index < count, self[index].isLetterOrDigit { index += 1 }
            if scan.finds(in: extracting(start..<index)) { return true }
        }
        return false
    }
}

/// The search for an address in the words of a name.
private struct AddressScan {
    private let bits: UInt128
    private let isIPv4: Bool
    /// The last three octets, and which of them were found.
    private let octets: (UInt64, UInt64, UInt64)
    private var found = (false, false, false)
    /// The last four words as groups of an IPv6 address, and how many there are in a row.
    private var groups: UInt64 = 0
    private var groupCount = 0
    private var isBehindHyphen = false

    init(_ address: Address) {
        bits = address.bits
        isIPv4 = address.family == .ipv4
        let value = UInt64(truncatingIfNeeded: address.bits >> 96)
        octets = (value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff)
    }

    /// What stands between words: anything but one hyphen ends a row of groups.
    mutating func separator(_ byte: UInt8) {
        if isBehindHyphen || byte != UInt8(ascii: "-") { groupCount = 0 }
        isBehindHyphen = true
    }

    mutating func finds(in word: Span<UInt8>) -> Bool {
        isBehindHyphen = false
        return isIPv4 ? findsIPv4(in: word) : findsDigits(in: word) || findsGroup(word)
    }

    private mutating func findsIPv4(in word: Span<UInt8>) -> Bool {
        if findsDigits(in: word) { return true }
        var index = 0
        while index < word.count {
            let start = index
            var number: UInt64 = 0
            while index < word.count, word[index].isDigit {
                // More digits are no number that is looked for.
                if index - start < 12 { number = number * 10 + UInt64(word[index] - UInt8(ascii: "0")) }
                index += 1
            }
            let length = index - start
            if length > 0, isAddress(number, digits: length) { return true }
            if length == 0 { index += 1 }
        }
        return false
    }

    private mutating func isAddress(_ number: UInt64, digits: Int) -> Bool {
        let value = UInt64(truncatingIfNeeded: bits >> 96)
        switch digits {
        case 1...3:
            // Each number stands for one octet only.
            if !found.0, number == octets.0 {
                found.0 = true
            } else if !found.1, number == octets.1 {
                found.1 = true
            } else if !found.2, number == octets.2 {
                found.2 = true
            }
            return (found.0 ? 1 : 0) + (found.1 ? 1 : 0) + (found.2 ? 1 : 0) >= 2
        case 7...10: return number == value
        case 12: return number == (((value >> 24) * 1000 + octets.0) * 1000 + octets.1) * 1000 + octets.2
        default: return false
        }
    }

    /// Whether eight hexadecimal digits in a row are those of the address.
    private func findsDigits(in word: Span<UInt8>) -> Bool {
        var (window, length): (UInt32, Int) = (0, 0)
        for index in word.indices {
            guard let digit = word[index].hexadecimalValue else {
                length = 0
                continue
            }
            window = window << 4 | UInt32(digit)
            length += 1
            if length >= 8, window != 0, isPart(window) { return true }
        }
        return false
    }

    private func isPart(_ window: UInt32) -> Bool {
        if isIPv4 { return UInt32(truncatingIfNeeded: bits >> 96) == window }
        for shift in 0...24 where UInt32(truncatingIfNeeded: bits >> UInt128(4 * shift)) == window { return true }
        return false
    }

    private mutating func findsGroup(_ word: Span<UInt8>) -> Bool {
        var value: UInt64 = 0
        for index in word.indices {
            guard word.count <= 4, let digit = word[index].hexadecimalValue else {
                groupCount = 0
                return false
            }
            value = value << 4 | UInt64(digit)
        }
        groups = groups << 16 | value
        groupCount += 1
        guard groupCount >= 4, groups != 0 else { return false }
        for shift in 0...4 where UInt64(truncatingIfNeeded: bits >> UInt128(16 * shift)) == groups { return true }
        return false
    }
}
