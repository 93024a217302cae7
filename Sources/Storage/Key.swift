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
}
