import Bytes
public import Domains
public import Greylist
import SPF

/// An attempt to send, as it is looked at: who sends what to whom, and who that is.
///
/// One value is made for an event loop and filled anew for each request, so that its storage is used again and a request
/// allocates nothing.
public struct Attempt: Sendable {
    /// Who sends what to whom.
    public var envelope = Envelope()
    /// Who the client is, as far as names tell.
    public internal(set) var identity = NamedIdentity()
    /// Whose records lately said that a client isn't theirs.
    var contradictions = Contradictions()
    /// When organisations were credited with a day.
    var creditMoments = RecentMoments(seconds: 3_600)
    /// When the DNS was asked about the senders of mail that had passed.
    var questionMoments = RecentMoments(seconds: 86_400)
    /// The domains of recipients.
    var ownDomains = RecentDomains()
    /// Which organisations may not be recognised by themselves.
    var pendingNetworks: PendingNetworks
    private var folded: [UInt8] = []

    /// One that is nobody's, where there is one event loop.
    public init() {
        self.init(loops: 1)
    }

    /// One of so many event loops', that is nobody's.
    public init(loops: Int) {
        pendingNetworks = PendingNetworks(loops: loops)
    }

    /// The organisation of the domain that stands for the sender; nil where none does.
    var senderOrganisation: [UInt8]? {
        identity.readOrganisations { _, sender in
            if let sender { Array(copying: sender) } else { nil }
        }
    }

    /// Hands over the alias by which mail of the sender's organisation to the recipient is known; nil without one.
    ///
    /// Only after the keys were read.
    mutating func readOrganisationAlias<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
        folded.removeAll(keepingCapacity: true)
        if identity.isShared {
            envelope.readSender { sender, _ in
                envelope.readRecipient { recipient, _ in
                    identity.appendFoldedSender(sender, recipient: recipient, to: &folded)
                }
            }
        }
        let sharer = folded
        return identity.readOrganisations { _, sender in
            guard let sender else { return nil }
            if sharer.isEmpty { return envelope.readAlias(ofOrganisation: sender, body) }
            return envelope.readAlias(ofOrganisation: sender, sharedBy: sharer.span, body)
        }
    }
}

/// Clients of which the record of a domain said that they may not send for it (SPF `fail` and `softfail`).
///
/// A name then doesn't prove that domain, whatever it is. Bounded; an entry holds for an hour.
struct Contradictions: Sendable {
    private static let limit = 4_096
    private static let lifetime: Int64 = 3_600

    private struct Pair: Hashable {
        let client: Address
        let domain: [UInt8]
    }

    /// Since when.
    private var pairs: [Pair: Timestamp] = [:]

    /// Whether one is known of the client and that domain, in lower case.
    func contains(_ client: Address, _ domain: Span<UInt8>, at now: Timestamp) -> Bool {
        guard !pairs.isEmpty, let noted = pairs[Pair(client: client, domain: Array(copying: domain))] else {
            return false
        }
        return now.since(noted) <= Self.lifetime
    }

    /// Takes note of what the domain's record says of the client.
    mutating func note(_ outcome: SPFOutcome, of client: Address, at now: Timestamp) {
        let pair = Pair(client: client, domain: outcome.domain)
        guard outcome.result == .fail || outcome.result == .softfail else {
            if !pairs.isEmpty { pairs[pair] = nil }
            return
        }
        if pairs.count >= Self.limit {
            pairs = pairs.filter { now.since($0.value) <= Self.lifetime }
            if pairs.count >= Self.limit { pairs.removeAll(keepingCapacity: true) }
        }
        pairs[pair] = now
    }
}

/// When something was last done for an organisation, so that it isn't done for each mail.
///
/// Bounded; where it is full everything is forgotten, and done once more.
struct RecentMoments: Sendable {
    private static let limit = 4_096

    private let seconds: Int64
    private var moments: [[UInt8]: Timestamp] = [:]

    /// Nothing was done.
    ///
    /// - Parameter seconds: how long it isn't done again
    init(seconds: Int64) {
        self.seconds = seconds
    }

    /// Whether it is to be done once more; then it counts as done.
    mutating func isDue(_ organisation: [UInt8], at now: Timestamp) -> Bool {
        if let last = moments[organisation], last <= now, now.since(last) < seconds { return false }
        if moments.count >= Self.limit { moments.removeAll(keepingCapacity: true) }
        moments[organisation] = now
        return true
    }
}

/// The domains that mail came for lately, so that each is told of once in a while and not each time.
struct RecentDomains: Sendable {
    private static let count = 256

    /// By the last bits of their hashes.
    private var hashes = [Int](repeating: 0, count: Self.count)

    /// The domain in lower case, where it isn't known; from now on it is.
    mutating func takeNew(_ domain: Span<UInt8>) -> [UInt8]? {
        // FNV-1a: a collision tells of a domain too late, or twice.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in domain.indices { hash = (hash ^ UInt64(domain[index].lowercased)) &* 0x100_0000_01b3 }
        let mark = Int(truncatingIfNeeded: hash) | 1
        let slot = Int(truncatingIfNeeded: hash >> 32) & (Self.count - 1)
        if hashes[slot] == mark { return nil }
        hashes[slot] = mark
        var name: [UInt8] = []
        for index in domain.indices { name.append(domain[index].lowercased) }
        return name
    }
}

extension [UInt8] {
    /// The bytes of a span.
    init(copying bytes: Span<UInt8>) {
        self.init()
        reserveCapacity(bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }
}
