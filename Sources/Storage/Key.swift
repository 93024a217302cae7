/// Under what an entry is kept: the digest of a text, or the text itself.
public enum Key: Sendable, Hashable {
    case digest(Digest)
    case text([UInt8])

    /// The key of that text, hashed or plain.
    public init(_ text: Span<UInt8>, isHashed: Bool) {
        if isHashed {
            self = .digest(Digest(of: text))
        } else {
            self = .text([UInt8](copying: text))
        }
    }
}

extension [UInt8] {
    /// The same bytes in an array.
    init(copying bytes: Span<UInt8>) {
        self.init(unsafeUninitializedCapacity: bytes.count) { target, count in
            for index in 0..<bytes.count { target.initializeElement(at: index, to: bytes[index]) }
            count = bytes.count
        }
    }
}
