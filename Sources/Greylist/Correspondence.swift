import Bytes

/// That one of our users wrote to somebody, or that such a one writes back.
///
/// Both addresses are in lower case, without the extension behind a `+` and without a tag that a mail system puts around a
/// sender (BATV).
public struct Correspondence: Sendable, Hashable {
    /// The longest address that is taken, as RFC 5321 has it: 64 bytes, an `@`, and 255 bytes.
    private static let longest = 320

    /// Our user.
    public let user: [UInt8]
    /// The other one.
    public let remote: [UInt8]

    /// A correspondence; nil where one of them is the null sender, has no domain, or is too long.
    public init?(user: Span<UInt8>, remote: Span<UInt8>) {
        guard let user = Self.plain(user), let remote = Self.plain(remote) else { return nil }
        self.init(plainUser: user, plainRemote: remote)
    }

    /// A correspondence of addresses that `plain` has made.
    public init(plainUser user: [UInt8], plainRemote remote: [UInt8]) {
        self.user = user
        self.remote = remote
    }

    /// An address without what changes from mail to mail; nil where it is none.
    public static func plain(_ address: Span<UInt8>) -> [UInt8]? {
        guard address.count <= longest else { return nil }
        let text = address.extracting(0..<address.countWithoutRootDot)
        var lower: [UInt8] = []
        lower.append(addingCapacity: text.count) { $0.append(lowercasing: text) }
        var local = lower.span.localPart
        guard !local.isEmpty, local.upperBound + 1 < lower.count else { return nil }
        let domain = local.upperBound..<lower.count
        // A forwarder's rewriting is another address; the tag of a bounce isn't.
        if let tag = lower.span.senderTag(in: local), tag.kept.0.isEmpty { local = tag.rest }
        if lower[local.lowerBound] != UInt8(ascii: "\""),
            let plus = lower.span.firstIndex(of: UInt8(ascii: "+"), in: local), plus > local.lowerBound
        {
            local = local.lowerBound..<plus
        }
        // Most have nothing to lose.
        lower.removeSubrange(local.upperBound..<domain.lowerBound)
        lower.removeSubrange(..<local.lowerBound)
        return lower
    }

    /// The domain of the other one.
    public var remoteDomain: ArraySlice<UInt8> { Self.domain(of: remote) }
    /// The domain of our user.
    public var userDomain: ArraySlice<UInt8> { Self.domain(of: user) }
    /// What our user is called at that domain.
    public var userName: ArraySlice<UInt8> { user[user.span.localPart] }

    private static func domain(of address: [UInt8]) -> ArraySlice<UInt8> {
        address[(address.span.localPart.upperBound + 1)...]
    }

    /// The text of its key: `out:user@example.com/other@example.org`.
    public var text: [UInt8] { Self.text(user, "/", remote) }

    /// The text of the key by which a user is known to have written to an organisation: `out:user@example.com/@example.org`.
    public static func text(user: [UInt8], organisation: [UInt8]) -> [UInt8] {
        text(user, "/@", organisation)
    }

    private static func text(_ user: [UInt8], _ separator: StaticString, _ other: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.append(addingCapacity: 8 + 2 * (user.count + other.count)) { output in
            output.append("out:")
            output.append(user.span, escapes: true)
            output.append(separator)
            output.append(other.span, escapes: true)
        }
        return text
    }
}

extension OutputSpan<UInt8> {
    fileprivate mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { for byte in $0 { append(byte) } }
    }
}
