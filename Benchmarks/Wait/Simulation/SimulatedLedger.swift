import Engine
import Greylist
import Policy
import Storage

/// The table of identities of a site, and the events that are to be written to it.
struct SimulatedLedger {
    /// What a login and all of them together teach in a day.
    static let bounds = IdentityUpdate.Bounds(perUser: 500, perSite: 50_000)
    /// How long events wait for others, in seconds.
    private static let breath: Int64 = 1

    private let store: MemoryStore
    private let options: PolicyEngine.Options
    private var tally = IdentityUpdate.Tally()
    private var events: [IdentityEvent] = []
    private var ownDomains: Set<[UInt8]> = []
    /// When the first of the events came.
    private var since: Timestamp?

    init(_ store: MemoryStore, _ options: PolicyEngine.Options) {
        (self.store, self.options) = (store, options)
    }

    /// How many correspondences were one too many.
    var refused: Int { tally.refused.reduce(0, +) }

    /// Takes note of something that is to be remembered.
    mutating func take(_ event: IdentityEvent) {
        if case .wrote(let correspondence, _, _, _) = event,
            ownDomains.contains(Array(correspondence.remoteDomain))
        {
            return
        }
        events.append(event)
        if since == nil {
            switch event {
            case .accepted(_, _, let time), .wrote(_, _, _, let time): since = time
            }
        }
    }

    /// Takes note of a domain that mail came for.
    mutating func takeOwnDomain(_ domain: [UInt8]) {
        ownDomains.insert(domain)
    }

    /// Writes the events, if they have waited for others until that moment.
    mutating func write(until now: Timestamp) async throws {
        guard let since, now.since(since) >= Self.breath else { return }
        let update = IdentityUpdate(events, under: options.fastLane, keys: options.keys)
        (events, self.since) = ([], nil)
        let found = try await store.find(update.keys, in: .identity)
        let changes = update.changes(after: found, at: now, under: Self.bounds, counting: &tally)
        try await store.remove(changes.outdated, from: .identity)
        try await store.mergeIdentities(
            changes.entries, at: now, under: options.rules, ages: IdentityAges(options.fastLane))
    }

    /// How many entries the table has.
    var count: Int {
        get async throws { try await store.count(.identity) ?? 0 }
    }
}

/// A mail that leaves the site, as Postfix asks about it.
struct OutgoingPost: Sendable {
    /// When, in milliseconds since 1970.
    let time: Int64
    /// Who is logged in; nil where nobody is, and the port is that of users.
    let login: String?
    /// Empty for the null sender.
    let sender: String
    let recipient: String

    fileprivate var attributes: [String] {
        [
            "client_address=198.51.100.7", "client_name=unknown", "helo_name=laptop", "sender=\(sender)",
            "recipient=\(recipient)",
        ] + (login.map { ["sasl_username=\($0)"] } ?? ["policy_context=outgoing"])
    }

    /// The post as Postfix asks about it.
    func request() throws -> PolicyRequest { try PolicyRequest(attributes) }
}
