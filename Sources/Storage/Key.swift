public import Bytes
import Crypto

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
                    write(UInt8(hexadecimalDigitOf: byte >> 4))
                    write(UInt8(hexadecimalDigitOf: byte & 0xf))
                }
            }
        case .text(let text):
            for byte in text { write(byte) }
        }
    }
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

/// The SHA-1 of a key's text.
///
/// It spreads keys and keeps addresses out of the database; nothing rests on its being unforgeable, since a
/// sender who finds two texts of one digest only shares the fate of himself.
public struct Digest: Sendable, Hashable, BitwiseCopyable {
    @usableFromInline
    let head: UInt64
    @usableFromInline
    let middle: UInt64
    @usableFromInline
    let tail: UInt32

    /// The digest of that text.
    public init(of text: Span<UInt8>) {
        var hash = Insecure.SHA1()
        text.withUnsafeBytes { hash.update(bufferPointer: $0) }
        guard let digest = hash.finalize().withUnsafeBytes({ Digest(bytes: $0) }) else {
            preconditionFailure("SHA-1 made a digest that hasn't 20 bytes")
        }
        self = digest
    }

    /// How many bytes it has.
    @inlinable
    public static var size: Int { 20 }

    /// The digest of these bytes; nil where they aren't as many as one has.
    init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.size else { return nil }
        self.init(
            head: bytes.loadUnaligned(as: UInt64.self),
            middle: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            tail: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
    }

    /// The digest in 40 lower-case hexadecimal digits; nil where they are anything else.
    init?(hexadecimal text: UnsafeRawBufferPointer) {
        guard text.count == 2 * Self.size, text.allSatisfy(\.isLowercaseHexadecimal),
            let digest = [UInt8](hexadecimal: text)?.withUnsafeBytes({ Digest(bytes: $0) })
        else { return nil }
        self = digest
    }

    private init(head: UInt64, middle: UInt64, tail: UInt32) {
        self.head = head
        self.middle = middle
        self.tail = tail
    }

    /// The first eight bytes as a number: of two digests the one with the lower number comes first.
    @inlinable
    public var leadingBytes: UInt64 { UInt64(bigEndian: head) }

    /// Hands over the 20 bytes, in the order of FIPS 180-4.
    @inlinable
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withUnsafeBytes(of: self) { try body(UnsafeRawBufferPointer(rebasing: $0[..<Self.size])) }
    }
}
