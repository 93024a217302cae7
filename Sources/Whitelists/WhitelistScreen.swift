public import Greylist
import NIOCore
import Policy

/// Says of entries of a greylist whether a whitelist would let their mail pass anyway.
///
/// All that is known of such mail is the client's network, the sender and the recipient.
public struct WhitelistScreen {
    private let whitelist: Whitelist
    private let masks: PrefixLengths
    private let now: Timestamp
    private var decoder = PolicyDecoder()
    private var buffer = ByteBuffer()
    private var envelope = Envelope()
    /// Parties that are nobody's, for what is known of a client alone.
    private static let nobody = Array("nobody@nowhere.invalid".utf8)

    /// A screen of that whitelist.
    ///
    /// - Parameter nat64Prefixes: the site's own translators
    public init(_ whitelist: Whitelist, nat64Prefixes: [NAT64Prefix], at now: Timestamp) {
        self.whitelist = whitelist
        self.now = now
        masks = PrefixLengths(ipv4: 32, ipv6: 128, nat64Prefixes: nat64Prefixes)
    }

    /// Whether mail of these three passes by an entry of the whitelist, from each end of the network.
    public mutating func covers(client: Network, sender: [UInt8], recipient: [UInt8]) -> Bool {
        guard whitelist.count > 0, covers(client.address, sender, recipient) else { return false }
        return client.lastAddress == client.address || covers(client.lastAddress, sender, recipient)
    }

    /// Whether all mail of a client passes by an entry of the whitelist.
    public mutating func covers(client: Network) -> Bool {
        covers(client: client, sender: Self.nobody, recipient: Self.nobody)
    }

    private mutating func covers(_ client: Address, _ sender: [UInt8], _ recipient: [UInt8]) -> Bool {
        var text: [UInt8] = []
        text.append(client)
        buffer.clear()
        buffer.writeString("client_name=unknown\nclient_address=")
        buffer.writeBytes(text)
        buffer.writeString("\nsender=")
        buffer.writeBytes(sender)
        buffer.writeString("\nrecipient=")
        buffer.writeBytes(recipient)
        buffer.writeString("\n\n")
        guard let request = (try? decoder.next(in: &buffer)) ?? nil,
            envelope.address(client: text.span, sender: sender.span, recipient: recipient.span, masks: masks)
        else {
            decoder = PolicyDecoder()
            return false
        }
        // Nothing can be found out of a client that isn't there.
        guard case .decided(let match) = whitelist.match(request, envelope, at: now, knowing: ClientFacts()) else {
            return false
        }
        return match?.effect == .pass
    }
}
