public import Greylist
public import Storage

/// Where a history is kept, and how much of it.
public struct HistoryOptions: Sendable, Equatable {
    /// The file.
    public var path: String
    /// How long it goes back, in seconds.
    public var maxAge: Int64
    /// How many bytes the file and what is written ahead of it may have; beyond that the oldest goes.
    public var maxSize: Int
    /// How much of senders and recipients is kept.
    public var addresses: KeptAddresses
    /// How much of a client's address counts.
    public var masks: PrefixLengths
    /// Whether a recipient is known without its extension.
    public var foldsRecipient: Bool
    /// The keys of the site, by which mail is found; nil: by a key of the history's own.
    public var siteKeys: SiteKeys?

    /// Options with these values.
    public init(
        path: String, maxAge: Int64, maxSize: Int, addresses: KeptAddresses, masks: PrefixLengths, foldsRecipient: Bool
    ) {
        self.path = path
        self.maxAge = maxAge
        self.maxSize = maxSize
        self.addresses = addresses
        self.masks = masks
        self.foldsRecipient = foldsRecipient
    }
}

/// How much of senders and recipients a history keeps.
public enum KeptAddresses: Sendable, CaseIterable {
    /// All of it.
    case full
    /// Their domains: `@example.org`.
    case domain
    /// A keyed digest, and of clients their network.
    case hashed
}
