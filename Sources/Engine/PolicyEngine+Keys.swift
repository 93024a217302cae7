import Domains
import Greylist
public import Storage

/// A mail to one recipient, as a client would ask for it: any bytes, as they were sent.
public struct MailDescription: Sendable, Equatable {
    /// The client's address, or that of its network.
    public var client: [UInt8]
    /// Its name; empty where it has none.
    public var clientName: [UInt8]
    /// What it calls itself; counts for the null sender.
    public var helo: [UInt8]
    /// The envelope sender; empty for the null sender.
    public var sender: [UInt8]
    /// The recipient.
    public var recipient: [UInt8]

    /// A mail.
    public init(client: [UInt8], clientName: [UInt8], helo: [UInt8], sender: [UInt8], recipient: [UInt8]) {
        self.client = client
        self.clientName = clientName
        self.helo = helo
        self.sender = sender
        self.recipient = recipient
    }
}

/// The keys of the greylist under which a mail may be known.
public struct GreylistKeys: Sendable, Equatable {
    /// By the client's network, by its host's organisation, and by the sender's, should that be proven.
    public var own: [Key]
    /// Those of earlier versions, and of earlier ways to make keys, which are only read.
    public var legacy: [Key]
}

extension PolicyEngine {
    /// The keys under which a mail may be known; nil where the client's address can't be read.
    public func greylistKeys(of mail: MailDescription) -> GreylistKeys? {
        var attempt = Attempt()
        let isAddressed = attempt.envelope.address(
            client: mail.client.span, sender: mail.sender.span, recipient: mail.recipient.span, masks: options.masks,
            foldsRecipient: options.foldsRecipient)
        guard isAddressed else { return nil }
        let scheme = options.keys
        var keys = GreylistKeys(own: [], legacy: [])
        func add(_ text: Span<UInt8>) {
            keys.own.append(scheme.key(text))
            scheme.forEachOtherKey(text) { keys.legacy.append($0) }
        }
        attempt.envelope.readKeys { triplet, firstLegacy, secondLegacy, _ in
            add(triplet)
            if let firstLegacy { keys.legacy += scheme.keys(firstLegacy) }
            if let secondLegacy { keys.legacy += scheme.keys(secondLegacy) }
        }
        guard options.identity != .off else { return keys }
        attempt.identity.findHost(
            client: attempt.envelope.sentClient, clientName: mail.clientName.span, in: organisations)
        attempt.identity.findSender(mail.sender.span, helo: mail.helo.span, in: organisations)
        if attempt.identity.host == .organisation {
            attempt.identity.readOrganisations { host, _ in
                guard let host else { return }
                attempt.envelope.readAlias(ofHost: host) { add($0) }
            }
        }
        _ = attempt.readOrganisationAlias { add($0) }
        return keys
    }
}
