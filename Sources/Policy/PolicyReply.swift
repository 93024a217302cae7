public import NIOCore

/// What Postfix is told: an action of access(5).
public enum PolicyReply: Sendable, Equatable {
    /// On to the next restriction: neither for nor against the mail.
    case dunno
    /// A verb and its text, such as `DEFER_IF_PERMIT Greylisted`. Must not be empty.
    case action([UInt8])
}

/// Writes replies as Postfix reads them.
///
/// That is `action=VERB text`, LF, LF, in printable ASCII. Anything else would cost the client seconds or the mail (an
/// unknown form is answered with 451 after time-outs), so it can't be written.
public struct PolicyEncoder: Sendable {
    private static let dunno = ByteBuffer(string: "action=DUNNO\n\n")

    /// An encoder; it keeps no state.
    public init() {}

    /// The bytes of a reply.
    ///
    /// `DUNNO`, the most frequent one, is made once and shared.
    public func bytes(of reply: PolicyReply) -> ByteBuffer {
        switch reply {
        case .dunno: return Self.dunno
        case .action(let text):
            precondition(!text.isEmpty, "an empty action would be read as a fault of the policy server")
            var buffer = ByteBuffer()
            buffer.writeWithOutputRawSpan(minimumWritableBytes: text.count + 9) { bytes in
                bytes.append("action=")
                bytes.append(printable: text.span)
                bytes.append("\n\n")
            }
            return buffer
        }
    }
}

extension OutputRawSpan {
    fileprivate mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { for byte in $0 { append(byte) } }
    }

    /// Appends a text with a `?` for whatever isn't printable ASCII; sixteen bytes at a time where all are.
    fileprivate mutating func append(printable text: Span<UInt8>) {
        let start = byteCount
        append(repeating: UInt8(ascii: "?"), count: text.count, as: UInt8.self)
        var target = mutableBytes
        let (first, last) = (SIMD16<UInt8>(repeating: 0x20), SIMD16<UInt8>(repeating: 0x7e))
        var index = 0
        while index <= text.count &- 16 {
            let vector = text.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            guard all((vector .>= first) .& (vector .<= last)) else { break }
            target.storeBytes(of: vector, toByteOffset: start &+ index, as: SIMD16<UInt8>.self)
            index &+= 16
        }
        for index in index..<text.count where (0x20...0x7e).contains(text[index]) {
            target.storeBytes(of: text[index], toByteOffset: start &+ index, as: UInt8.self)
        }
    }
}
