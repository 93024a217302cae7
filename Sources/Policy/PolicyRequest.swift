import Bytes
import NIOCore

/// One request as Postfix sent it: slices of the bytes that were read, no copies.
///
/// A value is any bytes but LF; nothing promises UTF-8. Where a name comes twice, the last one counts.
public struct PolicyRequest: Sendable {
    /// Where a value lies in `bytes`.
    ///
    /// No value begins at 0, since `name=` stands before it: 0 means absent.
    struct Place: Sendable {
        var start: UInt16 = 0
        var count: UInt16 = 0

        var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
    }

    var bytes: ByteBuffer
    var places: InlineArray<13, Place>

    /// Whether the attribute was sent, be it with an empty value.
    public func has(_ attribute: PolicyAttribute) -> Bool {
        places[attribute.rawValue].start != 0
    }

    /// Whether the attribute was left out or sent with an empty value: Postfix means the same by both.
    public func isEmpty(_ attribute: PolicyAttribute) -> Bool {
        places[attribute.rawValue].count == 0
    }

    /// Hands the bytes of the value to `body`; no bytes where the attribute is absent.
    @inline(__always)
    public func read<Result>(_ attribute: PolicyAttribute, _ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.readableBytesUInt8Span.extracting(places[attribute.rawValue].range))
    }

    /// Hands the client's name to `body`; `unknown`, as Postfix says it, where it was left out or is empty, as Exim says it.
    public func readClientName<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        guard isEmpty(.clientName) else { return read(.clientName, body) }
        let unknown: StaticString = "unknown"
        return unknown.withUTF8Buffer { body($0.span) }
    }

    /// Hands the bytes of three values to `body` at once, which costs less than one after the other.
    @inline(__always)
    public func read<Result>(
        _ first: PolicyAttribute, _ second: PolicyAttribute, _ third: PolicyAttribute,
        _ body: (Span<UInt8>, Span<UInt8>, Span<UInt8>) -> Result
    ) -> Result {
        let bytes = bytes.readableBytesUInt8Span
        return body(
            bytes.extracting(places[first.rawValue].range), bytes.extracting(places[second.rawValue].range),
            bytes.extracting(places[third.rawValue].range))
    }

    /// Whether the value is exactly these ASCII bytes.
    public func value(of attribute: PolicyAttribute, is text: StaticString) -> Bool {
        read(attribute) { $0.equals(text) }
    }

    /// Hands the bytes of the value of any attribute to `body`; no bytes where it is absent.
    ///
    /// One without a place of its own is looked for line by line.
    public func read<Result>(named name: String, _ body: (Span<UInt8>) -> Result) -> Result {
        let bytes = bytes.readableBytesUInt8Span
        return body(bytes.extracting(bytes.placeOfValue(named: name)))
    }
}

extension Span<UInt8> {
    /// Where the value of the last line with that name lies; empty where there is none.
    fileprivate func placeOfValue(named name: String) -> Range<Int> {
        var found = 0..<0
        var start = 0
        while start < count {
            var end = start
            while end < count, self[end] != UInt8(ascii: "\n") { end += 1 }
            if let value = value(of: name, in: start..<end) { found = value }
            start = end + 1
        }
        return found
    }

    /// Where the value lies in a line that has that name.
    private func value(of name: String, in line: Range<Int>) -> Range<Int>? {
        var index = line.lowerBound
        for byte in name.utf8 {
            guard index < line.upperBound, self[index] == byte else { return nil }
            index += 1
        }
        guard index < line.upperBound, self[index] == UInt8(ascii: "=") else { return nil }
        let hasReturn = self[line.upperBound - 1] == UInt8(ascii: "\r")
        return index + 1..<Swift.max(index + 1, hasReturn ? line.upperBound - 1 : line.upperBound)
    }
}

/// The attributes of a request that have a place of their own; every other one is found by its name.
///
/// Source: Postfix SMTPD_POLICY_README.
public enum PolicyAttribute: Int, Sendable, CaseIterable {
    case request, protocolState, queueID, sender, recipient
    case clientAddress, clientName, heloName, instance
    case saslUsername, ccertSubject, ccertIssuer, policyContext

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
        case .policyContext: "policy_context"
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
        case 14 where name.equals("policy_context"): self = .policyContext
        default: return nil
        }
    }
}
