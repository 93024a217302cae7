import Bytes

extension Address {
    /// Reads `192.0.2.1` or `2001:db8::1`; a zone (`%eth0`) is cut off, a mapped IPv4 address is taken as IPv4.
    ///
    /// Nil for anything else. As in inet_pton(3), an octet has no leading zeros and no other base.
    public init?(parsing text: Span<UInt8>) {
        var end = 0
        while end < text.count, text[end] != UInt8(ascii: "%") { end += 1 }
        let bytes = text.extracting(0..<end)
        if let value = parseIPv4(bytes) {
            self.init(ipv4: value)
        } else if let value = parseIPv6(bytes) {
            self.init(ipv6: value)
        } else {
            return nil
        }
    }

    /// Reads the same from a String, for files and tests.
    public init?(_ text: String) {
        self.init(parsing: Array(text.utf8).span)
    }
}

private func parseIPv4(_ text: Span<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    var octets = 0
    var index = 0
    while octets < 4 {
        if octets > 0 {
            guard index < text.count, text[index] == UInt8(ascii: ".") else { return nil }
            index += 1
        }
        let start = index
        guard let octet = text.decimal(at: &index, atMost: 3), octet <= 255 else { return nil }
        guard index - start == 1 || text[start] != UInt8(ascii: "0") else { return nil }
        value = value << 8 | UInt32(truncatingIfNeeded: octet)
        octets += 1
    }
    return index == text.count ? value : nil
}

/// RFC 4291, section 2.2: groups of up to four hexadecimal digits, one `::` for any number of zero groups (none at
/// least stands for one), the last 32 bits also as dotted decimal.
private func parseIPv6(_ text: Span<UInt8>) -> UInt128? {
    var head: UInt128 = 0
    var tail: UInt128 = 0
    var headGroups = 0
    var tailGroups = 0
    var hasGap = false
    var index = 0
    func add(_ group: UInt32) {
        if hasGap {
            tail = tail << 16 | UInt128(group)
            tailGroups += 1
        } else {
            head = head << 16 | UInt128(group)
            headGroups += 1
        }
    }
    if text.count >= 2, text[0] == UInt8(ascii: ":") {
        guard text[1] == UInt8(ascii: ":") else { return nil }
        hasGap = true
        index = 2
    }
    while index < text.count {
        guard headGroups + tailGroups < 8 else { return nil }
        let start = index
        var group: UInt32 = 0
        while index < text.count, index - start < 4, let digit = text[index].hexadecimalValue {
            group = group << 4 | UInt32(digit)
            index += 1
        }
        if index < text.count, text[index] == UInt8(ascii: ".") {
            guard let ipv4 = parseIPv4(text.extracting(start..<text.count)) else { return nil }
            add(ipv4 >> 16)
            add(ipv4 & 0xffff)
            index = text.count
            break
        }
        guard index > start else { return nil }
        add(group)
        guard index < text.count else { break }
        guard text[index] == UInt8(ascii: ":") else { return nil }
        index += 1
        guard index < text.count else { return nil }
        if text[index] == UInt8(ascii: ":") {
            guard !hasGap else { return nil }
            hasGap = true
            index += 1
        }
    }
    let groups = headGroups + tailGroups
    guard hasGap ? groups <= 7 : groups == 8 else { return nil }
    return headGroups == 0 ? tail : head << UInt128(16 * (8 - headGroups)) | tail
}
