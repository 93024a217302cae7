public import Domains

/// What is known of a client beyond its request, as far as it is known.
public struct ClientFacts: Sendable {
    /// What SPF says of it.
    public enum SPF: Sendable, Equatable {
        /// It hasn't been asked.
        case unknown
        /// It can't be asked, or gave no answer in time: nothing is so.
        case unavailable
        /// This result; and whether it proves the sender's organisation, which not every pass does, and a guess may do without
        /// a record.
        case known(Condition.SPFResult, isProof: Bool)
    }

    /// Whether its name is generic.
    public var hasGenericName = false
    /// The sender's organisation, proven or not, in lower case and A-labels; empty where there is none.
    public var organisation: [UInt8] = []
    /// Whether its name proves that organisation.
    public var isProvenByName = false
    /// What SPF says of it.
    public var spf = SPF.unknown
    /// The answers of lists, those that say nothing left out.
    private var answers: [DNSList.Zone: [UInt32]] = [:]

    /// Nothing: it has no name, and its sender no organisation.
    public init() {}

    /// What names tell, found for the request.
    public init(_ identity: NamedIdentity) {
        hasGenericName = identity.host == .holdsAddress || identity.host == .dialUp
        isProvenByName = identity.proof.isProven
        organisation = identity.readOrganisations { _, sender in
            guard let sender else { return [] }
            return sender.indices.map { sender[$0] }
        }
    }

    /// Takes note of what a list says: the addresses in its answer, none where it doesn't have the client, can't be asked or
    /// gave no answer in time.
    public mutating func note(_ addresses: some Sequence<UInt32>, of zone: DNSList.Zone) {
        answers[zone] = addresses.filter(DNSList.Answers.isAnswer)
    }

    /// Whether something is so; nil where that isn't known.
    ///
    /// An identity is asked of SPF only where the sender's organisation is that one, and its name doesn't prove it.
    func holds(_ fact: Condition.Fact) -> Bool? {
        switch fact {
        case .genericName: return hasGenericName
        case .proof(.name): return isProvenByName && !organisation.isEmpty
        case .identity(let domain):
            guard domain.isWritten(organisation) else { return false }
            return isProvenByName ? true : holds(.proof(.spf))
        case .proof(.spf):
            guard !organisation.isEmpty else { return false }
            switch spf {
            case .unknown: return nil
            case .unavailable: return false
            case .known(_, let isProof): return isProof
            }
        case .spf(let result):
            switch spf {
            case .unknown: return nil
            case .unavailable: return false
            case .known(let known, _): return known == result
            }
        case .listed(let list):
            return answers[list.zone].map { $0.contains(where: list.answers.match) }
        }
    }
}

/// What has to be found out of a client before a whitelist can decide, to be asked all at once.
public struct FactNeeds: Sendable, Equatable {
    /// Whether SPF has to be asked.
    public internal(set) var spf = false
    /// The lists that have to be asked for the client's address (`DNSList.Zone.name(of:)`), each once.
    public internal(set) var lists: [DNSList.Zone] = []
}
