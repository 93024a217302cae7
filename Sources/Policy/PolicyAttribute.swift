/// The attributes of a request that have a place of their own; every other one is found by its name.
///
/// Source: Postfix SMTPD_POLICY_README.
public enum PolicyAttribute: Int, Sendable, CaseIterable {
    case request, protocolState, queueID, sender, recipient
    case clientAddress, clientName, heloName, instance
    case saslUsername, ccertSubject, ccertIssuer

    /// The name as it stands on the wire.
    public var name: StaticString {
        switch self {
        case .request: "request"
        case .protocolState: "protocol_state"
        case .queueID: "queue_id"
        case .sender: "sender"
        case .recipient: "recipient"
        case .clientAddress: "client_address"
        case .clientName: "client_name"
        case .heloName: "helo_name"
        case .instance: "instance"
        case .saslUsername: "sasl_username"
        case .ccertSubject: "ccert_subject"
        case .ccertIssuer: "ccert_issuer"
        }
    }

    /// The attribute of that name, or nil where it has no place of its own.
    ///
    /// Names are compared as bytes.
    @inline(__always)
    init?(name: Span<UInt8>) {
        switch name.count {
        case 6 where name.equals("sender"): self = .sender
        case 7 where name.equals("request"): self = .request
        case 8 where name.equals("instance"): self = .instance
        case 8 where name.equals("queue_id"): self = .queueID
        case 9 where name.equals("recipient"): self = .recipient
        case 9 where name.equals("helo_name"): self = .heloName
        case 11 where name.equals("client_name"): self = .clientName
        case 12 where name.equals("ccert_issuer"): self = .ccertIssuer
        case 13 where name.equals("sasl_username"): self = .saslUsername
        case 13 where name.equals("ccert_subject"): self = .ccertSubject
        case 14 where name.equals("client_address"): self = .clientAddress
        case 14 where name.equals("protocol_state"): self = .protocolState
        default: return nil
        }
    }
}

extension Span<UInt8> {
    /// Whether these bytes are exactly the ASCII bytes of `text`.
    @inline(__always)
    public func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let (bytes, expected) = (bytes, UnsafeRawPointer(text.utf8Start))
        // As many bytes at a time as there are at least, the last ones overlapping those before them.
        if count >= 8 {
            var index = 0
            while true {
                let word = bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
                guard word == expected.loadUnaligned(fromByteOffset: index, as: UInt64.self) else { return false }
                guard index < count - 8 else { return true }
                index = Swift.min(index + 8, count - 8)
            }
        }
        if count >= 4 {
            let (first, last) = (
                bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self),
                bytes.unsafeLoadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            )
            return first == expected.loadUnaligned(as: UInt32.self)
                && last == expected.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
        }
        for index in indices where self[index] != expected.load(fromByteOffset: index, as: UInt8.self) { return false }
        return true
    }
}
