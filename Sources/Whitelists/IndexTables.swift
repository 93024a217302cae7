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
        case .attribute, .fact, .not: return nil
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
        case .attribute, .fact, .not: false
        default: true
        }
    }

    private static func breadth(_ keys: [IndexKey]) -> Int {
        (keys.map(\.breadth).max() ?? 0) * 1_000 + keys.count
    }
}

/// Where the records of a table lie that is filled once: those of one bucket of hashes side by side.
///
/// A look-up costs the same however many records there are: it asks memory for the place of a bucket and a filter of bits,
/// two bytes a record, and then once for the records of the bucket, or not even that where the filter says that what is
/// looked for isn't among them.
struct Buckets: Sendable {
    /// How many records a bucket has on average.
    private static let load = 4

    /// Of each bucket the filter in the upper half and the start in the lower, and behind the last one where it ends.
    private let heads: [UInt64]

    /// Arranges `count` records.
    ///
    /// - Parameters:
    ///   - hash: the hash of a record
    ///   - size: how much room it takes
    ///   - place: is told where it starts; those of a bucket keep their order
    init(count: Int, hash: (Int) -> UInt64, size: (Int) -> Int, place: (_ record: Int, _ start: Int) -> Void) {
        let bucketCount = max(1, count / Self.load)
        var heads = [UInt64](repeating: 0, count: bucketCount + 1)
        var ends = [Int](repeating: 0, count: bucketCount)
        for record in 0..<count {
            let hash = hash(record)
            let bucket = Self.bucket(hash, of: bucketCount)
            heads[bucket] |= Self.filter(hash)
            ends[bucket] += size(record)
        }
        var end = 0
        for bucket in 0..<bucketCount {
            heads[bucket] |= UInt64(UInt32(end))
            (ends[bucket], end) = (end, end + ends[bucket])
        }
        heads[bucketCount] = UInt64(UInt32(end))
        for record in 0..<count {
            let bucket = Self.bucket(hash(record), of: bucketCount)
            place(record, ends[bucket])
            ends[bucket] += size(record)
        }
        self.heads = heads
    }

    /// Where the records lie among which one with that hash is, if there is one.
    @inline(__always)
    func range(of hash: UInt64) -> Range<Int> {
        let bucket = Self.bucket(hash, of: heads.count - 1)
        let (head, filter) = (heads[bucket], Self.filter(hash))
        guard head & filter == filter else { return 0..<0 }
        return Int(UInt32(truncatingIfNeeded: head))..<Int(UInt32(truncatingIfNeeded: heads[bucket + 1]))
    }

    private static func bucket(_ hash: UInt64, of count: Int) -> Int {
        Int(hash.multipliedFullWidth(by: UInt64(count)).high)
    }

    /// Two bits of the upper half: one in twenty hashes that aren't there has both of its bits set by others.
    private static func filter(_ hash: UInt64) -> UInt64 {
        1 &<< (32 + hash & 31) | 1 &<< (32 + hash >> 5 & 31)
    }
}

extension UInt64 {
    /// A number every bit of which depends on every bit of this one.
    ///
    /// Tables are filled from the administrator's lists, so no sender can make them degenerate.
    @inline(__always)
    var mixed: UInt64 {
        let product = (self ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
        return product.high ^ product.low
    }
}
