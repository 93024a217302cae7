import Bytes
import Greylist
import Policy
public import Storage

/// How much of senders and recipients decisions show in the log.
public enum LoggedAddresses: Sendable {
    /// All of it.
    case full
    /// Their domains: `@example.org`.
    case domain
    /// The digests by which the history knows them, too, and of clients their network.
    case hashed(MailDigests)
}

/// What the log shows of a mail where it doesn't show everything; storage that is used again and again.
struct ShownMail: Sendable {
    /// Nil where domains are shown.
    private var digests: MailDigests?
    private(set) var sender: [UInt8] = []
    private(set) var recipient: [UInt8] = []
    /// The client's network; nil where its address is shown.
    private(set) var client: [UInt8]?

    /// One that shows so much; nil where that is everything.
    init?(_ addresses: LoggedAddresses) {
        switch addresses {
        case .full: return nil
        case .domain: break
        case .hashed(let digests): self.digests = digests
        }
    }

    /// Whether what a client calls itself, and is called, isn't shown.
    var hidesClient: Bool { digests != nil }

    /// Takes up another mail.
    mutating func take(_ request: PolicyRequest) {
        let keys = request.read(.clientAddress, .sender, .recipient) {
            digests?.keys(client: $0, sender: $1, recipient: $2)
        }
        guard let keys else {
            request.read(.sender) { sender.replace(byDomainOf: $0) }
            request.read(.recipient) { recipient.replace(byDomainOf: $0) }
            return
        }
        sender = request.isEmpty(.sender) ? [] : Array(keys.sender.digestText.utf8)
        recipient = request.isEmpty(.recipient) ? [] : Array(keys.recipient.digestText.utf8)
        client = Array(keys.network.utf8)
    }

    /// Hands over what is shown of an attribute; nothing where that says who it is.
    func read(_ attribute: PolicyAttribute, of request: PolicyRequest, _ body: (Span<UInt8>) -> Void) {
        switch attribute {
        case .sender: body(sender.span)
        case .recipient: body(recipient.span)
        case .clientAddress:
            if let client { body(client.span) } else { request.read(attribute, body) }
        case .clientName, .heloName:
            if !hidesClient { request.read(attribute, body) }
        case .saslUsername, .ccertSubject, .ccertIssuer: return
        case .request, .protocolState, .queueID, .instance, .policyContext: request.read(attribute, body)
        }
    }
}

extension [UInt8] {
    /// `@example.org` in the place of what was there; nothing for the null sender.
    fileprivate mutating func replace(byDomainOf address: Span<UInt8>) {
        removeAll(keepingCapacity: true)
        guard !address.isEmpty else { return }
        append(UInt8(ascii: "@"))
        var start = address.count
        while start > 0, address[start - 1] != UInt8(ascii: "@") { start -= 1 }
        if start > 0 { for index in start..<address.count { append(address[index]) } }
    }
}
