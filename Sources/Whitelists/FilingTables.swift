import Greylist
import Policy

/// Where entries are filed, a table for each kind of key.
struct FilingTables: Sendable {
    /// The tables while they are filled.
    struct Draft {
        fileprivate var clients = NetworkTable()
        fileprivate var clientNames = DomainTable()
        fileprivate var heloNames = DomainTable()
        fileprivate var senders = AddressTable()
        fileprivate var senderDomains = DomainTable()
        fileprivate var recipients = AddressTable()
        fileprivate var recipientDomains = DomainTable()
        fileprivate var patterns: [Condition.Subject: PatternTable.Draft] = [:]

        mutating func file(_ number: Int, under key: FilingKey) {
            switch key {
            case .client(let network): clients.add(network, number: number)
            case .clientName(let domain): clientNames.add(domain, number: number)
            case .heloName(let domain): heloNames.add(domain, number: number)
            case .sender(let literal): senders.add(literal, number: number)
            case .senderDomain(let domain): senderDomains.add(domain, number: number)
            case .recipient(let literal): recipients.add(literal, number: number)
            case .recipientDomain(let domain): recipientDomains.add(domain, number: number)
            case .pattern(let subject, let pattern): patterns[subject, default: .init()].file(number, under: pattern)
            }
        }

        /// How many entries are filed under a key.
        func count(under key: FilingKey) -> Int {
            switch key {
            case .client(let network): clients.count(of: network)
            case .clientName(let domain): clientNames.count(of: domain)
            case .heloName(let domain): heloNames.count(of: domain)
            case .sender(let literal): senders.count(of: literal)
            case .senderDomain(let domain): senderDomains.count(of: domain)
            case .recipient(let literal): recipients.count(of: literal)
            case .recipientDomain(let domain): recipientDomains.count(of: domain)
            case .pattern: 0
            }
        }

        /// Sees to it that the pattern is compiled, be it filed under or not.
        mutating func note(_ pattern: TextPattern, of subject: Condition.Subject) {
            patterns[subject, default: .init()].note(pattern)
        }
    }

    private let filed: Draft
    /// The compiled regular expressions.
    let patterns: Patterns

    typealias Patterns = [Condition.Subject: PatternTable]

    init(_ draft: Draft) {
        patterns = draft.patterns.mapValues(PatternTable.init)
        filed = draft
    }

    /// The lowest accepted number among the entries under whose keys the request falls.
    func first(_ request: PolicyRequest, _ envelope: Envelope, where accepts: (Int) -> Bool) -> Int? {
        var best = Int.max
        func note(_ number: Int?) {
            if let number { best = number }
        }
        note(filed.clients.first(envelope.client, below: best, where: accepts))
        request.read(.clientName) { note(filed.clientNames.first($0, below: best, where: accepts)) }
        request.read(.heloName) { note(filed.heloNames.first($0, below: best, where: accepts)) }
        if !filed.recipients.isEmpty {
            envelope.readRecipient { note(filed.recipients.first(whole: $0, plain: $1, below: best, where: accepts)) }
        }
        if !filed.senders.isEmpty {
            envelope.readSender { note(filed.senders.first(whole: $0, plain: $1, below: best, where: accepts)) }
        }
        request.read(.recipient) {
            note(filed.recipientDomains.first($0.extracting($0.domain), below: best, where: accepts))
        }
        request.read(.sender) { note(filed.senderDomains.first($0.extracting($0.domain), below: best, where: accepts)) }
        for (subject, table) in patterns where table.isFiledUnder {
            request.read(subject: subject) { note(table.first($0, below: best, where: accepts)) }
        }
        return best < Int.max ? best : nil
    }
}

extension PolicyRequest {
    /// Hands over the text in which a regular expression is looked for.
    func read<Result>(subject: Condition.Subject, _ body: (Span<UInt8>) -> Result) -> Result {
        switch subject {
        case .clientName: read(.clientName, body)
        case .heloName: read(.heloName, body)
        case .sender: read(.sender, body)
        case .recipient: read(.recipient, body)
        case .attribute(let name): read(named: name, body)
        }
    }
}

extension Span<UInt8> {
    /// The place of what follows the last `@`; empty where there is none.
    var domain: Range<Int> {
        Swift.min(localPart.upperBound + 1, count)..<count
    }
}
