import Bytes

/// Who asks to send to whom, as greylisting and whitelists look at it.
///
/// One value is made for an event loop and addressed anew for each request, so that its storage is used again and a
/// request allocates nothing.
public struct Envelope: Sendable {
    /// The address of the client; where a translator sent that of an IPv4 host, the host's.
    public private(set) var client = Address(ipv4: 0)
    /// The address of the client as it was sent.
    public private(set) var sentClient = Address(ipv4: 0)
    /// The client's network, by which triplets and the auto-whitelist know it.
    public private(set) var network = Network(Address(ipv4: 0), prefixLength: 32)

    /// What earlier versions took for the client's network.
    private var legacyNetwork = Network(Address(ipv4: 0), prefixLength: 32)
    private var foldsRecipient = false
    private var mailboxes = Mailboxes()
    private var keys = KeyTexts()
    private var postgreyTexts = PostgreyTexts()

    /// An envelope without an address.
    public init() {}

    /// Addresses the envelope; false where the client's address can't be read (the envelope is then of no use).
    ///
    /// - Parameters:
    ///   - client: the text of `client_address`, bare or as an address literal
    ///   - sender: any bytes; none for the null sender
    ///   - recipient: any bytes
    ///   - masks: how much of the client's address counts
    ///   - foldsRecipient: whether keys know the recipient without its extension
    public mutating func address(
        client: Span<UInt8>, sender: Span<UInt8>, recipient: Span<UInt8>, masks: PrefixLengths,
        foldsRecipient: Bool = false
    ) -> Bool {
        guard let address = Address(client: client) else { return false }
        sentClient = address
        self.client = address.unwrapped(for: .whitelists, through: masks.nat64Prefixes)
        network = masks.network(of: address.unwrapped(for: .keys, through: masks.nat64Prefixes))
        legacyNetwork = masks.network(of: address)
        self.foldsRecipient = foldsRecipient
        mailboxes.write(sender: sender, recipient: recipient)
        return true
    }

    /// Hands over the texts of the keys under which a store knows the envelope.
    ///
    /// They are made here, since a request that a whitelist decides needs none. `body` gets
    /// - `triplet`: the greylist key, `192.0.2.0/24/sender@example.org/user@example.com` in lower case, the sender without
    ///   what changes from one message to the next
    /// - `firstLegacy`, `secondLegacy`: other keys under which earlier versions or settings kept the triplet, in the order in
    ///   which they are looked up: that of the last version, that of TPRT 0.9.3, and that with the recipient's extension; nil
    ///   where there are not so many
    /// - `network`: the auto-whitelist key, `192.0.2.0/24`
    public mutating func readKeys<Result>(
        _ body: (
            _ triplet: Span<UInt8>, _ firstLegacy: Span<UInt8>?, _ secondLegacy: Span<UInt8>?, _ network: Span<UInt8>
        ) -> Result
    ) -> Result {
        keys.write(network, formerly: legacyNetwork, mailboxes, foldsRecipient: foldsRecipient)
        return keys.read(body)
    }

    /// Hands over the text by which the triplet is known wherever a host of an organisation comes from:
    /// `ptr:example.net/sender@example.org/user@example.com`.
    ///
    /// Only after `readKeys`, from whose texts it is made.
    ///
    /// - Parameter organisation: in lower case and A-labels
    public mutating func readAlias<Result>(
        ofHost organisation: Span<UInt8>, _ body: (_ alias: Span<UInt8>) -> Result
    ) -> Result {
        keys.readAlias(ofHost: organisation, body)
    }

    /// Hands over the text by which the mail of a proven organisation to the recipient is known, whatever its sender:
    /// `org:example.org/user@example.com`.
    ///
    /// Only after `readKeys`, from whose texts it is made.
    ///
    /// - Parameters:
    ///   - organisation: in lower case and A-labels
    ///   - sender: the folded one, where senders that have nothing to do with each other share the organisation
    public mutating func readAlias<Result>(
        ofOrganisation organisation: Span<UInt8>, sharedBy sender: Span<UInt8>? = nil,
        _ body: (_ alias: Span<UInt8>) -> Result
    ) -> Result {
        keys.readAlias(ofOrganisation: organisation, sharedBy: sender, body)
    }

    /// Hands over the texts whose SHA-1 postgrey has as keys of the triplet and of the client with `--privacy`.
    public mutating func readPostgreyTexts<Result>(
        _ form: PostgreyKeyForm, _ body: (_ triplet: Span<UInt8>, _ client: Span<UInt8>) -> Result
    ) -> Result {
        postgreyTexts.write(form, sentClient, mailboxes)
        return postgreyTexts.read(body)
    }

    /// Hands over the recipient in lower case: whole, and plain, without its extension and never without an `@`.
    package func readRecipient<Result>(_ body: (_ whole: Span<UInt8>, _ plain: Span<UInt8>) -> Result) -> Result {
        mailboxes.read(mailboxes.recipient, body)
    }

    /// Hands over the sender in lower case, whole and plain like the recipient; it is not cleaned.
    package func readSender<Result>(_ body: (_ whole: Span<UInt8>, _ plain: Span<UInt8>) -> Result) -> Result {
        mailboxes.read(mailboxes.sender, body)
    }
}

/// How many bits of a client's address make the network by which it is known.
public struct PrefixLengths: Sendable, Equatable {
    /// Prefix length for IPv4 clients.
    public var ipv4: Int
    /// Prefix length for IPv6 clients.
    public var ipv6: Int
    /// The site's own translators, behind which clients are IPv4 hosts; the longest prefix first.
    public let nat64Prefixes: [NAT64Prefix]

    /// Masks of these lengths.
    public init(ipv4: Int, ipv6: Int, nat64Prefixes: [NAT64Prefix]) {
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        self.nat64Prefixes = nat64Prefixes.sorted { $0.length > $1.length }
    }

    /// The network of that address.
    public func network(of address: Address) -> Network {
        Network(address, prefixLength: address.family == .ipv4 ? ipv4 : ipv6)
    }
}

/// The addresses of an envelope in lower case, as whitelists ask for them and keys are made of them.
struct Mailboxes: Sendable {
    /// Where one address lies in `bytes`.
    struct Place: Sendable {
        /// As it was sent.
        var sent = 0..<0
        /// Without the dot that may end its domain.
        var whole = 0..<0
        /// Without that and the extension, and never without an `@`.
        var plain = 0..<0
        /// How long the part before the last `@` is; all of it where there is none.
        var localCount = 0
    }

    private var bytes: [UInt8] = []
    private(set) var sender = Place()
    private(set) var recipient = Place()

    /// Takes up two addresses in the place of those before.
    mutating func write(sender: Span<UInt8>, recipient: Span<UInt8>) {
        bytes.removeAll(keepingCapacity: true)
        // Each of them twice, and an `@` for each plain one.
        bytes.append(addingCapacity: 2 * (sender.count + recipient.count) + 2) { text in
            self.sender = text.append(mailbox: sender)
            self.recipient = text.append(mailbox: recipient)
        }
    }

    /// Hands over the text in which both addresses lie.
    @inline(__always)
    func read<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span)
    }

    /// Hands over the texts of an address.
    @inline(__always)
    func read<Result>(_ place: Place, _ body: (_ whole: Span<UInt8>, _ plain: Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(place.whole), bytes.span.extracting(place.plain))
    }
}

extension OutputSpan<UInt8> {
    fileprivate mutating func append(mailbox sent: Span<UInt8>) -> Mailboxes.Place {
        let start = count
        append(lowercasing: sent)
        let address = sent.extracting(0..<sent.countWithoutRootDot)
        let whole = start..<start + address.count
        var place = Mailboxes.Place(
            sent: start..<count, whole: whole, plain: whole, localCount: address.localPart.count)
        let local = 0..<place.localCount
        let plus = address.firstIndex(of: UInt8(ascii: "+"), in: local)
        let hasDomain = local.count < address.count
        if plus == nil, hasDomain { return place }
        let plainStart = count
        append(lowercasing: address.extracting(0..<(plus ?? local.upperBound)))
        if hasDomain {
            append(lowercasing: address.extracting(local.upperBound..<address.count))
        } else {
            append(UInt8(ascii: "@"))
        }
        place.plain = plainStart..<count
        return place
    }
}
