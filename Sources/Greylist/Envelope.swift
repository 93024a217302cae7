/// Who asks to send to whom, as greylisting and whitelists look at it.
///
/// One value is made for an event loop and addressed anew for each request, so that its storage is used again and a
/// request allocates nothing.
public struct Envelope: Sendable {
    /// The address of the client.
    public private(set) var client = Address(ipv4: 0)
    /// The client's network, by which triplets and the auto-whitelist know it.
    public private(set) var network = Network(Address(ipv4: 0), prefixLength: 32)

    /// `network/sender/recipient`, then the forms that whitelists ask for, all in lower case.
    private var bytes: [UInt8] = []
    private var tripletText = 0..<0
    private var formerTripletText: Range<Int>?
    private var networkText = 0..<0
    private var recipientText = 0..<0
    private var plainRecipientText = 0..<0
    private var senderText = 0..<0
    private var plainSenderText = 0..<0

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
        bytes.removeAll(keepingCapacity: true)
        bytes.append(network)
        networkText = 0..<bytes.count
        bytes.append(UInt8(ascii: "/"))
        let hidesNumbers = bytes.append(cleaning: sender)
        bytes.append(UInt8(ascii: "/"))
        recipientText = append(recipient)
        tripletText = 0..<bytes.count
        formerTripletText = hidesNumbers ? appendFormerTriplet(of: sender) : nil
        plainRecipientText = appendPlain(recipientText)
        senderText = append(sender)
        plainSenderText = appendPlain(senderText)
        return true
    }

    /// Hands over the text of the greylist key: `192.0.2.0/24/sender@example.org/user@example.com`.
    public func readTriplet<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(tripletText))
    }

    /// Hands over the text under which TPRT 0.9.3 kept the triplet, with the numbers of the sender in their place; nil
    /// where it is the same.
    public func readFormerTriplet<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
        formerTripletText.map { body(bytes.span.extracting($0)) }
    }

    /// Hands over the text of the auto-whitelist key: `192.0.2.0/24`.
    public func readNetwork<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(networkText))
    }

    /// Hands over the recipient in lower case: whole, and plain, without its extension and never without an `@`.
    package func readRecipient<Result>(_ body: (_ whole: Span<UInt8>, _ plain: Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(recipientText), bytes.span.extracting(plainRecipientText))
    }

    /// Hands over the sender in lower case, whole and plain like the recipient; it is not cleaned.
    package func readSender<Result>(_ body: (_ whole: Span<UInt8>, _ plain: Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(senderText), bytes.span.extracting(plainSenderText))
    }

    private mutating func appendFormerTriplet(of sender: Span<UInt8>) -> Range<Int> {
        let start = bytes.count
        for index in networkText { bytes.append(bytes[index]) }
        bytes.append(UInt8(ascii: "/"))
        bytes.append(cleaning: sender, hidingNumbers: false)
        bytes.append(UInt8(ascii: "/"))
        for index in recipientText { bytes.append(bytes[index]) }
        return start..<bytes.count
    }

    private mutating func append(_ text: Span<UInt8>) -> Range<Int> {
        let start = bytes.count
        bytes.append(lowercasing: text)
        return start..<bytes.count
    }

    /// Appends an address again without its `+extension`, and with an `@` where it has none, as in `postmaster`.
    ///
    /// Returns its own place where both are so already.
    private mutating func appendPlain(_ address: Range<Int>) -> Range<Int> {
        let localCount = bytes.span.extracting(address).localPart.count
        let local = address.lowerBound..<address.lowerBound + localCount
        let plus = bytes.span.firstIndex(of: UInt8(ascii: "+"), in: local)
        let hasDomain = localCount < address.count
        if plus == nil, hasDomain { return address }
        let start = bytes.count
        for index in address.lowerBound..<(plus ?? local.upperBound) { bytes.append(bytes[index]) }
        for index in local.upperBound..<address.upperBound { bytes.append(bytes[index]) }
        if !hasDomain { bytes.append(UInt8(ascii: "@")) }
        return start..<bytes.count
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
