import Greylist

/// A mail address, or part of one, as whitelist entries name it.
///
/// The forms are `user@domain`, `user` and `user@` (any domain), `@domain` (any user). Neither case nor a dot at
/// the end of the domain count; `user` also stands for `user+extension`.
public struct AddressLiteral: Sendable, Hashable {
    /// In lower case, and with an `@`.
    let bytes: [UInt8]
    /// The same with its domain in the other spelling, where there are two.
    let otherBytes: [UInt8]?
    /// Whether what follows the last `@`, if anything does, can be the domain of an address.
    package let isWellFormed: Bool

    /// Reads a literal; nil where it is empty, names neither a user nor a domain, or holds a blank or control character.
    public init?(_ text: String) {
        self.init(bytes: text.utf8)
    }

    /// Reads a literal from its bytes.
    public init?(bytes text: some Collection<UInt8>) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count + 1)
        var hasAt = false
        for byte in text {
            guard byte > 0x20, byte != 0x7f else { return nil }
            if byte == UInt8(ascii: "@") { hasAt = true }
            bytes.append(byte.lowercased)
        }
        guard !bytes.isEmpty, bytes != [UInt8(ascii: "@")] else { return nil }
        if !hasAt { bytes.append(UInt8(ascii: "@")) }
        // A final dot means nothing, and Postfix' addresses have none.
        bytes.removeLast(bytes.count - bytes.span.countWithoutRootDot)
        let at = bytes.lastIndex(of: UInt8(ascii: "@")) ?? 0
        let domain = Domain(bytes: bytes[(at + 1)...])
        let end = bytes[(at + 1)...]
        let isNumber = end.first == UInt8(ascii: "[") && end.last == UInt8(ascii: "]")
        isWellFormed = end.isEmpty || isNumber || (domain != nil && end.first != UInt8(ascii: "."))
        self.bytes = domain.map { bytes[...at] + $0.bytes } ?? bytes
        otherBytes = domain?.otherBytes.map { bytes[...at] + $0 }
    }

    /// Whether it names both a user and a domain.
    public var isWhole: Bool {
        bytes.first != UInt8(ascii: "@") && bytes.last != UInt8(ascii: "@")
    }
}

extension AddressLiteral: CustomStringConvertible {
    /// The literal in lower case, as `user@domain`, `user@` or `@domain`.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
