import Bytes
import Crypto
public import Greylist

/// What a history looks mail up by: a number for a sender and one for a recipient, whatever of them it keeps; where addresses
/// are hashed the log has the same numbers.
public struct MailKeys: Sendable, Equatable {
    /// That of the sender without what changes from one message to the next.
    public var sender: Int64
    /// That of the recipient; without its extension where the site takes it so.
    public var recipient: Int64
    /// The client's network; empty where its address can't be read.
    public var network: String
}

/// Makes the numbers: keyed digests (HMAC-SHA-256), cut to 64 bits.
///
/// The key is one that the site's own secret gives, or where there is none the history's: that hides addresses from a glance,
/// and from those who see the numbers but not the file; who has the file can try addresses.
public struct MailDigests: Sendable {
    /// How many bytes the key has.
    public static let keySize = SiteKey.size

    /// A key that nobody has yet.
    public static func randomKey() -> [UInt8] { SiteKey.randomSecret() }

    private let senderAuthenticator: HMAC<SHA256>
    private let recipientAuthenticator: HMAC<SHA256>
    private let masks: PrefixLengths
    private let foldsRecipient: Bool
    private var envelope = Envelope()

    /// Digests by that key.
    public init(key: [UInt8], masks: PrefixLengths, foldsRecipient: Bool) {
        senderAuthenticator = Self.authenticator(key, "sender ")
        recipientAuthenticator = Self.authenticator(key, "recipient ")
        self.masks = masks
        self.foldsRecipient = foldsRecipient
    }

    /// The keys of an attempt, or of addresses that are searched for.
    ///
    /// - Parameter client: as Postfix sent it; empty where it doesn't matter
    public mutating func keys(
        client: ArraySlice<UInt8>, sender: ArraySlice<UInt8>, recipient: ArraySlice<UInt8>
    ) -> MailKeys {
        keys(client: client.span, sender: sender.span, recipient: recipient.span)
    }

    /// Likewise.
    public mutating func keys(client: Span<UInt8>, sender: Span<UInt8>, recipient: Span<UInt8>) -> MailKeys {
        var network = ""
        if address(client, sender, recipient) {
            network = envelope.network.description
        } else {
            let isAddressed = address(Array("0.0.0.0".utf8).span, sender, recipient)
            precondition(isAddressed, "0.0.0.0 is an address")
        }
        let networkCount = envelope.network.withText { $0.count }
        // What follows the network is `/SENDER/RECIPIENT`, any slash in one of them with a backslash before it.
        let (senderAuthenticator, recipientAuthenticator) = (senderAuthenticator, recipientAuthenticator)
        let (senderKey, recipientKey) = envelope.readKeys { triplet, _, _, _ in
            var middle = networkCount + 1
            while middle < triplet.count, triplet[middle] != UInt8(ascii: "/") {
                middle += triplet[middle] == UInt8(ascii: "\\") ? 2 : 1
            }
            middle = min(middle, triplet.count)
            return (
                Self.digest(triplet.extracting(networkCount + 1..<middle), by: senderAuthenticator),
                Self.digest(triplet.extracting(middle..<triplet.count), by: recipientAuthenticator)
            )
        }
        return MailKeys(sender: senderKey, recipient: recipientKey, network: network)
    }

    private mutating func address(
        _ client: Span<UInt8>, _ sender: Span<UInt8>, _ recipient: Span<UInt8>
    ) -> Bool {
        envelope.address(
            client: client, sender: sender, recipient: recipient, masks: masks, foldsRecipient: foldsRecipient)
    }

    private static func authenticator(_ key: [UInt8], _ purpose: String) -> HMAC<SHA256> {
        var authenticator = HMAC<SHA256>(key: SymmetricKey(data: key))
        authenticator.update(data: Array(purpose.utf8))
        return authenticator
    }

    private static func digest(_ text: Span<UInt8>, by authenticator: HMAC<SHA256>) -> Int64 {
        var authenticator = authenticator
        text.withUnsafeBytes { authenticator.update(data: $0) }
        return authenticator.finalize().withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
    }
}

extension Int64 {
    /// The number as the digest that stands for an address: 16 digits.
    public var digestText: String {
        let digits = String(UInt64(bitPattern: self), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The number that such a digest stands for; nil where it isn't one.
    public init?(digestText text: String) {
        guard text.utf8.count == 16, text.utf8.allSatisfy(\.isLowercaseHexadecimal),
            let number = UInt64(text, radix: 16)
        else { return nil }
        self.init(bitPattern: number)
    }
}
