/// Who asks to send to whom, as greylisting and whitelists look at it.
///
/// One value is made for an event loop and addressed anew for each request, so that its storage is used again and a
/// request allocates nothing.
public struct Envelope: Sendable {
    /// The address of the client.
    public private(set) var client = Address(ipv4: 0)
    /// The client's network, by which triplets and the auto-whitelist know it.
    public private(set) var network = Network(Address(ipv4: 0), prefixLength: 32)

    private var mailboxes = Mailboxes()
    private var keys = KeyTexts()

    /// An envelope without an address.
    public init() {}

    /// Addresses the envelope; false where the client's address can't be read (the envelope is then of no use).
    ///
    /// - Parameters:
    ///   - client: the text of `client_address`
    ///   - sender: any bytes; none for the null sender
    ///   - recipient: any bytes
    ///   - masks: how much of the client's address counts
    public mutating func address(
        client: Span<UInt8>, sender: Span<UInt8>, recipient: Span<UInt8>, masks: ClientMasks
    ) -> Bool {
        guard let address = Address(parsing: client) else { return false }
        self.client = address
        network = masks.network(of: address)
        mailboxes.write(sender: sender, recipient: recipient)
        return true
    }

    /// Hands over the texts of the keys under which a store knows the envelope.
    ///
    /// They are made here, since a request that a whitelist decides needs none. `body` gets
    /// - `triplet`: the greylist key, `192.0.2.0/24/sender@example.org/user@example.com` in lower case, the sender without
    ///   what changes from one message to the next
    /// - `former`: the key under which TPRT 0.9.3 kept the triplet, with the numbers of the sender in their place; nil
    ///   where it is the same
    /// - `network`: the auto-whitelist key, `192.0.2.0/24`
    public mutating func readKeys<Result>(
        _ body: (_ triplet: Span<UInt8>, _ former: Span<UInt8>?, _ network: Span<UInt8>) -> Result
    ) -> Result {
        keys.write(network, mailboxes)
        return keys.read(body)
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
public struct ClientMasks: Sendable, Equatable {
    /// Prefix length for IPv4 clients.
    public var ipv4: Int
    /// Prefix length for IPv6 clients.
    public var ipv6: Int

    /// Masks, by default /24 and /48.
    public init(ipv4: Int = 24, ipv6: Int = 48) {
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }

    /// The network of that client.
    public func network(of address: Address) -> Network {
        Network(address, prefixLength: address.family == .ipv4 ? ipv4 : ipv6)
    }
}
