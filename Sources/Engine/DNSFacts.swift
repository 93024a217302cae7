public import SPF
public import Whitelists

/// What has to be asked of the DNS before the whitelists can decide about a request; all of it at once.
public struct FactQuestion: Sendable {
    /// Whether the client may send for the domain; nil where that makes no difference.
    public let sender: SenderQuestion?
    /// What lists say of the client: each with the question to it.
    public let lists: [(zone: DNSList.Zone, question: DNSQuestion)]
}

/// What the DNS said of a client when the whitelists needed it; what isn't here didn't come in time, and isn't so.
public struct DNSFacts: Sendable {
    /// Whether the client's right to send for the domain was asked for.
    public let asksSPF: Bool
    /// What was said of it.
    public var spf: SPFOutcome?
    /// What lists said, by their zones.
    public var lists: [DNSList.Zone: DNSAnswer] = [:]
    /// How long the request has waited for it.
    public var milliseconds = 0

    /// Nothing yet.
    public init(for question: FactQuestion) {
        asksSPF = question.sender != nil
        for list in question.lists { lists[list.zone] = .temporaryError }
    }
}

extension ClientFacts {
    /// Takes note of what the DNS said.
    mutating func note(_ facts: DNSFacts) {
        spf = .unavailable
        if let outcome = facts.spf, let result = Condition.SPFResult(rawValue: outcome.result.rawValue) {
            spf = .known(result, isProof: outcome.isProof)
        }
        for (zone, answer) in facts.lists {
            var addresses: [UInt32] = []
            if case .addresses(let found) = answer {
                addresses = found.compactMap { if case .ipv4(let value) = $0 { value } else { nil } }
            }
            note(addresses, of: zone)
        }
    }
}
