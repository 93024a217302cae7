public import Greylist
public import SPF

/// Who a client was found to be, and by what its mail was recognised.
public struct ClientIdentity: Sendable, Equatable {
    /// What tells who it is, from the least to the most.
    public enum Proof: Int, Sendable, Comparable, CaseIterable {
        /// Its network, and nothing else.
        case network
        /// Its name, which has an organisation: that of the host.
        case host
        /// Its name proves the sender's organisation.
        case name
        /// The record of the sender's domain does.
        case spf

        /// Whether the left one tells less.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// The keys of a triplet.
    public enum MatchedKey: Int, Sendable, CaseIterable {
        /// That of the client's network.
        case network
        /// That of its host's organisation.
        case host
        /// That of the sender's organisation.
        case organisation
    }

    /// What tells who it is.
    public var proof = Proof.network
    /// The organisation that is known by it, in lower case and A-labels; empty where it is the network alone.
    public var organisation: [UInt8] = []
    /// The key under which the triplet was found; nil where it wasn't.
    public var matched: MatchedKey?
    /// What was asked of the DNS for it; nil where nothing had to be.
    public var search: ProofSearch?
    /// Why its sender need not wait; nil where it has to, or that made no difference.
    public var merit: Merit?
    /// Whether the triplet has an alias by the host.
    var hasHostAlias = false
    /// Whether many senders that have nothing to do with each other have the organisation in common.
    var isShared = false
    /// Whether what proves it is enough to earn the fast lane, and to be let through by it.
    var isTrusted = false
    /// Whether the table of identities was asked about it.
    var wasLookedUp = false
    /// How the sender's organisation stands; nil where it isn't proven.
    var standing: PendingNetworks.Standing?
    /// The client's network, as `StoreQuery.network` counts it.
    var network: UInt32 = 0

    /// Whether the triplet has an alias by the sender's organisation.
    var hasOrganisationAlias: Bool { standing == .passed || standing == .waiting }

    /// One that is known by its network.
    init() {}

    /// Takes note of what proves the sender's organisation.
    ///
    /// - Parameter outcome: what the DNS says; nil where its name proves it
    mutating func prove(_ organisation: [UInt8], isShared: Bool, by outcome: SPFOutcome?) {
        proof = outcome == nil ? .name : .spf
        self.organisation = organisation
        self.isShared = isShared
        isTrusted = !isShared && (outcome?.earns(withHost: hasHostAlias) ?? true)
    }
}

/// What the DNS said of a sender.
public indirect enum ProofSearch: Sendable, Equatable {
    /// This, after so many milliseconds.
    case ended(SPFOutcome, milliseconds: Int)
    /// Nothing in time: so many milliseconds were waited.
    case late(milliseconds: Int)
    /// It wasn't asked, for that reason.
    case notAsked(NotAsked)

    /// Why it wasn't asked.
    public enum NotAsked: Sendable, Equatable {
        /// It doesn't answer, or there is none.
        case down
        /// Too many searches are under way.
        case tooManyAtOnce
        /// The client's network caused too many.
        case tooManyFromNetwork
    }
}

/// The words of an identity, for everything that tells of it.
extension ClientIdentity.Proof {
    /// The proof in a word.
    public var word: StaticString {
        switch self {
        case .network: "net"
        case .host: "host"
        case .name: "name"
        case .spf: "spf"
        }
    }
}

extension ClientIdentity.MatchedKey {
    /// The key in a letter, as docs/identity.md names them.
    public var word: StaticString {
        switch self {
        case .network: "A"
        case .host: "N"
        case .organisation: "O"
        }
    }
}

extension ProofSearch {
    /// How long a request waited for it; nil where it didn't.
    public var milliseconds: Int? {
        switch self {
        case .ended(_, let milliseconds), .late(let milliseconds): milliseconds
        case .notAsked: nil
        }
    }
}

extension ProofSearch.NotAsked {
    /// The reason in words.
    public var text: StaticString {
        switch self {
        case .down: "unavailable"
        case .tooManyAtOnce: "too many at once"
        case .tooManyFromNetwork: "too many for the network"
        }
    }
}

extension SPFOutcome {
    /// Whether it proves the sender's organisation well enough for the fast lane.
    ///
    /// What the domain's own server answers about a client may be anything; then the host must be known, too.
    fileprivate func earns(withHost hasHost: Bool) -> Bool {
        switch grade {
        case .strong: true
        case .dynamic: hasHost
        case .guess, .open, nil: false
        }
    }

    /// Whether it proves the sender's organisation as far as a key goes.
    var isProof: Bool {
        switch grade {
        case .strong, .dynamic, .guess: true
        case .open, nil: false
        }
    }
}

/// What has to be asked of the DNS to find out whether a client may send for a domain.
public struct SenderQuestion: Sendable, Equatable {
    /// The client's address.
    public let client: SPFAddress
    /// Its network, as `StoreQuery.network` counts it.
    public let network: UInt32
    /// Whether its name has an organisation.
    public let hasHost: Bool
    /// The envelope sender as it was sent; empty for the null sender.
    public let sender: [UInt8]
    /// The HELO name as it was sent.
    public let helo: [UInt8]
}
