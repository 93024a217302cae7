import Bytes

/// Which name a check is about (RFC 7208, sections 2.3 and 2.4).
public enum SPFScope: String, Sendable, Hashable {
    /// The domain of the envelope sender.
    case mailFrom = "mailfrom"
    /// The name that the client gave with HELO or EHLO: the sender is null, or has no domain.
    case helo
}

/// Whom an evaluation is about.
public struct SPFIdentity: Sendable, Hashable {
    /// The client's address; never one that maps an IPv4 address.
    public let client: SPFAddress
    /// Which name is checked.
    public let scope: SPFScope
    /// Of the sender, as given; `postmaster` where it has none.
    public let localPart: [UInt8]
    /// The sender's domain or the HELO name, as given.
    public let domain: [UInt8]
    /// The name that the client gave, as given.
    public let helo: [UInt8]

    /// What is checked for a sender; without a domain in it, for the HELO name.
    public init(client: SPFAddress, sender: [UInt8], helo: [UInt8]) {
        self.client = client.unmapped
        self.helo = helo
        let postmaster = Array("postmaster".utf8)
        if let at = sender.lastIndex(of: UInt8(ascii: "@")), at + 1 < sender.count {
            scope = .mailFrom
            localPart = at == 0 ? postmaster : Array(sender[..<at])
            domain = Array(sender[(at + 1)...])
        } else {
            scope = .helo
            localPart = postmaster
            domain = helo
        }
    }

    /// The question for the record; nil where the name is no domain that may have one: a literal, a single label,
    /// anything that is malformed (RFC 7208, section 4.3).
    public var recordQuestion: DNSQuestion? {
        guard let question = DNSQuestion(domain, .txt) else { return nil }
        let isPlain = !question.name.contains(UInt8(ascii: " ")) && question.name.first != UInt8(ascii: "[")
        return isPlain && question.name.contains(UInt8(ascii: ".")) ? question : nil
    }
}
