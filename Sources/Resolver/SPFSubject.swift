public import SPF

/// Whom an SPF check is about.
public struct SPFSubject: Sendable {
    /// Where an outcome is kept.
    struct Key: Sendable, Hashable {
        let domain: [UInt8]
        let client: SPFAddress
        let scope: SPFScope
        /// What else the outcome depends on; nil where it doesn't.
        var helo: [UInt8]?
        var localPart: [UInt8]?
    }

    /// The most bytes that are looked at of a sender and of a HELO name: more than any has that SMTP allows.
    static let longestText = 512

    let identity: SPFIdentity
    let sender: [UInt8]
    /// The client's network, as a number; networks that aren't told apart share what they are allowed.
    let network: UInt32
    /// Whether the client has a host of a known organisation: then its network may begin any number of checks.
    let hasHost: Bool
    /// The key of outcomes that depend on nothing else; nil where no domain can have a record.
    let key: Key?

    /// An attempt to send.
    ///
    /// - Parameters:
    ///   - client: the client's address
    ///   - network: a number that stands for the client's network; 0 where it isn't known
    ///   - hasHost: whether the client's confirmed name says whose host it is
    ///   - sender: the envelope sender, empty for the null sender
    ///   - helo: the name that the client gave
    public init(client: SPFAddress, network: UInt32, hasHost: Bool, sender: Span<UInt8>, helo: Span<UInt8>) {
        var (senderBytes, heloBytes): ([UInt8], [UInt8]) = ([], [])
        // A sender that is too long is nobody's, and not the null sender, whose HELO name would count.
        if sender.count <= Self.longestText {
            senderBytes = sender.withUnsafeBufferPointer { Array($0) }
            if helo.count <= Self.longestText { heloBytes = helo.withUnsafeBufferPointer { Array($0) } }
        }
        self.sender = senderBytes
        self.network = network
        self.hasHost = hasHost
        identity = SPFIdentity(client: client, sender: senderBytes, helo: heloBytes)
        let (address, scope) = (identity.client, identity.scope)
        key = identity.recordQuestion.map { Key(domain: $0.name, client: address, scope: scope) }
    }

    /// The key of outcomes that depend on these.
    func key(_ dependencies: SPFDependencies) -> Key? {
        guard var key else { return nil }
        if dependencies.contains(.helo) { key.helo = identity.helo }
        if dependencies.contains(.localPart) { key.localPart = identity.localPart }
        return key
    }

    /// Whether an outcome for `other`, which is of the same domain and client, holds here, too.
    func matches(_ other: SPFSubject, in dependencies: SPFDependencies) -> Bool {
        key(dependencies) == other.key(dependencies)
    }
}

/// What came of an SPF check.
public enum SPFCheck: Sendable, Hashable {
    /// It was made, now or before.
    case outcome(SPFOutcome)
    /// It wasn't: as if there were no proof.
    case notAsked(NotAsked)

    /// Why a check wasn't made.
    public enum NotAsked: String, Sendable, Hashable, CaseIterable {
        /// The client's network had too many in that minute.
        case tooManyFromNetwork = "too many checks for the client's network"
        /// Too many are under way.
        case tooManyAtOnce = "too many checks at once"
        /// The DNS doesn't answer, or the resolver has been closed.
        case down = "DNS unavailable"
    }
}
