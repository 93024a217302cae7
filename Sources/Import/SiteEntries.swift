public import Greylist
public import Storage
public import Whitelists

/// Makes a site's own entries of imported ones: what its daemon would have under its keys.
///
/// Clients are cut by the site's masks, senders cleaned and recipients folded as those of a request are. Everything follows
/// from the entries and the site, so that the same import gives the same again, and a store that merges it stays as it is.
public struct SiteEntries: Sendable {
    /// What becomes of an imported entry.
    public enum Placement: Sendable, Equatable {
        /// It goes into that table.
        case entry(Entry, Table)
        /// It goes into a whitelist.
        case whitelist(WhitelistEntry)
        /// It is counted, and comes with `takeCounted`.
        case counted
        /// It can't be one of this site's.
        case leftOut(LeftOutReason)
    }

    private let masks: PrefixLengths
    private let clientMasks: PrefixLengths
    private let foldsRecipient: Bool
    private let keys: KeyScheme
    private let keepsPostgreyDigests: Bool
    private let mostCounted: Int
    private var envelope = Envelope()
    private var text: [UInt8] = []
    private var counted: [Network: Sighting] = [:]

    /// What the settings of a site say.
    ///
    /// - Parameters:
    ///   - masks: how much of a client's address counts
    ///   - countsAddresses: whether the auto-whitelist knows clients by their whole addresses
    ///   - foldsRecipient: whether keys know the recipient without its extension
    ///   - keys: how keys are made
    ///   - keepsPostgreyDigests: whether requests are looked up by postgrey's digests, too
    ///   - mostCounted: how many clients are counted at the same time before `isFull`
    public init(
        masks: PrefixLengths, countsAddresses: Bool = false, foldsRecipient: Bool, keys: KeyScheme,
        keepsPostgreyDigests: Bool = false, mostCounted: Int = 1_000_000
    ) {
        self.masks = masks
        clientMasks =
            countsAddresses ? PrefixLengths(ipv4: 32, ipv6: 128, nat64Prefixes: masks.nat64Prefixes) : masks
        self.foldsRecipient = foldsRecipient
        self.keys = keys
        self.keepsPostgreyDigests = keepsPostgreyDigests
        self.mostCounted = mostCounted
    }

    /// Whether `takeCounted` is to be called before more entries are placed, so that memory stays bounded.
    ///
    /// A client that comes again afterwards is counted from 0, and the larger count stands.
    public var isFull: Bool { counted.count >= mostCounted }

    /// Says where an entry goes.
    public mutating func place(_ entry: ImportedEntry) -> Placement {
        switch entry {
        case .triplet(let triplet): place(triplet)
        case .client(let client): place(client)
        case .digest(let digest): place(digest)
        case .whitelist(let entry): .whitelist(entry)
        }
    }

    /// Hands over the clients that were counted entry by entry, and forgets them.
    public mutating func takeCounted() -> [Entry] {
        defer { counted.removeAll(keepingCapacity: false) }
        return counted.map { network, sighting in Entry(key: key(of: network), sighting: sighting) }
    }

    private mutating func place(_ triplet: ImportedTriplet) -> Placement {
        guard site(triplet.client, masks) != nil else { return .leftOut(.widerNetwork) }
        var text: [UInt8] = []
        swap(&text, &self.text)
        defer { swap(&text, &self.text) }
        text.removeAll(keepingCapacity: true)
        text.append(triplet.client.address)
        guard
            envelope.address(
                client: text.span, sender: triplet.sender.span, recipient: triplet.recipient.span, masks: masks,
                foldsRecipient: foldsRecipient)
        else { return .leftOut(.address) }
        let keys = keys
        let key = envelope.readKeys { triplet, _, _, _ in keys.key(triplet) }
        return .entry(Entry(key: key, sighting: triplet.times.sighting), .greylist)
    }

    private mutating func place(_ client: ImportedClient) -> Placement {
        guard let network = site(client.client, clientMasks) else { return .leftOut(.widerNetwork) }
        switch client.count {
        case .total(let count):
            // A client that was never let through is none.
            guard count > 0 else { return .leftOut(.noEquivalent) }
            let sighting = Sighting(passes: count, first: client.first, last: client.last)
            return .entry(Entry(key: key(of: network), sighting: sighting), .autoWhitelist)
        case .one:
            let sighting = Sighting(passes: 1, first: client.first, last: client.last)
            guard let known = counted[network] else {
                counted[network] = sighting
                return .counted
            }
            var sum = known.merged(with: sighting)
            sum.passes = known.passes == .max ? known.passes : known.passes + 1
            counted[network] = sum
            return .counted
        }
    }

    /// As it is: no key of ours can be made of it.
    private func place(_ digest: ImportedDigest) -> Placement {
        guard keepsPostgreyDigests else { return .leftOut(.digest) }
        guard digest.table == .greylist || digest.sighting.passes > 0 else { return .leftOut(.noEquivalent) }
        return .entry(Entry(key: .digest(digest.digest), sighting: digest.sighting), digest.table)
    }

    private func key(of network: Network) -> Key {
        network.withText { keys.key($0) }
    }

    /// The site's network in which all of a client's addresses are; nil where it is too wide for that.
    ///
    /// Both ends are looked at, since an address may carry another one. `::/64` has such addresses in its midst: there
    /// postgrey has all that map an IPv4 address.
    private func site(_ client: Network, _ masks: PrefixLengths) -> Network? {
        let first = network(of: client.address, masks)
        guard client.prefixLength < client.address.family.rawValue else { return first }
        let hasMapped = client.address.family == .ipv6 && client.prefixLength < 96 && client.address.bits >> 64 == 0
        return !hasMapped && first == network(of: client.lastAddress, masks) ? first : nil
    }

    private func network(of address: Address, _ masks: PrefixLengths) -> Network {
        masks.network(of: address.unwrapped(for: .keys, through: masks.nat64Prefixes))
    }
}
