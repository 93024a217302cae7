extension Condition {
    /// What no attribute of a request says of its client: who that is, and what the DNS says of it.
    public enum Fact: Sendable, Hashable {
        /// Its name is generic: made of its address, or that of a customer's line. No name isn't generic.
        case genericName
        /// It is proven to send for that organisation.
        case identity(Domain)
        /// It is proven by that to send for the sender's organisation.
        case proof(Proof)
        /// The record of the sender's domain has that result.
        case spf(SPFResult)
        /// The list has its address.
        case listed(DNSList)
    }

    /// What proves that a client sends for an organisation.
    public enum Proof: String, Sendable, Hashable, CaseIterable {
        case spf, name
    }

    /// What SPF says of a client (RFC 7208, section 2.6).
    public enum SPFResult: String, Sendable, Hashable, CaseIterable {
        case none, neutral, pass, fail, softfail, temperror, permerror
    }

    /// Whether any fact is asked for in it.
    package var hasFacts: Bool {
        switch self {
        case .fact: true
        case .all(let parts), .any(let parts): parts.contains(where: \.hasFacts)
        case .not(let part): part.hasFacts
        default: false
        }
    }

    /// The organisation for which alone it can hold; nil where there is no such one.
    var identity: Domain? {
        switch self {
        case .fact(.identity(let domain)): domain
        case .all(let parts): parts.lazy.compactMap(\.identity).first
        default: nil
        }
    }

    /// The lists in the DNS that it asks, at any depth.
    package var lists: [DNSList] {
        switch self {
        case .fact(.listed(let list)): [list]
        case .all(let parts), .any(let parts): parts.flatMap(\.lists)
        case .not(let part): part.lists
        default: []
        }
    }
}

extension Condition.Fact: CustomStringConvertible {
    /// The fact in words: `the client's name is generic`.
    public var description: String {
        switch self {
        case .genericName: "the client's name is generic"
        case .identity(let domain): "the client is proven to send for \(domain)"
        case .proof(.spf): "SPF proves the sender's organisation"
        case .proof(.name): "the client's name proves the sender's organisation"
        case .spf(let result): "the result of SPF is \(result.rawValue)"
        case .listed(let list): "the client is listed in \(list)"
        }
    }
}
