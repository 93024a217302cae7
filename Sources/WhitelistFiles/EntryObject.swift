import Greylist
import JSONText

/// Why an entry is no good.
struct EntryFault: Error {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }
}

/// An entry as it stands in a file.
///
/// Which of its members count depends on `type`; all others are ignored.
struct EntryObject {
    let members: [String: JSONValue]

    /// Its name, where it has one that can be shown.
    var name: String? {
        guard case .string(let name) = members["name"], !name.isEmpty else { return nil }
        return name
    }

    /// What the entry looks at.
    func pattern() throws(EntryFault) -> Whitelist.Pattern {
        let type = try text("type")
        switch type {
        case "ipv4_net": return .client(try network(.ipv4))
        case "ipv6_net": return .client(try network(.ipv6))
        case "recipient_literal": return .recipient(try literal("recipient"))
        case "sender_literal": return .sender(try literal("sender"))
        case "remote_regex", "recipient_regex", "sender_regex":
            throw EntryFault("its type is \(type), and this version has no regular expressions")
        default:
            throw EntryFault(
                "the type \(shortened(type)) is not one of ipv4_net, ipv6_net, recipient_literal, sender_literal")
        }
    }

    private func text(_ member: String) throws(EntryFault) -> String {
        guard let value = members[member] else { throw EntryFault("\"\(member)\" is missing") }
        guard case .string(let text) = value else { throw EntryFault("\"\(member)\" is \(value.found), not a text") }
        return text
    }

    private func network(_ family: Address.Family) throws(EntryFault) -> Network {
        let net = try text("net")
        guard let address = Address(net) else {
            let remedy = net.contains("/") ? " (the prefix length belongs in \"mask\")" : ""
            throw EntryFault("\(shortened(net)) is no \(family.name) address\(remedy)")
        }
        guard address.family == family else {
            let other = address.family
            throw EntryFault("\(shortened(net)) is an \(other.name) address, for which the type is \(other.type)")
        }
        return Network(address, prefixLength: try prefixLength(family))
    }

    private func prefixLength(_ family: Address.Family) throws(EntryFault) -> Int {
        guard let mask = members["mask"] else { return family.rawValue }
        guard let length = mask.prefixLength(family), (0...family.rawValue).contains(length) else {
            let dotted = family == .ipv4 ? ", or such as 255.255.255.0" : ""
            throw EntryFault("\(mask.found) is no mask (a prefix length up to \(family.rawValue)\(dotted))")
        }
        return length
    }

    private func literal(_ member: String) throws(EntryFault) -> AddressLiteral {
        let text = try text(member)
        guard let literal = AddressLiteral(text) else {
            throw EntryFault("\(shortened(text)) is no address (user@domain, user, user@ or @domain)")
        }
        return literal
    }
}

extension JSONValue {
    /// The prefix length that a mask says: a number, digits in quotes, or a dotted IPv4 mask.
    fileprivate func prefixLength(_ family: Address.Family) -> Int? {
        switch self {
        case .int(let length): length
        case .string(let text) where text.utf8.allSatisfy(isDigit): Int(text)
        case .string(let text) where family == .ipv4: Address(text).flatMap(\.asMask)
        default: nil
        }
    }
}

extension Address.Family {
    fileprivate var name: String {
        switch self {
        case .ipv4: "IPv4"
        case .ipv6: "IPv6"
        }
    }

    /// The type of an entry with a network of this family.
    fileprivate var type: String {
        switch self {
        case .ipv4: "ipv4_net"
        case .ipv6: "ipv6_net"
        }
    }
}
