import Bytes
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
}
