public import Greylist

/// What an entry of the table `identity` is about, as its key says.
public enum IdentityRecord: Sendable, Hashable {
    /// `day:ORG`: on how many days mail of the organisation was accepted.
    case days
    /// `rcp:ORG`: how many recipients accepted mail of it.
    case recipients
    /// `out:@ORG`: how many local users wrote to it.
    case users
    /// `lane:ORG`: what an administrator has set for it.
    case lane
    /// `out:LOCAL/REMOTE` or `out:LOCAL/@ORG`: whom a local user wrote to; hashed where keys are.
    case correspondence

    /// What that key stands for; nil for one that no entry of the table has.
    public init?(_ key: Key) {
        guard case .text(let text) = key else {
            self = .correspondence
            return
        }
        guard let kind = Self.named.first(where: { text.starts(with: $0.prefix) }) else {
            guard text.starts(with: Self.outgoing), text.dropFirst(Self.outgoing.count).contains(UInt8(ascii: "/"))
            else { return nil }
            self = .correspondence
            return
        }
        guard text.count > kind.prefix.count else { return nil }
        self = kind.record
    }

    /// The kinds that name an organisation, and what their keys begin with.
    private static let named: [(record: IdentityRecord, prefix: [UInt8])] = [
        (.days, Array("day:".utf8)), (.recipients, Array("rcp:".utf8)), (.users, Array("out:@".utf8)),
        (.lane, Array("lane:".utf8)),
    ]

    private static let outgoing = Array("out:".utf8)

    /// How many bytes of a key come before the organisation; nil where it names none.
    fileprivate var prefixLength: Int? { Self.named.first { $0.record == self }?.prefix.count }
}

extension Key {
    /// The organisation that a key of the table `identity` names; nil where it names none.
    public var organisation: ArraySlice<UInt8>? {
        guard case .text(let text) = self, let length = IdentityRecord(self)?.prefixLength else { return nil }
        return text[length...]
    }
}

/// How long entries of the table `identity` are kept after their last use.
///
/// Nothing of the table waits for a retry, so `Rules` don't tell.
public struct IdentityAges: Sendable, Equatable {
    /// What an organisation has earned, in seconds; `identity_max_age`.
    public var earned: Int64
    /// What was learnt from outgoing mail, in seconds; `learned_max_age`.
    public var learned: Int64

    /// These ages.
    public init(earned: Int64, learned: Int64) {
        self.earned = earned
        self.learned = learned
    }

    /// For how many seconds after its last use such an entry is kept; nil: for ever.
    public func seconds(of record: IdentityRecord) -> Int64? {
        switch record {
        case .days, .recipients: earned
        case .users, .correspondence: learned
        case .lane: nil
        }
    }

    /// Whether an entry counts as forgotten; one whose key is of no kind does.
    public func areExceeded(by entry: Entry, at now: Timestamp) -> Bool {
        guard let record = IdentityRecord(entry.key) else { return true }
        guard let seconds = seconds(of: record) else { return false }
        return now.since(entry.sighting.last) > seconds
    }
}

extension Store {
    /// Adds entries to the table `identity`; where it knows a key, their sightings are merged.
    ///
    /// A store that removes entries by itself, as Redis does, keeps each as long as the ages say. An entry whose key is of
    /// no kind isn't added.
    ///
    /// - Parameters:
    ///   - rules: what else the store goes by
    ///   - ages: how long what kind is kept
    public func mergeIdentities(
        _ entries: [Entry], at now: Timestamp, under rules: Rules, ages: IdentityAges
    ) async throws(StoreError) {
        var groups: [(seconds: Int64, entries: [Entry])] = []
        for entry in entries {
            guard let record = IdentityRecord(entry.key) else { continue }
            let seconds = ages.seconds(of: record) ?? forever
            if let index = groups.firstIndex(where: { $0.seconds == seconds }) {
                groups[index].entries.append(entry)
            } else {
                groups.append((seconds, [entry]))
            }
        }
        for group in groups {
            var rules = rules
            // Whatever its count is.
            (rules.maxAge, rules.retryWindow) = (group.seconds, group.seconds)
            try await merge(group.entries, into: .identity, at: now, under: rules)
        }
    }
}

/// What never expires is kept for a hundred years.
private let forever: Int64 = 100 * 365 * 86_400
