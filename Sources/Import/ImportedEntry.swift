public import Greylist
public import Storage
public import Whitelists

/// What a foreign database says.
public enum ImportedEntry: Sendable, Equatable {
    case triplet(ImportedTriplet)
    case client(ImportedClient)
    case digest(ImportedDigest)
    case whitelist(WhitelistEntry)
}

/// When something was seen, and whether it passed.
public struct ImportedTimes: Sendable, Equatable {
    /// The first attempt.
    public var first: Timestamp
    /// The last one.
    public var last: Timestamp
    /// Whether it has passed; else its retry is awaited.
    public var hasPassed: Bool

    /// These times, in their order.
    public init(first: Timestamp, last: Timestamp, hasPassed: Bool) {
        self.first = min(first, last)
        self.last = max(first, last)
        self.hasPassed = hasPassed
    }

    /// What a store keeps of it.
    ///
    /// Merged with what is there, the first time is the smallest, the last one the largest, and what has passed stays so;
    /// the same again changes nothing.
    public var sighting: Sighting {
        hasPassed ? Sighting(passes: 1, first: first, last: last) : Sighting(firstAt: first)
    }
}

/// A client, a sender and a recipient.
public struct ImportedTriplet: Sendable, Equatable {
    /// The client's address, or as much of it as is known.
    public var client: Network
    /// The sender as it was kept; empty for the null sender.
    public var sender: [UInt8]
    /// The recipient.
    public var recipient: [UInt8]
    /// When it was seen.
    public var times: ImportedTimes

    /// A triplet.
    public init(client: Network, sender: [UInt8], recipient: [UInt8], times: ImportedTimes) {
        self.client = client
        self.sender = sender
        self.recipient = recipient
        self.times = times
    }
}

/// A client that counts for the auto-whitelist.
public struct ImportedClient: Sendable, Equatable {
    /// How often the client passed.
    public enum Count: Sendable, Equatable {
        /// So often, all in all.
        case total(UInt32)
        /// Once, and once more for each further entry of it.
        case one
    }

    /// The client's address, or as much of it as is known.
    public var client: Network
    /// How often it passed.
    public var count: Count
    /// When it was seen first, as far as that is known.
    public var first: Timestamp
    /// When it passed last.
    public var last: Timestamp

    /// A client.
    public init(client: Network, count: Count, first: Timestamp, last: Timestamp) {
        self.client = client
        self.count = count
        self.first = min(first, last)
        self.last = max(first, last)
    }
}

/// A triplet or a client of which only postgrey's SHA-1 is known (`--privacy`).
///
/// It is found again by the digest of the text that postgrey makes of a request.
public struct ImportedDigest: Sendable, Equatable {
    /// What is known under the digest.
    public enum Subject: Sendable, Equatable {
        /// When a triplet was seen: the digest is that of `net/sender/recipient`.
        case triplet(ImportedTimes)
        /// How often a client passed, and when last: the digest is that of its address.
        case client(passes: UInt32, last: Timestamp)
    }

    /// The digest.
    public var digest: Digest
    /// What is known under it.
    public var subject: Subject

    /// A digest.
    public init(_ digest: Digest, of subject: Subject) {
        self.digest = digest
        self.subject = subject
    }

    /// Where it goes.
    public var table: Table {
        switch subject {
        case .triplet: .greylist
        case .client: .autoWhitelist
        }
    }

    /// What a store keeps of it.
    public var sighting: Sighting {
        switch subject {
        case .triplet(let times): times.sighting
        case .client(let passes, let last): Sighting(passes: passes, first: last, last: last)
        }
    }
}
