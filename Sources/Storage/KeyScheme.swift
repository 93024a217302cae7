/// How a site makes the keys of its entries.
///
/// A text has one key under which it is written. Under a site's key it may have others under which it is looked up, too,
/// so that nobody waits once more since the way keys are made has changed.
public enum KeyScheme: Sendable, Equatable {
    /// The texts themselves.
    case plain
    /// Their SHA-1.
    case hashed
    /// Their HMAC under the site's key.
    case keyed(SiteKeyring)

    /// The key under which the text is written.
    @inline(__always)
    public func key(_ text: Span<UInt8>) -> Key {
        switch self {
        case .plain: Key(text, isHashed: false)
        case .hashed: Key(text, isHashed: true)
        case .keyed(let ring): .digest(ring.keys.current.digest(of: text))
        }
    }

    /// Whether there are keys under which a text is only looked up.
    public var hasOthers: Bool { if case .keyed = self { true } else { false } }

    /// Hands over the keys under which the text is only looked up: by the site's other key, and as it was before there
    /// was one.
    @inline(__always)
    public func forEachOtherKey(_ text: Span<UInt8>, _ body: (Key) -> Void) {
        guard case .keyed(let ring) = self else { return }
        ring.forEachOtherKey(text, body)
    }

    /// All keys under which the text is looked up, that under which it is written first.
    public func keys(_ text: Span<UInt8>) -> [Key] {
        var keys = [key(text)]
        forEachOtherKey(text) { keys.append($0) }
        return keys
    }
}

/// The keys of a site, and how those of its entries were made before there were any.
public final class SiteKeyring: Sendable, Equatable {
    /// The keys.
    public let keys: SiteKeys
    /// Whether entries of the time before have digests, not texts.
    public let wasHashed: Bool

    /// A ring of these keys.
    public init(_ keys: SiteKeys, wasHashed: Bool) {
        self.keys = keys
        self.wasHashed = wasHashed
    }

    /// Whether both make the same keys.
    public static func == (left: SiteKeyring, right: SiteKeyring) -> Bool {
        left.keys == right.keys && left.wasHashed == right.wasHashed
    }

    fileprivate func forEachOtherKey(_ text: Span<UInt8>, _ body: (Key) -> Void) {
        if let other = keys.other { body(.digest(other.key.digest(of: text))) }
        body(Key(text, isHashed: wasHashed))
    }
}

extension StoreQuery.Lookups {
    /// Adds what is looked up of a text: the key under which it is written, in that role, and those under which earlier
    /// entries of it may be.
    ///
    /// To be called with the text of the triplet first.
    @inline(__always)
    public mutating func append(_ role: StoreQuery.Role, _ text: Span<UInt8>, by scheme: KeyScheme) {
        let place = append(StoreQuery.Lookup(role, scheme.key(text)))
        guard scheme.hasOthers else { return }
        let own = role.isOwn ? place : 0
        scheme.forEachOtherKey(text) { append(StoreQuery.Lookup(role.formerly, $0, of: own)) }
    }
}

extension StoreQuery.Role {
    /// What an entry is that was written in this role under a key that isn't written any more.
    fileprivate var formerly: Self {
        switch self {
        case .triplet, .alias, .legacy: .legacy
        case .client, .legacyClient: .legacyClient
        }
    }
}
