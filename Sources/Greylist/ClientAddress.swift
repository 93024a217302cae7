extension Address {
    /// Reads an address as mail servers write that of a client.
    ///
    /// It is bare, as Postfix sends it, or an address literal with or without its brackets and its tag (RFC 5321, section
    /// 4.1.3): `[192.0.2.9]`, `IPv6:2001:db8::1`, `[IPv6:2001:db8::1]`. Nil for anything else.
    public init?(client text: Span<UInt8>) {
        var (start, end) = (0, text.count)
        if end >= 2, text[0] == UInt8(ascii: "["), text[end - 1] == UInt8(ascii: "]") { (start, end) = (1, end - 1) }
        let isTagged = text.extracting(start..<end).hasIPv6Tag
        if isTagged { start += 5 }
        let bare = text.extracting(start..<end)
        // The tag is for IPv6 alone; a mapped IPv4 address is written as IPv6.
        if isTagged, bare.firstIndex(of: UInt8(ascii: ":"), in: 0..<bare.count) == nil { return nil }
        self.init(parsing: bare)
    }
}

extension Span<UInt8> {
    /// Whether it begins with `IPv6:`, in any case.
    fileprivate var hasIPv6Tag: Bool {
        guard count > 5, self[3] == UInt8(ascii: "6"), self[4] == UInt8(ascii: ":") else { return false }
        return self[0].lowercased == UInt8(ascii: "i") && self[1].lowercased == UInt8(ascii: "p")
            && self[2].lowercased == UInt8(ascii: "v")
    }
}
