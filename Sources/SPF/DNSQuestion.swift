import Bytes

/// The types of records that SPF asks for, with their numbers.
public enum DNSRecordType: UInt16, Sendable, CaseIterable {
    /// IPv4 addresses.
    case a = 1
    /// The names of an address.
    case ptr = 12
    /// Mail exchangers.
    case mx = 15
    /// Texts.
    case txt = 16
    /// IPv6 addresses.
    case aaaa = 28
}

/// A question to the DNS.
public struct DNSQuestion: Sendable, Hashable {
    /// The longest name: 253 bytes as text are 255 on the wire (RFC 1035, section 2.3.4).
    public static let longestName = 253

    /// The name, absolute, in lower case and without a final dot: labels of 1 to 63 bytes, 253 bytes in all.
    ///
    /// Each byte is from the blank to the tilde; dots separate labels and nothing else. A backslash or a blank may be
    /// among them, so that a library that reads escapes needs them escaped.
    public let name: [UInt8]
    /// What is asked for.
    public let type: DNSRecordType

    /// A question for a name; nil where the DNS can't have such a name.
    ///
    /// A final dot is left out.
    public init?(_ name: some BidirectionalCollection<UInt8>, _ type: DNSRecordType) {
        var labels = name[...]
        if labels.last == UInt8(ascii: ".") { labels.removeLast() }
        guard !labels.isEmpty, labels.count <= Self.longestName, labels.allSatisfy(\.isPrintable) else { return nil }
        let parts = labels.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.allSatisfy({ (1...63).contains($0.count) }) else { return nil }
        self.name = labels.map(\.lowercased)
        self.type = type
    }
}

/// What the DNS said to a question, aliases (CNAME) followed.
///
/// Records of another type than was asked for count as none.
public enum DNSAnswer: Sendable, Hashable {
    /// Records of type A or AAAA.
    case addresses([SPFAddress])
    /// The names of the mail exchangers, in any order; that of a null MX (RFC 7505) is empty.
    case exchanges([[UInt8]])
    /// The names of an address, in the order of the answer.
    case names([[UInt8]])
    /// Records of type TXT, the strings of each one joined with nothing between them (RFC 7208, section 3.3).
    case texts([[UInt8]])
    /// The name does not exist (NXDOMAIN).
    case noSuchName
    /// The name exists without such records.
    case noData
    /// No answer in time, or any error but NXDOMAIN.
    case temporaryError
}

extension DNSAnswer {
    var addresses: [SPFAddress] {
        guard case .addresses(let addresses) = self else { return [] }
        return addresses
    }

    var exchanges: [[UInt8]] {
        guard case .exchanges(let names) = self else { return [] }
        return names
    }

    var names: [[UInt8]] {
        guard case .names(let names) = self else { return [] }
        return names
    }

    var texts: [[UInt8]] {
        guard case .texts(let texts) = self else { return [] }
        return texts
    }

    /// Whether it holds nothing of that type, without being an error: a void lookup (RFC 7208, section 4.6.4).
    func isVoid(for type: DNSRecordType) -> Bool {
        switch (self, type) {
        case (.temporaryError, _): false
        case (.addresses(let addresses), .a), (.addresses(let addresses), .aaaa): addresses.isEmpty
        case (.exchanges(let names), .mx), (.names(let names), .ptr), (.texts(let names), .txt): names.isEmpty
        default: true
        }
    }
}
