extension Condition: CustomStringConvertible {
    /// The condition in words: `the client is in 192.0.2.0/24`.
    public var description: String {
        switch self {
        case .client(let network): "the client is in \(network)"
        case .clientName(let domain): "the client's name is in \(domain)"
        case .heloName(let domain): "the HELO name is in \(domain)"
        case .sender(let literal): "the sender is \(literal)"
        case .senderDomain(let domain): "the sender's domain is in \(domain)"
        case .recipient(let literal): "the recipient is \(literal)"
        case .recipientDomain(let domain): "the recipient's domain is in \(domain)"
        case .pattern(let subject, let pattern):
            "\(subject) \(pattern.isAnchored ? "begins with" : "has") /\(pattern.text)/"
        case .attribute(let name, let value): value.isEmpty ? "\(name) is empty or missing" : "\(name) is \(value)"
        case .all(let parts): "(" + parts.map(\.description).joined(separator: " and ") + ")"
        case .any(let parts): "(" + parts.map(\.description).joined(separator: " or ") + ")"
        case .not(let part): "not (\(part))"
        }
    }
}

extension Condition.Subject: CustomStringConvertible {
    /// What it is called in a sentence.
    public var description: String {
        switch self {
        case .clientName: "the client's name"
        case .heloName: "the HELO name"
        case .sender: "the sender"
        case .recipient: "the recipient"
        case .attribute(let name): name
        }
    }
}

extension WhitelistEntry.Effect: CustomStringConvertible {
    /// What it does, in a word or three.
    public var description: String {
        switch self {
        case .pass: "pass"
        case .greylist: "greylist"
        case .delay(let seconds): "greylist for \(seconds) s"
        }
    }
}
