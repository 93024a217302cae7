import Bytes

/// The texts that mail clients and recipients get to see.
public struct Wording: Sendable {
    private let action: [UInt8]
    private let text: Template
    private let header: Template
    private let hostname: [UInt8]

    /// Why the texts can't be used.
    public enum ParseError: Error, Equatable, Sendable {
        case text(Template.ParseError)
        case header(Template.ParseError)
    }

    /// The wording of a site.
    ///
    /// - Parameters:
    ///   - action: the verb that defers, such as `DEFER_IF_PERMIT`
    ///   - text: what follows it
    ///   - header: `Name: value`, prepended to a message when a triplet passes for the first time
    ///   - hostname: the name of this host
    public init(action: String, text: String, header: String, hostname: String) throws(ParseError) {
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

/// A text with variables in braces, such as `Greylisted, please retry in {wait} seconds`; `{{` and `}}` are braces.
public struct Template: Sendable, Equatable {
    /// What may stand in braces.
    public enum Variable: String, Sendable, CaseIterable {
        /// Seconds until a retry passes.
        case wait
        /// Seconds since the first attempt.
        case delay
        /// The name of this host.
        case hostname
        /// The date and time, as RFC 5322 has them.
        case date
        /// What follows the last `@` of the recipient.
        case recipientDomain = "recipient_domain"
    }

    /// Why a text is no template; the sentence follows the name of the setting.
    public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
        /// What is wrong and the remedy.
        public let description: String
    }

    private enum Part: Sendable, Equatable {
        case text([UInt8])
        case variable(Variable)
    }

    private var parts: [Part] = []

    /// Reads a template: printable ASCII, every variable known.
    public init(_ text: String) throws(ParseError) {
        let bytes = Array(text.utf8)
        if let byte = bytes.first(where: { !$0.isPrintable }) {
            throw ParseError(description: "holds the byte \(byte); only printable ASCII can be sent to mail clients")
        }
        var literal: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            let isBrace = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}")
            if !isBrace || (index + 1 < bytes.count && bytes[index + 1] == byte) {
                literal.append(byte)
                index += isBrace ? 2 : 1
                continue
            }
            guard byte == UInt8(ascii: "{"), let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else {
                throw ParseError(description: "has a brace without its partner (a brace itself is written twice)")
            }
            let name = String(decoding: bytes[index + 1..<end], as: UTF8.self)
            guard let variable = Variable(rawValue: name) else {
                let known = Variable.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
                throw ParseError(description: "has the unknown variable {\(name)} (known are \(known))")
            }
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = []
            parts.append(.variable(variable))
            index = end + 1
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
    }

    /// Appends the text with its variables replaced.
    func append(to target: inout [UInt8], replacing replace: (Variable, inout [UInt8]) -> Void) {
        for part in parts {
            switch part {
            case .text(let bytes): target.append(contentsOf: bytes)
            case .variable(let variable): replace(variable, &target)
            }
        }
    }
}
