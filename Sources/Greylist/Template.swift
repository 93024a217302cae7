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
    public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The complaint and the remedy.
        public let description: String
    }

    private enum Part: Sendable, Equatable {
        case text([UInt8])
        case variable(Variable)
    }

    private var parts: [Part] = []

    /// Reads a template: printable ASCII, every variable known.
    public init(_ text: String) throws(Fault) {
        let bytes = Array(text.utf8)
        if let byte = bytes.first(where: { !(0x20...0x7e).contains($0) }) {
            throw Fault(description: "holds the byte \(byte); only printable ASCII can be sent to mail clients")
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
                throw Fault(description: "has a brace without its partner (a brace itself is written twice)")
            }
            let name = String(decoding: bytes[index + 1..<end], as: UTF8.self)
            guard let variable = Variable(rawValue: name) else {
                let known = Variable.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
                throw Fault(description: "has the unknown variable {\(name)} (known are \(known))")
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
