/// Under what an entry is kept: the digest of a text, or the text itself.
public enum Key: Sendable, Hashable {
    case digest(Digest)
    case text([UInt8])

    /// The key of that text, hashed or plain.
    public init(_ text: Span<UInt8>, isHashed: Bool) {
        if isHashed {
            self = .digest(Digest(of: text))
        } else {
            var copy: [UInt8] = []
            copy.reserveCapacity(text.count)
            for index in text.indices { copy.append(text[index]) }
            self = .text(copy)
        }
    }

    /// The bytes of the digest or of the text.
    public var bytes: [UInt8] {
        switch self {
        case .digest(let digest): digest.withBytes { Array($0) }
        case .text(let text): text
        }
    }

    /// The key that a store has as `bytes`: a digest, or a plain text.
    ///
    /// A text of 20 bytes is told from a digest by its beginning, that of a network or of an identity: no digest of ours
    /// has it but by a chance of less than one in 10^9.
    public init(bytes: UnsafeRawBufferPointer) {
        if let digest = Digest(bytes: bytes), !bytes.beginsAsText {
            self = .digest(digest)
        } else {
            self = .text(Array(bytes))
        }
    }

    /// The key that TPRT 0.9.3 has as `spelling`: the 40 lower-case hexadecimal digits of a digest, or a plain text.
    public init(spelling: UnsafeRawBufferPointer) {
        if let digest = Digest(hexadecimal: spelling) {
            self = .digest(digest)
        } else {
            self = .text(Array(spelling))
        }
    }

    /// Whether it has the form of a greylisting key: a digest, or a text that begins with a network or as an identity does.
    public var hasForm: Bool {
        switch self {
        case .digest: true
        case .text(let text): text.withUnsafeBytes { $0.beginsAsText }
        }
    }

    /// How many bytes `spell` hands over.
    @inlinable
    public var spellingCount: Int {
        switch self {
        case .digest: 2 * Digest.size
        case .text(let text): text.count
        }
    }

    /// Hands over the key as TPRT 0.9.3 spells it, byte by byte.
    @inlinable
    public func spell(_ write: (UInt8) -> Void) {
        switch self {
        case .digest(let digest):
            digest.withBytes { bytes in
                for byte in bytes {
                    write(hexadecimalDigit(byte >> 4))
                    write(hexadecimalDigit(byte & 0xf))
                }
            }
        case .text(let text):
            for byte in text { write(byte) }
        }
    }
}

@inlinable
func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

/// What plain keys of identities begin with.
private let identityPrefixes = ["ptr:", "org:", "day:", "rcp:", "out:", "lane:"].map { Array($0.utf8) }

extension UnsafeRawBufferPointer {
    fileprivate var beginsAsText: Bool { beginsWithNetwork || identityPrefixes.contains { starts(with: $0) } }

    /// Whether it begins as the text of a key does: `192.0.2.0/24`, `2001:db8::/48`, and then nothing or `/`.
    fileprivate var beginsWithNetwork: Bool {
        guard let slash = firstIndex(of: UInt8(ascii: "/")), slash >= 2 else { return false }
        var end = slash + 1
        while end < count, self[end].isDigit { end += 1 }
        return self[..<slash].allSatisfy { $0.isDigit || "abcdef.:".utf8.contains($0) }
            && (1...3).contains(end - slash - 1) && (end == count || self[end] == UInt8(ascii: "/"))
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
