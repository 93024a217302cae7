import Bytes
public import Greylist

/// Who a client is by names alone: without a question to the DNS.
///
/// One value is made for an event loop and filled again for each message, so that its storage is used again and a request
/// allocates nothing.
public struct NamedIdentity: Sendable {
    /// What the client's name gives.
    public enum HostFinding: String, Sendable, Hashable {
        /// The mail server has no confirmed name for it.
        case unknown
        /// It isn't a name.
        case malformed
        /// It holds the client's address, and no word says that it sends mail.
        case holdsAddress = "holds-address"
        /// A word says that it is a customer's line.
        case dialUp = "dial-up"
        /// Its organisation is the host's.
        case organisation
    }

    /// Which domain stands for the sender.
    public enum SenderFinding: String, Sendable, Hashable {
        /// That of the sender's address.
        case senderDomain = "sender-domain"
        /// The HELO name: the sender is null, or has no domain.
        case heloName = "helo-name"
        /// The sender's domain is an address literal, which nothing proves.
        case addressLiteral = "address-literal"
        /// The sender's domain isn't one.
        case malformed
        /// The sender has no domain, and the HELO name has no dot, is an address, or isn't a name.
        case none
    }

    /// Whether the client's name proves the sender's organisation.
    public enum Proof: String, Sendable, Hashable {
        /// The name is that organisation's, and a word in it says that it sends mail.
        case serverWord = "server-word"
        /// The name is the organisation.
        case organisationItself = "organisation-itself"
        /// The host has no organisation.
        case noHost = "no-host"
        /// No domain stands for the sender.
        case noSender = "no-sender"
        /// The host is another organisation's.
        case otherOrganisation = "other-organisation"
        /// The name is that organisation's, but may be a customer's machine.
        case noServerWord = "no-server-word"

        /// Whether it is proven.
        public var isProven: Bool { self == .serverWord || self == .organisationItself }
    }

    /// What the client's name gives.
    public private(set) var host = HostFinding.unknown
    /// Which domain stands for the sender.
    public private(set) var sender = SenderFinding.none
    /// Whether the one proves the other.
    public private(set) var proof = Proof.noHost
    /// Whether senders that have nothing to do with each other have the sender's organisation in common.
    public private(set) var isShared = false

    private var text: [UInt8] = []
    private var hostName = Part()
    private var senderName = Part()
    private var decidingWord: Range<Int>?
    private var hasServerWord = false

    /// Where a name lies in the text.
    private struct Part {
        var name = 0..<0
        /// Where the organisation begins.
        var start = 0
        var isTenant = false

        var organisation: Range<Int> { start..<name.upperBound }
    }

    /// A value that knows nobody.
    public init() {}

    /// Finds out who a client is.
    ///
    /// - Parameters:
    ///   - client: the address as it was sent, which has the name
    ///   - clientName: `client_name`, which Postfix has confirmed forwards; `unknown` or nothing where there is none
    ///   - helo: `helo_name`
    ///   - sender: the envelope sender; nothing for the null sender
    ///   - organisations: the lists
    public mutating func find(
        client: Address, clientName: Span<UInt8>, helo: Span<UInt8>, sender: Span<UInt8>,
        in organisations: Organisations
    ) {
        findHost(client: client, clientName: clientName, in: organisations)
        findSender(sender, helo: helo, in: organisations)
    }

    /// Finds out what the client's name gives; nothing is known of the sender then.
    public mutating func findHost(client: Address, clientName: Span<UInt8>, in organisations: Organisations) {
        text.removeAll(keepingCapacity: true)
        (hostName, senderName, decidingWord, hasServerWord) = (Part(), Part(), nil, false)
        (sender, proof, isShared) = (.none, .noHost, false)
        host = hostFinding(clientName, client, organisations)
    }

    /// Goes on with the sender, and finds out whether the name proves it.
    public mutating func findSender(
        _ address: Span<UInt8>, helo: Span<UInt8>, in organisations: Organisations
    ) {
        sender = senderFinding(address, helo, organisations)
        proof = judge()
    }

    private mutating func hostFinding(
        _ name: Span<UInt8>, _ client: Address, _ organisations: Organisations
    ) -> HostFinding {
        guard name.count > 0, !name.equals(lowercase: "unknown") else { return .unknown }
        guard let domain = DomainName(appending: name, to: &text), domain.kind != .literal else { return .malformed }
        let place = organisations.place(of: text.span.extracting(domain.range))
        let traits = NameTraits(of: text.span.extracting(domain.range), place, client: client)
        let start = domain.range.lowerBound
        hostName = Part(name: domain.range, start: start + place.start, isTenant: place.isTenant)
        decidingWord = (traits.dialUpWord ?? traits.serverWord).map {
            start + $0.lowerBound..<start + $0.upperBound
        }
        hasServerWord = traits.serverWord != nil
        guard traits.isGeneric else { return .organisation }
        return traits.dialUpWord != nil ? .dialUp : .holdsAddress
    }

    private mutating func senderFinding(
        _ address: Span<UInt8>, _ helo: Span<UInt8>, _ organisations: Organisations
    ) -> SenderFinding {
        let start = address.localPart.upperBound + 1
        var finding = SenderFinding.senderDomain
        let domain: DomainName?
        if start < address.count {
            domain = DomainName(appending: address.extracting(start..<address.count), to: &text)
            if domain == nil { return .malformed }
            if domain?.kind == .literal { finding = .addressLiteral }
        } else {
            finding = .heloName
            domain = DomainName(appending: helo, to: &text)
            guard domain?.kind == .qualified else { return .none }
        }
        guard let domain else { return .none }
        senderName = Part(name: domain.range, start: domain.range.lowerBound)
        if finding != .addressLiteral {
            let place = placeOfSender(domain.range, organisations)
            senderName.start += place.start
            senderName.isTenant = place.isTenant
            isShared = place.isShared
        }
        return finding
    }

    /// Where the organisation of the sender's domain is; most often that domain is the host's organisation, which is its own.
    private func placeOfSender(_ domain: Range<Int>, _ organisations: Organisations) -> Organisations.Place {
        let name = text.span.extracting(domain)
        guard !hostName.name.isEmpty, name.equals(text.span.extracting(hostName.organisation)) else {
            return organisations.place(of: name)
        }
        let isShared = organisations.shared.mark(of: name).contains(.shared)
        return Organisations.Place(start: 0, suffix: 0, isShared: isShared, isTenant: hostName.isTenant)
    }

    private func judge() -> Proof {
        guard host == .organisation else { return .noHost }
        guard sender == .senderDomain || sender == .heloName else { return .noSender }
        let text = text.span
        guard text.extracting(hostName.organisation).equals(text.extracting(senderName.organisation)) else {
            return .otherOrganisation
        }
        if hasServerWord { return .serverWord }
        return hostName.start == hostName.name.lowerBound ? .organisationItself : .noServerWord
    }
}

extension NamedIdentity {
    /// Hands over the organisations as keys have them, in lower case and A-labels: the host's, where it has one, and the
    /// sender's, proven or not.
    public func readOrganisations<Result>(
        _ body: (_ host: Span<UInt8>?, _ sender: Span<UInt8>?) -> Result
    ) -> Result {
        let host: Span<UInt8>? = if host == .organisation { text.span.extracting(hostName.organisation) } else { nil }
        let sender: Span<UInt8>? =
            if senderName.name.isEmpty { nil } else { text.span.extracting(senderName.organisation) }
        return body(host, sender)
    }

    /// Hands over the domain that stands for the sender, in lower case and A-labels; empty where there is none.
    public func readSenderDomain<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(text.span.extracting(senderName.name))
    }

    /// Appends the sender as the key of a shared identity knows it (`append(folding:)`).
    ///
    /// - Parameters:
    ///   - sender: in lower case, the one that was looked at
    ///   - recipient: in lower case
    public func appendFoldedSender(_ sender: Span<UInt8>, recipient: Span<UInt8>, to key: inout [UInt8]) {
        let domain = text.span.extracting(senderName.name)
        key.append(
            folding: sender.extracting(self.sender == .senderDomain ? sender.localPart : 0..<0), recipient: recipient)
        key.append(UInt8(ascii: "@"))
        key.append(foldingHosts: domain, organisation: senderName.start - senderName.name.lowerBound)
    }

    /// The words of an explanation.
    public struct Details: Sendable {
        /// The name of the client as it was read; nil where it has none.
        public let hostName: String?
        /// The organisation of that name, generic or not.
        public let hostOrganisation: String?
        /// The domain that stands for the sender.
        public let senderName: String?
        /// Its organisation.
        public let senderOrganisation: String?
        /// The word of a customer's line in the client's name, or else of a mail server.
        public let word: String?
        /// Whether the suffix of the client's name is a tenant's.
        public let isHostTenant: Bool
        /// Whether the suffix of the sender's domain is a tenant's.
        public let isSenderTenant: Bool
    }

    /// What was found, as texts; for the eyes of people.
    public var details: Details {
        func string(_ range: Range<Int>) -> String? {
            range.isEmpty ? nil : String(decoding: text[range], as: UTF8.self)
        }
        return Details(
            hostName: string(hostName.name), hostOrganisation: string(hostName.organisation),
            senderName: string(senderName.name), senderOrganisation: string(senderName.organisation),
            word: decidingWord.flatMap(string), isHostTenant: hostName.isTenant, isSenderTenant: senderName.isTenant)
    }
}
