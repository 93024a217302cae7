import Greylist
import Policy

extension Condition {
    /// Whether it holds for a request; `patterns` are the compiled ones of its source.
    func holds(for request: PolicyRequest, _ envelope: Envelope, _ patterns: IndexTables.Patterns) -> Bool {
        switch self {
        case .client(let network): network.holds(envelope.client) || network.holds(envelope.sentClient)
        case .clientName(let domain): request.readClientName(domain.holds)
        case .heloName(let domain): request.read(.heloName, domain.holds)
        case .sender(let literal): envelope.readSender(literal.names)
        case .senderDomain(let domain): request.read(.sender) { domain.holds($0.extracting($0.domain)) }
        case .recipient(let literal): envelope.readRecipient(literal.names)
        case .recipientDomain(let domain): request.read(.recipient) { domain.holds($0.extracting($0.domain)) }
        case .pattern(let subject, let pattern):
            request.read(subject: subject) { patterns[subject]?.matches(pattern, $0) ?? false }
        case .attribute(let name, let value): request.read(subject: .attribute(name)) { $0.equalsIgnoringCase(value) }
        case .all(let parts): parts.allSatisfy { $0.holds(for: request, envelope, patterns) }
        case .any(let parts): parts.contains { $0.holds(for: request, envelope, patterns) }
        case .not(let part): !part.holds(for: request, envelope, patterns)
        }
    }
}

extension Span<UInt8> {
    /// Whether these are the bytes of a text, but for the case of letters.
    fileprivate func equalsIgnoringCase(_ text: String) -> Bool {
        guard count == text.utf8.count else { return false }
        var index = 0
        for byte in text.utf8 {
            guard self[index].lowercased == byte.lowercased else { return false }
            index += 1
        }
        return true
    }
}
