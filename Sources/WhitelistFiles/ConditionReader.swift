import Bytes
import Greylist
import JSONText
import Whitelists

/// Reads the condition that an entry's keys spell; which of them count depends on its `type`.
struct ConditionReader {
    /// How deep conditions may be nested.
    static let depthLimit = 16
    /// How many conditions an entry may combine in all.
    static let partLimit = 1_000

    /// Whether regular expressions are honoured.
    let allowsPatterns: Bool
    private var parts = 0
    private var reader = SlotReader(.json)

    init(allowsPatterns: Bool) {
        self.allowsPatterns = allowsPatterns
    }

    /// What is to be said of what was read.
    var notes: [String] { reader.notes }

    mutating func condition(_ entry: EntryMembers, depth: Int = 0) throws(EntryError) -> Condition {
        guard depth <= Self.depthLimit else { throw EntryError("nested deeper than \(Self.depthLimit) conditions") }
        parts += 1
        guard parts <= Self.partLimit else { throw EntryError("it combines more than \(Self.partLimit) conditions") }
        if depth > 0, let key = ["expires", "delay", "greylist", "allow_wide"].first(where: { entry[$0] != nil }) {
            throw EntryError("\"\(key)\" belongs to the whole entry, not to a condition in it")
        }
        let type = try entry.string("type")
        switch type {
        case "ipv4_net": return .client(try network(entry, .ipv4))
        case "ipv6_net": return .client(try network(entry, .ipv6))
        case "remote_name": return .clientName(try domain(entry, .clientName))
        case "helo_name": return .heloName(try domain(entry, .heloName))
        case "recipient_literal": return .recipient(try literal(entry, "recipient", .recipient))
        case "sender_literal": return .sender(try literal(entry, "sender", .sender))
        case "recipient_domain": return .recipientDomain(try domain(entry, .recipientDomain))
        case "sender_domain": return .senderDomain(try domain(entry, .senderDomain))
        case "remote_regex": return .pattern(.clientName, try pattern(entry))
        case "helo_regex": return .pattern(.heloName, try pattern(entry))
        case "recipient_regex": return .pattern(.recipient, try pattern(entry))
        case "sender_regex": return .pattern(.sender, try pattern(entry))
        case "attribute": return try attribute(entry)
        case "client_generic": return .fact(.genericName)
        case "identity": return .fact(.identity(try domain(entry, .identity)))
        case "proof": return .fact(.proof(try word(entry, "is")))
        case "spf": return .fact(.spf(try word(entry, "result")))
        case "dns_list": return .fact(.listed(try list(entry)))
        case "all": return .all(try conditions(entry, depth: depth))
        case "any": return .any(try conditions(entry, depth: depth))
        case "not": return .not(try negated(entry, depth: depth))
        default: throw EntryError("the type \(shortened(type)) is not one of \(Self.types)")
        }
    }

    static let types = """
        ipv4_net, ipv6_net, remote_name, remote_regex, helo_name, helo_regex, sender_literal, sender_domain, \
        sender_regex, recipient_literal, recipient_domain, recipient_regex, attribute, client_generic, identity, \
        proof, spf, dns_list, all, any, not
        """

    private mutating func network(_ entry: EntryMembers, _ family: Address.Family) throws(EntryError) -> Network {
        let net = try entry.string("net")
        guard let found = NetworkText(net) else {
            throw EntryError("\(shortened(net)) is not an \(family.name) address or network\(instead(of: net))")
        }
        let address = found.address
        guard address.family == family else {
            let other = address.family
            throw EntryError("\(shortened(net)) is an \(other.name) address, for which the type is \(other.type)")
        }
        let mask = entry["mask"]
        switch found.length {
        case .none:
            guard let mask else { return reader.network(found, bits: family.rawValue, written: net) }
            guard case .scalar(let value) = mask, let length = value.prefixLength(family) else {
                throw EntryError("\(mask.found) is not a mask (\(family.masks))")
            }
            return reader.network(found, bits: length, written: "\(net)/\(length)")
        case .bits(let length):
            guard mask == nil else { throw EntryError("a prefix length stands both in \"net\" and in \"mask\"") }
            return reader.network(found, bits: length, written: net)
        case .invalid:
            guard mask == nil else { throw EntryError("a prefix length stands both in \"net\" and in \"mask\"") }
            throw EntryError(
                "\(shortened(net)) has no prefix length (\(family.masks))\(NetworkText.advice(on: net))")
        }
    }

    /// What a text is that is no network.
    private func instead(of net: String) -> String {
        let advice = NetworkText.advice(on: net)
        guard advice.isEmpty else { return advice }
        let text = UnwrappedText(net).text
        if text.contains("@") {
            return ": it is a mail address, for which the type is sender_literal or recipient_literal"
        }
        let isName = text.utf8.contains(where: \.isLetter) && text.utf8.contains(UInt8(ascii: "."))
        let plain = text.hasPrefix("*.") ? String(text.dropFirst(2)) : text
        return isName && Domain(plain) != nil ? ": it is a name, for which the type is remote_name" : ""
    }

    private mutating func domain(_ entry: EntryMembers, _ slot: SlotReader.Slot) throws(EntryError) -> Domain {
        try reader.domain(try entry.string("domain"), slot)
    }

    private mutating func literal(
        _ entry: EntryMembers, _ key: String, _ slot: SlotReader.Slot
    ) throws(EntryError) -> AddressLiteral {
        try reader.literal(try entry.string(key), slot)
    }

    private func pattern(_ entry: EntryMembers) throws(EntryError) -> TextPattern {
        let text = try entry.string("regex")
        guard allowsPatterns else {
            throw EntryError("regular expressions are off (service.allow_wl_regex turns them on)")
        }
        // As the original has it, unless the entry says otherwise: from the beginning of the text.
        return try compiled(text, isAnchored: !(try entry.flag("anywhere")))
    }

    private func attribute(_ entry: EntryMembers) throws(EntryError) -> Condition {
        let name = try entry.string("name").lowercased()
        let isName = !name.isEmpty && name.utf8.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "_") }
        guard isName else { throw EntryError("\(shortened(name)) is not the name of an attribute") }
        guard entry["regex"] == nil || entry["matches"] == nil else {
            throw EntryError("\"matches\" and \"regex\" can't both be there")
        }
        if entry["regex"] != nil { return .pattern(.attribute(name), try pattern(entry)) }
        return .attribute(name: name, value: try entry.string("matches"))
    }

    /// One of a few words.
    private func word<Word: RawRepresentable<String> & CaseIterable>(
        _ entry: EntryMembers, _ key: String
    ) throws(EntryError) -> Word {
        let text = try entry.string(key)
        guard let word = Word(rawValue: text.lowercased()) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw EntryError("\"\(key)\" is \(shortened(text)), not one of \(words)")
        }
        return word
    }

    private mutating func list(_ entry: EntryMembers) throws(EntryError) -> DNSList {
        let domain = try reader.domain(try entry.string("zone"), .zone)
        guard let zone = DNSList.Zone(domain) else {
            let limit = DNSList.Zone.limit
            throw EntryError(
                "\(shortened("\(domain)")) is not the zone of a list (two labels or more, up to \(limit) bytes)")
        }
        guard let text = try entry.optionalString("matches") else { return DNSList(zone) }
        guard let answers = DNSList.Answers(text) else {
            throw EntryError("\(shortened(text)) is not a pattern of answers (four numbers or *: 127.0.*.3)")
        }
        guard answers.canMatch else {
            throw EntryError(
                "\(shortened(text)): no list answers so (answers are in 127.0.0.0/8; 127.255.255.* and 127.0.0.255 are "
                    + "refusals of the question)")
        }
        return DNSList(zone, answers: answers)
    }

    private mutating func conditions(_ entry: EntryMembers, depth: Int) throws(EntryError) -> [Condition] {
        guard let content = entry["of"] else { throw EntryError("\"of\" is missing") }
        guard case .array(let nodes) = content, !nodes.isEmpty else {
            throw EntryError("\"of\" is \(content.found), not an array of conditions")
        }
        var conditions: [Condition] = []
        for node in nodes { conditions.append(try part(node, depth: depth)) }
        return conditions
    }

    private mutating func negated(_ entry: EntryMembers, depth: Int) throws(EntryError) -> Condition {
        guard let content = entry["of"] else { throw EntryError("\"of\" is missing") }
        switch content {
        case .object(let members): return try condition(EntryMembers(members: members), depth: depth + 1)
        case .array(let nodes) where nodes.count == 1: return try part(nodes[0], depth: depth)
        default: throw EntryError("\"of\" is \(content.found), not one condition")
        }
    }

    private mutating func part(_ node: JSONNode, depth: Int) throws(EntryError) -> Condition {
        guard case .object(let members) = node.content else {
            throw EntryError("\(node.content.found) is not a condition ({\"type\": ...})")
        }
        return try condition(EntryMembers(members: members), depth: depth + 1)
    }
}

/// A regular expression that can be honoured.
func compiled(_ text: String, isAnchored: Bool) throws(EntryError) -> TextPattern {
    do {
        return try TextPattern(text, isAnchored: isAnchored)
    } catch {
        throw EntryError("\(shortened(text)): \(error)")
    }
}

extension JSONValue {
    /// The prefix length that a mask says: a number, digits in quotes, or a dotted IPv4 mask.
    fileprivate func prefixLength(_ family: Address.Family) -> Int? {
        let length: Int? =
            switch self {
            case .int(let length): length
            case .string(let text) where text.utf8.allSatisfy(\.isDigit): Int(text)
            case .string(let text) where family == .ipv4: Address(text).flatMap(\.asMask)
            default: nil
            }
        return length.flatMap { (0...family.rawValue).contains($0) ? $0 : nil }
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

    fileprivate var masks: String {
        switch self {
        case .ipv4: "a prefix length up to 32, or such as 255.255.255.0"
        case .ipv6: "a prefix length up to 128"
        }
    }
}
