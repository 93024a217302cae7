import Bytes
import Greylist
import JSONText
import Whitelists

/// Reads the names and addresses of entries as people write them.
///
/// What can mean only one thing is taken, with a note where it isn't as it should be. What could never match is refused
/// with what to write: everything that is accepted can match.
struct SlotReader {
    /// What a text is to be.
    enum Slot {
        case clientName, heloName, senderDomain, recipientDomain, sender, recipient, identity, zone
    }

    /// Where it stands: there the remedies are.
    enum Style {
        case json, postgreyClients, postgreyRecipients
    }

    let style: Style
    /// What is to be said of what was taken.
    private(set) var notes: [String] = []

    init(_ style: Style) {
        self.style = style
    }

    /// Takes a note.
    mutating func note(_ message: String) {
        notes.append(message)
    }

    // MARK: Networks

    /// The network of an address and a length, with notes on how it was written.
    mutating func network(_ text: NetworkText, bits: Int, written: String) -> Network {
        let network = Network(text.address, prefixLength: bits)
        if text.isUnusual {
            note("\(shortened(written)) was taken as \(network)")
        } else if network.address != text.address {
            note("\(shortened(written)) has host bits set: it was taken as \(network)")
        }
        if network.isUnreachable { note("no client can have an address in \(network)") }
        return network
    }

    // MARK: Domains

    mutating func domain(_ original: String, _ slot: Slot) throws(EntryError) -> Domain {
        if let domain = Domain(original), isUsual(original, domain, slot) { return domain }
        let unwrapped = UnwrappedText(original)
        var text = unwrapped.text
        var isUnusual = unwrapped.isChanged
        try refuseForeign(text, original, slot)
        if text.hasPrefix("*@") || text.hasPrefix("@"), slot == .senderDomain || slot == .recipientDomain {
            text = String(text.drop { $0 == "*" || $0 == "@" })
            isUnusual = true
        }
        if text.contains("@") {
            throw EntryError("\(shortened(original)) is a mail address\(elsewhere(.address, slot))")
        }
        var hasWildcard = false
        while text.hasPrefix("*.") {
            text = String(text.dropFirst(2))
            hasWildcard = true
        }
        if text.contains(where: { $0 == "*" || $0 == "?" || $0 == "%" }) {
            throw EntryError(wildcards(text, original, slot))
        }
        if slot == .clientName, text.split(separator: ".").last.map({ $0.utf8.allSatisfy(\.isDigit) }) == true {
            throw EntryError("\(shortened(original)): no client's name ends in a number\(NetworkText.advice(on: text))")
        }
        guard let domain = Domain(text) else {
            let isExpression = text.contains { "^$\\()[]|+/".contains($0) }
            throw EntryError(
                "\(shortened(original)) is not a \(style == .json ? "domain name" : slot.nounInList)"
                    + (isExpression ? expression(slot) : ""))
        }
        // A dot or a wildcard before an address makes no name of it.
        try refuseForeign("\(domain)", original, slot)
        if domain.spellings.contains(where: \.hasLongLabel) {
            throw EntryError("\(shortened(original)): a part of it is longer than 63 bytes, and no name has that")
        }
        if hasWildcard, slot.expressionType != nil {
            note("\(shortened(original)) was taken as \(domain), which is the domain and all names below it")
        } else if isUnusual || hasWildcard {
            note("\(shortened(original)) was taken as \(domain)")
        }
        return domain
    }

    /// Whether nothing has to be looked at twice.
    private func isUsual(_ original: String, _ domain: Domain, _ slot: Slot) -> Bool {
        let last = original.utf8.reversed().first { $0 != UInt8(ascii: ".") }
        let mayBeNumber = slot != .heloName && last.map(\.isDigit) == true
        return !mayBeNumber && !(original.utf8.count > 63 && domain.spellings.contains(where: \.hasLongLabel))
    }

    // MARK: Addresses

    mutating func literal(_ original: String, _ slot: Slot) throws(EntryError) -> AddressLiteral {
        if let literal = AddressLiteral(original), original.utf8.allSatisfy(\.isPlainInAddress),
            literal.isWellFormed, original.utf8.first != UInt8(ascii: ".")
        {
            try noteDomain(original, slot)
            return literal
        }
        let unwrapped = UnwrappedText(original)
        var text = unwrapped.text
        var isUnusual = unwrapped.isChanged
        if text.isEmpty, original.contains("<") {
            throw EntryError(
                "\(shortened(original)): the empty sender is "
                    + "{\"type\": \"attribute\", \"name\": \"sender\", \"matches\": \"\"}")
        }
        try refuseForeign(text, original, slot)
        if text == "*" || text == "*@*" || text == "@*" {
            throw EntryError("\(shortened(original)) is every address")
        }
        if text.hasPrefix("*@") {
            text = String(text.dropFirst())
            isUnusual = true
        }
        if text.hasSuffix("@*") {
            text = String(text.dropLast())
            isUnusual = true
        }
        let domain = text.lastIndex(of: "@").map { text[text.index(after: $0)...] } ?? ""
        if domain.hasPrefix("*.") || domain.hasPrefix(".") {
            let plain = domain.drop { $0 == "*" || $0 == "." }
            throw EntryError(
                "\(shortened(original)): for all names below a domain\(elsewhere(.domain(String(plain)), slot))")
        }
        if !text.contains("@"), text.hasPrefix(".") || text.hasPrefix("*.") {
            let plain = text.drop { $0 == "*" || $0 == "." }
            throw EntryError("\(shortened(original)) is a domain\(elsewhere(.domain(String(plain)), slot))")
        }
        if text.contains("*") { throw EntryError(wildcards(text, original, slot)) }
        guard let literal = AddressLiteral(text) else {
            throw EntryError("\(shortened(original)) is not an address (\(style.addressForms))")
        }
        guard literal.isWellFormed else {
            throw EntryError("\(shortened(original)) is not an address: what follows the @ is not a domain")
        }
        if isUnusual { note("\(shortened(original)) was taken as \(literal)") }
        return literal
    }

    /// A name without an `@` is a user in any domain.
    private mutating func noteDomain(_ text: String, _ slot: Slot) throws(EntryError) {
        guard !text.utf8.contains(UInt8(ascii: "@")), text.utf8.contains(UInt8(ascii: ".")) else { return }
        if NetworkText(text) != nil || AddressRange(text) != nil {
            throw EntryError("\(shortened(text)) is a client's address or network\(elsewhere(.network, slot))")
        }
        if text.contains(where: { $0.isLetter }), Domain(text) != nil,
            text.split(separator: ".").last.map(isTopLevel) == true
        {
            note("\(shortened(text)) is the user of that name in any domain; all users of the domain are \"@\(text)\"")
        }
    }

    // MARK: What belongs elsewhere

    private enum Foreign {
        case network, address
        case domain(String)
    }

    /// Refuses what is several things, or a client's address where none can be.
    private func refuseForeign(_ text: String, _ original: String, _ slot: Slot) throws(EntryError) {
        if !text.contains("\"") {
            let parts = text.severalParts
            if parts.count > 1, parts.contains(where: { $0.contains("@") || $0.contains(".") }) {
                throw EntryError("\(shortened(original)) is several: write an entry each: \(parts.shownList)")
            }
        }
        if text.hasPrefix("!") {
            let remedy = style == .json ? " (\"greylist\": true makes an entry an exception to those after it)" : ""
            throw EntryError("\(shortened(original)): a ! means nothing here\(remedy)")
        }
        if slot == .heloName, Address(text) != nil { return }
        if !text.contains("@"), NetworkText(text) != nil || AddressRange(text) != nil {
            throw EntryError("\(shortened(original)) is a client's address or network\(elsewhere(.network, slot))")
        }
    }

    /// Where something else than the slot takes would stand.
    private func elsewhere(_ foreign: Foreign, _ slot: Slot) -> String {
        switch (style, foreign) {
        case (.json, .network): return ", for which the type is ipv4_net or ipv6_net"
        case (.json, .address):
            let type = slot == .recipientDomain ? "recipient_literal" : slot == .senderDomain ? "sender_literal" : nil
            return ", for which the type is \(type ?? "sender_literal or recipient_literal")"
        case (.json, .domain(let domain)):
            let type = slot == .sender ? "sender_domain" : "recipient_domain"
            return ", for which the type is \(type): {\"type\": \"\(type)\", \"domain\": \(shortened(domain))}"
        case (.postgreyClients, .address): return ", which belongs in a list of recipients (or of senders, in JSON)"
        case (.postgreyRecipients, .network): return ", which belongs in a list of clients"
        case (.postgreyRecipients, .domain(let domain)): return ": write \(shortened(domain))"
        default: return ""
        }
    }

    private func wildcards(_ text: String, _ original: String, _ slot: Slot) -> String {
        guard slot.expressionType != nil else {
            return "\(shortened(original)): a * stands for nothing here: write the name"
        }
        let labels = text.split(separator: ".")
        let rest = labels.lastIndex { $0.contains { "*?%".contains($0) } }.map { labels[($0 + 1)...] } ?? []
        let domain =
            rest.count > 1 ? "write \(shortened(rest.joined(separator: "."))), which is all names below it, or " : ""
        return
            "\(shortened(original)): a * stands for nothing here: \(domain)write a regular expression\(expression(slot))"
    }

    private func expression(_ slot: Slot) -> String {
        guard style == .json else { return " between slashes (/.../)" }
        return slot.expressionType.map { " (type \($0))" } ?? ""
    }
}

extension SlotReader.Slot {
    /// The type for a regular expression in its place; nil where there is none.
    fileprivate var expressionType: String? {
        switch self {
        case .clientName: "remote_regex"
        case .heloName: "helo_regex"
        case .senderDomain, .sender: "sender_regex"
        case .recipientDomain, .recipient: "recipient_regex"
        case .identity, .zone: nil
        }
    }

    /// What a line of one of postgrey's lists should have been.
    fileprivate var nounInList: String { self == .clientName ? "name or network" : "domain or address" }
}

extension SlotReader.Style {
    fileprivate var addressForms: String {
        self == .json ? "user@domain, user, user@ or @domain" : "user@domain or user@"
    }
}

extension String {
    fileprivate var hasLongLabel: Bool {
        utf8.count > 63 && utf8.split(separator: UInt8(ascii: ".")).contains { $0.count > 63 }
    }
}

/// Well-known domains at the top, in which a dotted word without an `@` is likelier a domain than a user.
private func isTopLevel(_ label: Substring) -> Bool {
    ["com", "net", "org", "info", "biz", "edu", "gov", "mil", "io", "example"].contains(label.lowercased())
        || (label.utf8.count == 2 && label.utf8.allSatisfy(\.isLetter))
}

extension UInt8 {
    /// Whether it is nothing that is put round an address or between two.
    fileprivate var isPlainInAddress: Bool {
        switch self {
        case ...0x20, 0x7f, 0x21, 0x22, 0x27, 0x2a, 0x2c, 0x3a, 0x3b, 0x3c, 0x3e, 0x5b, 0x60: false
        default: true
        }
    }
}
