public import Greylist

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
        case .client, .clientName, .pattern(.clientName, _): .client
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

/// How many regular expressions there are.
package struct ExpressionCount: Sendable, Equatable {
    /// All of them, as often as they are written.
    package private(set) var all = 0
    /// Those that are run on every text.
    package private(set) var unfiltered = 0
    /// The instructions of those.
    package private(set) var unfilteredSize = 0

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
    }

    /// Adds those of another count.
    package mutating func add(_ other: ExpressionCount) {
        all += other.all
        unfiltered += other.unfiltered
        unfilteredSize += other.unfilteredSize
    }
}
