public import Greylist
public import Storage

/// Something that is to be remembered of an organisation, or of whom our users write to.
///
/// Nobody waits for that.
public enum IdentityEvent: Sendable, Equatable {
    /// Mail of a proven organisation was accepted, for the first time by this recipient or not.
    case accepted(organisation: [UInt8], isByNewRecipient: Bool, at: Timestamp)
    /// One of our users wrote to somebody, whose organisation is nil where many share it.
    case wrote(Correspondence, organisation: [UInt8]?, login: [UInt8], at: Timestamp)
}

/// What is learnt of somebody whom our users write to.
public enum LessonKind: Int, Sendable, CaseIterable {
    /// That a user wrote to an address.
    case address
    /// That a user wrote to an organisation.
    case organisation

    /// The kind in the form of a label.
    public var text: StaticString {
        switch self {
        case .address: "address"
        case .organisation: "organisation"
        }
    }
}

/// Why something isn't learnt.
public enum LessonRefusal: Int, Error, CaseIterable {
    /// The user has taught as much today as one may.
    case perUser
    /// All users together have.
    case perSite
    /// It isn't written by a person: an answer to complaints, a bounce.
    case robot
    /// It is written to a domain of the site's own.
    case ownDomain
    /// Nothing of the organisation, since many share it; the address is learnt.
    case shared
    /// There are too many organisations already.
    case noRoom

    /// The cause in the form of a label.
    public var text: StaticString {
        switch self {
        case .perUser: "per-user"
        case .perSite: "per-site"
        case .robot: "robot"
        case .ownDomain: "own-domain"
        case .shared: "shared"
        case .noRoom: "no-room"
        }
    }
}

extension IdentityAges {
    /// How long entries are kept by these rules.
    public init(_ rules: FastLaneRules) {
        self.init(earned: rules.earnedMaxAge, learned: rules.learnedMaxAge)
    }
}

/// The keys of the table of identities that can be listed, and so are never hashed.
extension Key {
    /// On how many days mail of the organisation was accepted.
    public static func days(of organisation: [UInt8]) -> Key { .plain("day:", organisation) }
    /// By how many recipients.
    public static func recipients(of organisation: [UInt8]) -> Key { .plain("rcp:", organisation) }
    /// How many of our users wrote to it.
    public static func users(of organisation: [UInt8]) -> Key { .plain("out:@", organisation) }
    /// What the administrator says of it.
    public static func lane(of organisation: [UInt8]) -> Key { .plain("lane:", organisation) }

    private static func plain(_ kind: StaticString, _ organisation: [UInt8]) -> Key {
        var text: [UInt8] = []
        text.reserveCapacity(8 + organisation.count)
        kind.withUTF8Buffer { text.append(contentsOf: $0) }
        text.append(contentsOf: organisation)
        return .text(text)
    }
}

/// What some events make of the table of identities: a pure step between what is read and what is written.
public struct IdentityUpdate: Sendable {
    /// The bounds on what outgoing mail teaches in a day.
    public struct Bounds: Sendable, Equatable {
        /// How many new correspondences a login teaches.
        public var perUser: Int
        /// How many all of them teach together.
        public var perSite: Int

        /// Bounds of these numbers.
        public init(perUser: Int, perSite: Int) {
            self.perUser = perUser
            self.perSite = perSite
        }
    }

    /// How many new correspondences were taught today, and what was learnt at all.
    public struct Tally: Sendable, Equatable {
        private var day: Int64 = 0
        private var site = 0
        /// No more than `Bounds.perSite`.
        private var users: [[UInt8]: Int] = [:]
        /// What was learnt that wasn't known, by ``LessonKind``.
        public fileprivate(set) var lessons = [Int](repeating: 0, count: LessonKind.allCases.count)
        /// What wasn't for a bound, by ``LessonRefusal``.
        public fileprivate(set) var refused = [Int](repeating: 0, count: LessonRefusal.allCases.count)

        /// None.
        public init() {}

        /// Whether one more may be taught; then it counts.
        ///
        /// What has no login is an administrator's, and isn't bounded.
        mutating func admits(_ login: [UInt8], at now: Timestamp, under bounds: Bounds) -> Bool {
            if login.isEmpty { return true }
            let today = now.seconds / 86_400
            if today != day { (day, site, users) = (today, 0, [:]) }
            guard site < bounds.perSite, users[login, default: 0] < bounds.perUser else {
                let cause = site < bounds.perSite ? LessonRefusal.perUser : .perSite
                refused[cause.rawValue] += 1
                return false
            }
            site += 1
            users[login, default: 0] += 1
            return true
        }
    }

    private let events: [IdentityEvent]
    private let rules: FastLaneRules
    private let scheme: KeyScheme
    /// Under which other keys what is written under a key may be known.
    private let otherKeys: [Key: [Key]]
    /// The keys of all entries that the events are about.
    public let keys: [Key]

    /// An update by these events, in their order.
    ///
    /// - Parameter scheme: how keys of correspondences are made
    public init(_ events: [IdentityEvent], under rules: FastLaneRules, keys scheme: KeyScheme) {
        self.events = events
        self.rules = rules
        self.scheme = scheme
        var otherKeys: [Key: [Key]] = [:]
        if scheme.hasOthers {
            for event in events {
                for text in Self.texts(of: event) {
                    let keys = scheme.keys(text.span)
                    otherKeys[keys[0]] = Array(keys.dropFirst())
                }
            }
        }
        self.otherKeys = otherKeys
        keys = Array(Set(events.flatMap { Self.keys(of: $0, scheme) } + otherKeys.values.flatMap(\.self)))
    }

    /// What is to be changed.
    public struct Changes: Sendable, Equatable {
        /// What has expired, and must go before something new is merged with it.
        public var outdated: [Key] = []
        /// What is to be merged with what is there.
        public var entries: [Entry] = []
    }

    /// What is to be changed.
    ///
    /// - Parameters:
    ///   - found: what the table has under `keys`
    ///   - now: by which entries are expired
    ///   - hasRoom: whether organisations that aren't known yet are counted
    public func changes(
        after found: [Sighting?], at now: Timestamp, hasRoom: Bool = true, under bounds: Bounds,
        counting tally: inout Tally
    ) -> Changes {
        var changes = Changes()
        var table: [Key: Sighting] = [:]
        let ages = IdentityAges(rules)
        for case (let key, let sighting?) in zip(keys, found) {
            if ages.areExceeded(by: Entry(key: key, sighting: sighting), at: now) {
                changes.outdated.append(key)
            } else {
                table[key] = sighting
            }
        }
        var changed: Set<Key> = []
        // What is known under another key is known; from now on under the one that is written.
        for (key, others) in otherKeys where table[key] == nil {
            guard let known = others.compactMap({ table[$0] }).max(by: { $0.last < $1.last }) else { continue }
            table[key] = known
            changed.insert(key)
        }
        func write(_ sighting: Sighting, _ key: Key) {
            table[key] = sighting
            changed.insert(key)
        }
        for event in events {
            let keys = Self.keys(of: event, scheme)
            switch event {
            case .accepted(_, let isByNewRecipient, let now):
                guard hasRoom || table[keys[0]] != nil else {
                    tally.refused[LessonRefusal.noRoom.rawValue] += 1
                    continue
                }
                let days = Sighting.countingDay(table[keys[0]], at: now, under: rules)
                if let days { write(days, keys[0]) }
                if isByNewRecipient {
                    write(.countingRecipient(table[keys[1]], at: now, under: rules), keys[1])
                } else if days != nil, let recipients = table[keys[1]] {
                    // They are in use as long as the organisation is.
                    write(recipients.used(at: now), keys[1])
                }
            case .wrote(_, let organisation, let login, let now):
                guard let lesson = Sighting.learning(table[keys[0]], at: now, under: rules),
                    !lesson.isNew || tally.admits(login, at: now, under: bounds)
                else { continue }
                write(lesson.entry, keys[0])
                if lesson.isNew { tally.lessons[LessonKind.address.rawValue] += 1 }
                guard organisation != nil,
                    let lesson = Sighting.learning(table[keys[1]], at: now, under: rules)
                else { continue }
                write(lesson.entry, keys[1])
                if lesson.isNew {
                    tally.lessons[LessonKind.organisation.rawValue] += 1
                    write(.countingUser(table[keys[2]], at: now, under: rules), keys[2])
                } else if let users = table[keys[2]] {
                    write(users.used(at: now), keys[2])
                }
            }
        }
        changes.entries = changed.compactMap { key in table[key].map { Entry(key: key, sighting: $0) } }
        return changes
    }

    private static func keys(of event: IdentityEvent, _ scheme: KeyScheme) -> [Key] {
        switch event {
        case .accepted(let organisation, _, _): return [.days(of: organisation), .recipients(of: organisation)]
        case .wrote(_, let organisation, _, _):
            let keys = texts(of: event).map { scheme.key($0.span) }
            return keys + (organisation.map { [.users(of: $0)] } ?? [])
        }
    }

    /// The texts of the keys that are made as the scheme says.
    private static func texts(of event: IdentityEvent) -> [[UInt8]] {
        guard case .wrote(let correspondence, let organisation, _, _) = event else { return [] }
        let address = correspondence.text
        guard let organisation else { return [address] }
        return [address, Correspondence.text(user: correspondence.user, organisation: organisation)]
    }
}
