public import Greylist
import NIOCore
import Policy

/// A request that is made up, to see what a whitelist says of it.
public struct SampleRequest: Sendable {
    private let request: PolicyRequest
    private let envelope: Envelope

    /// A request with these attributes; nil where the client's address can't be read, or one couldn't be sent.
    ///
    /// Sender and recipient may be left out.
    ///
    /// - Parameter nat64Prefixes: the site's own translators
    public init?(attributes: [String: String], nat64Prefixes: [NAT64Prefix] = []) {
        var lines = ""
        for (name, value) in attributes {
            guard !"\(name)\(value)".utf8.contains(where: { $0 == 0x0a || $0 == 0x0d }) else { return nil }
            lines += "\(name)=\(value)\n"
        }
        var buffer = ByteBuffer(string: lines + "\n")
        var decoder = PolicyDecoder()
        guard let request = (try? decoder.next(in: &buffer)) ?? nil else { return nil }
        // No condition asks for the client's network, only for its address.
        let masks = PrefixLengths(ipv4: 32, ipv6: 128, nat64Prefixes: nat64Prefixes)
        var envelope = Envelope()
        let isAddressed = request.read(.clientAddress) { client in
            request.read(.sender) { sender in
                request.read(.recipient) { recipient in
                    envelope.address(client: client, sender: sender, recipient: recipient, masks: masks)
                }
            }
        }
        guard isAddressed else { return nil }
        self.request = request
        self.envelope = envelope
    }

    /// The entry that decides.
    public func match(in whitelist: Whitelist, at now: Timestamp) -> Whitelist.Match? {
        whitelist.match(request, envelope, at: now)
    }

    /// What is said of it where that much is known of the client.
    public func match(in whitelist: Whitelist, at now: Timestamp, knowing facts: ClientFacts) -> Whitelist.Finding {
        whitelist.match(request, envelope, at: now, knowing: facts)
    }

    /// Whether a condition holds; compiles the regular expressions in it.
    public func satisfies(_ condition: Condition) -> Bool {
        match(in: Whitelist([WhitelistEntry(condition)], source: ""), at: Timestamp(seconds: 0)) != nil
    }

    /// Whether a condition holds where that much is known of the client; nil where that isn't enough.
    public func satisfies(_ condition: Condition, knowing facts: ClientFacts) -> Bool? {
        let whitelist = Whitelist([WhitelistEntry(condition)], source: "")
        guard case .decided(let match) = match(in: whitelist, at: Timestamp(seconds: 0), knowing: facts) else {
            return nil
        }
        return match != nil
    }

    /// The name that a list in the DNS has for the client.
    public func name(in zone: DNSList.Zone) -> String {
        String(decoding: zone.name(of: envelope.client), as: UTF8.self)
    }
}
