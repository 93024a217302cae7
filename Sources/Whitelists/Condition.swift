import Bytes
public import Greylist
import Policy

/// What must hold of a request for a whitelist entry to match.
public indirect enum Condition: Sendable, Hashable {
    /// The client's address lies in the network.
    case client(Network)
    /// The client's forward-confirmed name is in the domain.
    case clientName(Domain)
    /// The name with which the client greets is in the domain; the client may say whatever it likes.
    case heloName(Domain)
    /// The sender is that one.
    case sender(AddressLiteral)
    /// The sender's domain is in the domain.
    case senderDomain(Domain)
    /// The recipient is that one.
    case recipient(AddressLiteral)
    /// The recipient's domain is in the domain.
    case recipientDomain(Domain)
    /// A regular expression is found in the text.
    case pattern(Subject, TextPattern)
    /// The attribute has that value, whatever the case of its letters; no value and no attribute are the same.
    case attribute(name: String, value: String)
    /// That is so of the client.
    case fact(Fact)
    /// Each of them holds; never none.
    case all([Condition])
    /// One of them holds; never none.
    case any([Condition])
    /// It doesn't hold.
    case not(Condition)

    /// Which text of a request a regular expression is looked for in.
    public enum Subject: Sendable, Hashable {
        case clientName, heloName, sender, recipient
        /// The attribute of that name.
        case attribute(String)
    }
}

extension Condition {
    /// What the entry looks at first, for the reason in the log; nil where it combines conditions.
    public var kind: Kind? {
        switch self {
        case .client, .clientName, .pattern(.clientName, _), .fact: .client
        case .heloName, .pattern(.heloName, _): .helo
        case .sender, .senderDomain, .pattern(.sender, _): .sender
        case .recipient, .recipientDomain, .pattern(.recipient, _): .recipient
        case .attribute, .pattern(.attribute, _), .all, .any, .not: nil
        }
    }

    /// Who or what a simple condition is about.
    public enum Kind: UInt8, Sendable, Hashable {
        case client, helo, sender, recipient
    }

    /// The regular expressions in it, at any depth, with what they look at.
    package var patterns: [(Subject, TextPattern)] {
        switch self {
        case .pattern(let subject, let pattern): [(subject, pattern)]
        case .all(let parts), .any(let parts): parts.flatMap(\.patterns)
        case .not(let part): part.patterns
        default: []
        }
    }
}

/// What conditions cost beside their number: regular expressions, and lists in the DNS.
package struct ConditionCount: Sendable, Equatable {
    /// All regular expressions, as often as they are written.
    package private(set) var all = 0
    /// Those that are run on every text.
    package private(set) var unfiltered = 0
    /// The instructions of those.
    package private(set) var unfilteredSize = 0
    /// The lists in the DNS.
    package private(set) var zones: Set<DNSList.Zone> = []

    /// None.
    package init() {}

    /// Adds those of a condition.
    package mutating func add(_ condition: Condition) {
        for (_, pattern) in condition.patterns {
            all += 1
            guard pattern.isUnfiltered else { continue }
            unfiltered += 1
            unfilteredSize += pattern.size
        }
        for list in condition.lists { zones.insert(list.zone) }
    }

    /// Adds those of another count.
    package mutating func add(_ other: ConditionCount) {
        all += other.all
        unfiltered += other.unfiltered
        unfilteredSize += other.unfilteredSize
        zones.formUnion(other.zones)
    }
}

extension Condition {
    /// Whether it holds for a request of whose client nothing is known; `patterns` are the compiled ones of its source.
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
        case .fact: false
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
        case .fact(let fact): fact.description
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
