import Greylist
import Policy

/// The index of the entries, a table for each kind of key.
struct IndexTables: Sendable {
    /// The tables while they are filled.
    struct Draft {
        fileprivate var clients = NetworkTable.Draft()
        fileprivate var clientNames = DomainTable.Draft()
        fileprivate var heloNames = DomainTable.Draft()
        fileprivate var senders = AddressTable.Draft()
        fileprivate var senderDomains = DomainTable.Draft()
        fileprivate var recipients = AddressTable.Draft()
        fileprivate var recipientDomains = DomainTable.Draft()
        fileprivate var patterns: [Condition.Subject: PatternTable.Draft] = [:]

        mutating func index(_ number: Int, by key: IndexKey) {
            switch key {
            case .client(let network): clients.add(network, number: number)
            case .clientName(let domain): clientNames.add(domain, number: number)
            case .heloName(let domain): heloNames.add(domain, number: number)
            case .sender(let literal): senders.add(literal, number: number)
            case .senderDomain(let domain): senderDomains.add(domain, number: number)
            case .recipient(let literal): recipients.add(literal, number: number)
            case .recipientDomain(let domain): recipientDomains.add(domain, number: number)
            case .pattern(let subject, let pattern): patterns[subject, default: .init()].index(number, by: pattern)
            }
        }

        /// Sees to it that the pattern is compiled, whether an entry is indexed by it or not.
        mutating func note(_ pattern: TextPattern, of subject: Condition.Subject) {
            patterns[subject, default: .init()].note(pattern)
        }
    }

    private let clients: NetworkTable
    private let clientNames: DomainTable
    private let heloNames: DomainTable
    private let senders: AddressTable
    private let senderDomains: DomainTable
    private let recipients: AddressTable
    private let recipientDomains: DomainTable
    /// The compiled regular expressions.
    let patterns: Patterns

    typealias Patterns = [Condition.Subject: PatternTable]

    /// The tables of a draft, which is empty afterwards: of each there is only one at a time in memory.
    init(emptying draft: inout Draft) {
        clients = Self.finish(&draft.clients, .init(), NetworkTable.init)
        clientNames = Self.finish(&draft.clientNames, .init(), DomainTable.init)
        heloNames = Self.finish(&draft.heloNames, .init(), DomainTable.init)
        senders = Self.finish(&draft.senders, .init(), AddressTable.init)
        senderDomains = Self.finish(&draft.senderDomains, .init(), DomainTable.init)
        recipients = Self.finish(&draft.recipients, .init(), AddressTable.init)
        recipientDomains = Self.finish(&draft.recipientDomains, .init(), DomainTable.init)
        patterns = draft.patterns.mapValues(PatternTable.init)
    }

    private static func finish<Draft, Table>(_ draft: inout Draft, _ empty: Draft, _ finish: (Draft) -> Table) -> Table
    {
        let table = finish(draft)
        draft = empty
        return table
    }

    /// The lowest accepted number below `limit` among the entries whose keys the request has, else `limit`.
    func first(
        _ request: PolicyRequest, _ envelope: Envelope, below limit: Int, where accepts: (Int) -> Bool
    ) -> Int {
        var best = clients.first(envelope.client, below: limit, where: accepts)
        if envelope.client != envelope.sentClient {
            best = clients.first(envelope.sentClient, below: best, where: accepts)
        }
        if !clientNames.isEmpty {
            best = request.readClientName { clientNames.first($0, below: best, where: accepts) }
        }
        if !heloNames.isEmpty {
            best = request.read(.heloName) { heloNames.first($0, below: best, where: accepts) }
        }
        if !recipients.isEmpty {
            best = envelope.readRecipient { recipients.first(whole: $0, plain: $1, below: best, where: accepts) }
        }
        if !senders.isEmpty {
            best = envelope.readSender { senders.first(whole: $0, plain: $1, below: best, where: accepts) }
        }
        if !recipientDomains.isEmpty {
            best = request.read(.recipient) {
                recipientDomains.first($0.extracting($0.domain), below: best, where: accepts)
            }
        }
        if !senderDomains.isEmpty {
            best = request.read(.sender) { senderDomains.first($0.extracting($0.domain), below: best, where: accepts) }
        }
        for (subject, table) in patterns where table.isIndexed {
            best = request.read(subject: subject) { table.first($0, below: best, where: accepts) }
        }
        return best
    }
}

extension PolicyRequest {
    /// Hands over the text that a condition looks at: an address without the dot that may end its domain, no name of the client
    /// as `unknown`.
    func read<Result>(subject: Condition.Subject, _ body: (Span<UInt8>) -> Result) -> Result {
        switch subject {
        case .clientName, .attribute("client_name"): readClientName(body)
        case .heloName: read(.heloName, body)
        case .sender, .attribute("sender"): read(.sender) { body($0.extracting(0..<$0.countWithoutRootDot)) }
        case .recipient, .attribute("recipient"): read(.recipient) { body($0.extracting(0..<$0.countWithoutRootDot)) }
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
