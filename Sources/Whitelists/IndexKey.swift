import Greylist

/// Something that can be looked up in a table, and by which an entry is indexed.
enum IndexKey: Hashable {
    case client(Network)
    case clientName(Domain)
    case heloName(Domain)
    case sender(AddressLiteral)
    case senderDomain(Domain)
    case recipient(AddressLiteral)
    case recipientDomain(Domain)
    case pattern(Condition.Subject, TextPattern)

    /// How many requests are likely to have it: the more, the worse an entry is indexed by it.
    var breadth: Int {
        switch self {
        case .sender(let literal), .recipient(let literal): literal.isWhole ? 0 : 2
        case .client(let network): network.prefixLength == network.address.family.rawValue ? 1 : 4
        case .clientName, .heloName, .senderDomain, .recipientDomain: 3
        case .pattern: 5
        }
    }
}

extension Condition {
    /// Keys of which a request has at least one if this holds; nil where there are none, and every request must be
    /// tried.
    var indexKeys: [IndexKey]? {
        switch self {
        case .client(let network): return [.client(network)]
        case .clientName(let domain): return [.clientName(domain)]
        case .heloName(let domain): return [.heloName(domain)]
        case .sender(let literal): return [.sender(literal)]
        case .senderDomain(let domain): return [.senderDomain(domain)]
        case .recipient(let literal): return [.recipient(literal)]
        case .recipientDomain(let domain): return [.recipientDomain(domain)]
        case .pattern(let subject, let pattern): return [.pattern(subject, pattern)]
        case .attribute, .not: return nil
        case .any(let parts):
            var keys: [IndexKey] = []
            for part in parts {
                guard let more = part.indexKeys else { return nil }
                keys += more
            }
            return keys
        case .all:
            // One of them is enough; the narrowest leaves least to try.
            return indexChoices.first
        }
    }

    /// The sets of keys, any of which will do to find this, the narrowest first; none where every request must be tried.
    var indexChoices: [[IndexKey]] {
        guard case .all(let parts) = self else { return indexKeys.map { [$0] } ?? [] }
        return parts.flatMap(\.indexChoices).sorted { Self.breadth($0) < Self.breadth($1) }
    }

    /// What must hold beside having one of the keys, which are those of this or of a part; nil where that is all.
    func remainder(besides keys: [IndexKey]) -> Condition? {
        if case .all(let parts) = self {
            guard let indexed = parts.firstIndex(where: { $0.indexChoices.contains(keys) }) else { return self }
            var rest = parts
            rest.remove(at: indexed)
            if let inner = parts[indexed].remainder(besides: keys) { rest.insert(inner, at: 0) }
            return rest.count > 1 ? .all(rest) : rest.first
        }
        return isItsKeys ? nil : self
    }

    /// Whether having one of the keys is all that is asked.
    private var isItsKeys: Bool {
        switch self {
        case .all(let parts): parts.count == 1 && parts[0].isItsKeys
        case .any(let parts): parts.allSatisfy(\.isItsKeys)
        case .attribute, .not: false
        default: true
        }
    }

    private static func breadth(_ keys: [IndexKey]) -> Int {
        (keys.map(\.breadth).max() ?? 0) * 1_000 + keys.count
    }
}
