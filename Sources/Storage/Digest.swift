import Crypto

/// The SHA-1 of a key's text.
///
/// It spreads keys and keeps addresses out of the database; nothing rests on its being unforgeable, since a
/// sender who finds two texts of one digest only shares the fate of himself.
public struct Digest: Sendable, Hashable, BitwiseCopyable {
    private let head: UInt64
    private let middle: UInt64
    private let tail: UInt32

    /// The digest of that text.
    public init(of text: Span<UInt8>) {
        var hash = Insecure.SHA1()
        text.withUnsafeBytes { hash.update(bufferPointer: $0) }
        self = hash.finalize().withUnsafeBytes { bytes in
            Digest(
                head: bytes.loadUnaligned(as: UInt64.self),
                middle: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                tail: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        }
    }

    private init(head: UInt64, middle: UInt64, tail: UInt32) {
        self.head = head
        self.middle = middle
        self.tail = tail
    }

    /// Hands over the 20 bytes, in the order of FIPS 180-4.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withUnsafeBytes(of: self) { try body(UnsafeRawBufferPointer(rebasing: $0[..<20])) }
    }
}
