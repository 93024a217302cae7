/// The texts that mail clients and recipients get to see.
public struct Wording: Sendable {
    private let action: [UInt8]
    private let text: Template
    private let header: Template
    private let hostname: [UInt8]

    /// Why the texts can't be used.
    public enum Fault: Error, Equatable, Sendable {
        case text(Template.Fault)
        case header(Template.Fault)
    }

    /// The wording of a site.
    ///
    /// - Parameters:
    ///   - action: the verb that defers, such as `DEFER_IF_PERMIT`
    ///   - text: what follows it
    ///   - header: `Name: value`, prepended to a message when a triplet passes for the first time
    ///   - hostname: the name of this host
    public init(action: String, text: String, header: String, hostname: String) throws(Fault) {
        self.action = Array(action.utf8)
        self.hostname = Array(hostname.utf8)
        do { self.text = try Template(text) } catch { throw .text(error) }
        do { self.header = try Template(header) } catch { throw .header(error) }
        guard isHeaderField(header) else {
            throw .header(
                .init(description: "is not a header (Postfix drops it unless it has the form \"Name: value\")"))
        }
    }

    /// The action that defers a mail: verb and text.
    public func deferral(
        wait: Int64, delay: Int64, at now: Timestamp, recipient: Span<UInt8>
    ) -> [UInt8] {
        var action: [UInt8] = []
        action.reserveCapacity(128)
        action.append(contentsOf: self.action)
        action.append(UInt8(ascii: " "))
        append(text, wait: wait, delay: delay, at: now, recipient: recipient, to: &action)
        return action
    }

    /// The action that tells the recipient how long the mail was delayed.
    public func header(delay: Int64, at now: Timestamp, recipient: Span<UInt8>) -> [UInt8] {
        var action: [UInt8] = []
        action.reserveCapacity(128)
        action.append("PREPEND ")
        append(header, wait: 0, delay: delay, at: now, recipient: recipient, to: &action)
        return action
    }

    private func append(
        _ template: Template, wait: Int64, delay: Int64, at now: Timestamp, recipient: Span<UInt8>,
        to target: inout [UInt8]
    ) {
        template.append(to: &target) { variable, target in
            switch variable {
            case .wait: target.append(decimal: Int(wait))
            case .delay: target.append(decimal: Int(delay))
            case .hostname: target.append(contentsOf: hostname)
            case .date: target.append(internetDate: now)
            case .recipientDomain: target.append(domainOf: recipient)
            }
        }
    }
}

extension [UInt8] {
    /// Appends what follows the last `@` in lower case, at most the 255 bytes that a domain can have (RFC 5321,
    /// section 4.5.3.1.2).
    fileprivate mutating func append(domainOf address: Span<UInt8>) {
        let start = Swift.min(address.localPart.upperBound + 1, address.count)
        append(lowercasing: address.extracting(start..<Swift.min(address.count, start + 255)))
    }
}

/// Whether it has the form `Name: value` of RFC 5322, section 2.2.
private func isHeaderField(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, colon + 1 < bytes.count else { return false }
    return bytes[..<colon].allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "{") }
}
