import Greylist

/// Why an entry is no good.
struct EntryFault: Error {
    let sentence: String
}

/// An entry as it stands in a file.
///
/// Which of the members count depends on `type`.
struct EntryObject: Decodable {
    var type: String
    var name: String?
    var net: String?
    var mask: Mask?
    var recipient: String?
    var sender: String?

    /// A prefix length, or a dotted mask.
    enum Mask: Decodable {
        case length(Int)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let length = try? container.decode(Int.self) {
                self = .length(length)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }

    /// What the entry looks at.
    func pattern() throws(EntryFault) -> Whitelist.Pattern {
        switch type {
        case "ipv4_net": return .client(try network(.ipv4))
        case "ipv6_net": return .client(try network(.ipv6))
        case "recipient_literal": return .recipient(try literal(recipient, "recipient"))
        case "sender_literal": return .sender(try literal(sender, "sender"))
        default:
            throw EntryFault(
                sentence: "the type \"\(type)\" is not one of ipv4_net, ipv6_net, recipient_literal, sender_literal")
        }
    }

    private func network(_ family: Address.Family) throws(EntryFault) -> Network {
        guard let net else { throw EntryFault(sentence: "\"net\" is missing") }
        guard let address = Address(net), address.family == family else {
            throw EntryFault(sentence: "\"\(net)\" is no \(family == .ipv4 ? "IPv4" : "IPv6") address")
        }
        return Network(address, prefixLength: try prefixLength(family))
    }

    private func prefixLength(_ family: Address.Family) throws(EntryFault) -> Int {
        let length: Int?
        let shown: String
        switch mask {
        case nil: return family.rawValue
        case .length(let number):
            length = number
            shown = String(number)
        case .text(let text):
            length = Int(text) ?? (family == .ipv4 ? Address(text).flatMap { $0.asMask } : nil)
            shown = text
        }
        guard let length, (0...family.rawValue).contains(length) else {
            throw EntryFault(sentence: "\"\(shown)\" is no mask (a prefix length up to \(family.rawValue))")
        }
        return length
    }

    private func literal(_ text: String?, _ member: String) throws(EntryFault) -> AddressLiteral {
        guard let text else { throw EntryFault(sentence: "\"\(member)\" is missing") }
        guard let literal = AddressLiteral(text) else {
            throw EntryFault(sentence: "\"\(text)\" is no address (user@domain, user, user@ or @domain)")
        }
        return literal
    }
}
