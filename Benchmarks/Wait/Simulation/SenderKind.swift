/// The kinds of senders of the trace.
package enum SenderKind: String, CaseIterable, Sendable {
    /// One address of each family.
    case host = "one host"
    /// 60 addresses in one /24 and as many in one /64.
    case network = "pool in one /24"
    /// 60 addresses over 12 networks, whose names are of one domain; nothing is published.
    case namedPool = "pool, names, no SPF"
    /// Such a pool without names, in the record of the sender's domain.
    case provenPool = "pool, SPF, no names"
    /// Such pools as they come: some without names, some without a record.
    case mixedPool = "pool, some names, some SPF"
    /// Such pools with a sender address of its own for each mail.
    case service = "mailing service"
    /// The same, where the recipient asks for another code after a while: another mail, from another sender address.
    case codes = "one-time codes"
    /// A bot that tries once.
    case botOnce = "bot, one try"
    /// Bots that share a list of mails: each try comes from another one, under a forged sender.
    case bots = "bots in turn"
    /// Such bots with a domain of their own, whose record says `+all`.
    case openRecord = "bots, +all"
    /// The same with the two halves of all addresses.
    case halves = "bots, /1 pair"
    /// The same with `ptr`, which their provider's names match.
    case pointers = "bots, ptr"
    /// Bots whose names their provider made of the addresses.
    case genericNames = "bots, generic names"

    /// Whether its mail must never pass.
    package var isBot: Bool {
        switch self {
        case .host, .network, .namedPool, .provenPool, .mixedPool, .service, .codes: false
        case .botOnce, .bots, .openRecord, .halves, .pointers, .genericNames: true
        }
    }

    /// Whether its mail comes from several networks, each from one sender address.
    var isPool: Bool { self == .namedPool || self == .provenPool || self == .mixedPool }

    /// A try of a mail.
    struct Try: Sendable {
        /// When it is, in seconds after the first attempt.
        let offset: Int64
        /// Which of the mail's sender addresses it has.
        let sender: Int
    }

    /// After how long a recipient asks for another code, in seconds.
    private static let patience: Int64 = 150

    /// All tries of a mail until the sender gives up.
    func tries(_ schedule: RetrySchedule) -> [Try] {
        let first = schedule.tries.map { Try(offset: $0, sender: 0) }
        switch self {
        case .host, .network, .namedPool, .provenPool, .mixedPool, .service: return first
        case .codes:
            let second = schedule.tries.map { Try(offset: $0 + Self.patience, sender: 1) }
            return (first + second).sorted { ($0.offset, $0.sender) < ($1.offset, $1.sender) }
        case .botOnce: return Array(first.prefix(1))
        case .bots, .openRecord, .halves, .pointers, .genericNames:
            return schedule.published.map { Try(offset: $0, sender: 0) }
        }
    }
}
