import Crypto

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
        guard text.count == 2 * Self.size else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.size) { bytes, count in
            for index in 0..<Self.size {
                guard let high = Self.value(text[2 * index]), let low = Self.value(text[2 * index + 1]) else { return }
                bytes.initializeElement(at: index, to: high << 4 | low)
                count += 1
            }
        }
        guard let digest = bytes.withUnsafeBytes({ Digest(bytes: $0) }) else { return nil }
        self = digest
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
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
