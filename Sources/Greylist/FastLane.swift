/// Which senders need not wait.
public enum FastLane: Sendable, Equatable {
    /// None but those whose mail to the recipient has passed before.
    case off
    /// Those that our users wrote to, too.
    case correspondents
    /// And organisations that have earned it.
    case all
}

/// Why a sender that was never seen, or has not waited long enough, need not wait.
public enum Merit: Sendable, Equatable {
    /// The recipient wrote to it.
    case correspondent
    /// Its organisation has earned it.
    case earned
}

/// The numbers that the fast lane follows.
///
/// Ages are in seconds since the last recorded use.
public struct FastLaneRules: Sendable, Equatable {
    /// Who need not wait.
    public var lane: FastLane
    /// On how many days mail of an organisation must have been accepted.
    public var earnDays: UInt32
    /// By how many recipients.
    public var earnRecipients: UInt32
    /// How many of our users must have written to an organisation to do instead of both.
    public var earnUsers: UInt32
    /// How long it is remembered that mail of an organisation was accepted.
    public var earnedMaxAge: Int64
    /// How long it is remembered whom our users wrote to.
    public var learnedMaxAge: Int64

    /// Rules with these numbers.
    public init(
        lane: FastLane, earnDays: UInt32, earnRecipients: UInt32, earnUsers: UInt32, earnedMaxAge: Int64,
        learnedMaxAge: Int64
    ) {
        self.lane = lane
        self.earnDays = earnDays
        self.earnRecipients = earnRecipients
        self.earnUsers = earnUsers
        self.earnedMaxAge = earnedMaxAge
        self.learnedMaxAge = learnedMaxAge
    }
}

/// What the table of identities says of a proven sender and of those that wrote to it: nil where there is no entry.
public struct Standing: Sendable, Equatable {
    /// The recipient wrote to the sender's address.
    public var address: Sighting?
    /// The recipient wrote to the sender's organisation.
    public var correspondent: Sighting?
    /// On how many days mail of the organisation was accepted.
    public var days: Sighting?
    /// By how many recipients.
    public var recipients: Sighting?
    /// How many of our users wrote to it.
    public var users: Sighting?
    /// What the administrator says of it.
    public var lane: Sighting?

    /// Nothing is known.
    public init() {}

    /// Why the sender need not wait; nil where it has to.
    ///
    /// - Parameter isTrusted: whether what proves the sender is enough for the fast lane, and its organisation isn't shared
    public func merit(at now: Timestamp, under rules: FastLaneRules, isTrusted: Bool) -> Merit? {
        guard rules.lane != .off else { return nil }
        let mark = lane.flatMap { LaneMark($0) }
        let wasForgotten = mark?.forgetsBefore == true ? lane?.last : nil
        func isLearnt(_ entry: Sighting?, times count: UInt32 = 1) -> Bool {
            guard let entry, entry.passes >= count, now.since(entry.last) <= rules.learnedMaxAge else { return false }
            return wasForgotten.map { entry.last > $0 } ?? true
        }
        if isLearnt(address) || isLearnt(correspondent) { return .correspondent }
        guard rules.lane == .all, isTrusted else { return nil }
        switch mark?.order {
        case .denied: return nil
        case .allowed: return .earned
        case nil: break
        }
        func isEarned(_ entry: Sighting?, _ count: UInt32) -> Bool {
            guard let entry, entry.passes >= count else { return false }
            return now.since(entry.last) <= rules.earnedMaxAge
        }
        let hasEarned = isEarned(days, rules.earnDays) && isEarned(recipients, rules.earnRecipients)
        return hasEarned || isLearnt(users, times: rules.earnUsers) ? .earned : nil
    }
}

/// What an administrator has said of an organisation: the count in its entry `lane:ORG`.
public enum LaneMark: UInt32, Sendable {
    /// What was learnt of it until then is forgotten.
    case forgotten = 1
    /// It is in the fast lane.
    case allowed = 2
    /// Likewise; what was learnt of it until then is forgotten.
    case allowedSinceForgotten = 3
    /// It is kept out of the fast lane.
    case denied = 4
    /// Likewise; what was learnt of it until then is forgotten.
    case deniedSinceForgotten = 5

    /// What is ordered.
    public enum Order: Sendable, Equatable {
        case allowed
        case denied
    }

    /// The mark of an entry; nil where a later version made it.
    public init?(_ entry: Sighting) {
        self.init(rawValue: entry.passes)
    }

    /// The order, if there is one.
    public var order: Order? {
        switch self {
        case .forgotten: nil
        case .allowed, .allowedSinceForgotten: .allowed
        case .denied, .deniedSinceForgotten: .denied
        }
    }

    /// Whether what was learnt before the entry's time no longer counts.
    public var forgetsBefore: Bool {
        switch self {
        case .forgotten, .allowedSinceForgotten, .deniedSinceForgotten: true
        case .allowed, .denied: false
        }
    }
}

extension Sighting {
    /// The entry of an order: a moment before which things are forgotten is kept.
    ///
    /// - Parameter former: the entry that there is
    public init(_ order: LaneMark.Order, after former: Sighting?, at now: Timestamp) {
        let forgets = former.flatMap { LaneMark($0) }?.forgetsBefore == true
        let mark: LaneMark =
            switch order {
            case .allowed: forgets ? .allowedSinceForgotten : .allowed
            case .denied: forgets ? .deniedSinceForgotten : .denied
            }
        let moment = forgets ? former?.last ?? now : now
        self.init(passes: mark.rawValue, first: moment, last: moment)
    }

    /// The entry by which everything that was learnt until now is forgotten.
    public init(forgettingAt now: Timestamp) {
        self.init(passes: LaneMark.forgotten.rawValue, first: now, last: now)
    }
}

/// What is counted for the fast lane.
extension Sighting {
    /// One day more on which mail of an organisation was accepted; nil where the last one is less than 20 hours ago.
    public static func countingDay(_ former: Sighting?, at now: Timestamp, under rules: FastLaneRules) -> Sighting? {
        guard let former, now.since(former.last) <= rules.earnedMaxAge else {
            return Sighting(firstAt: now).passing(at: now)
        }
        // A moment in the future is another server's clock where it is near, and a clock that was set where it is far.
        guard max(now.since(former.last), former.last.since(now)) >= secondsBetweenDays else { return nil }
        return former.passing(at: now)
    }

    /// One recipient more that accepted mail of an organisation.
    public static func countingRecipient(_ former: Sighting?, at now: Timestamp, under rules: FastLaneRules) -> Sighting
    {
        guard let former, now.since(former.last) <= rules.earnedMaxAge else {
            return Sighting(firstAt: now).passing(at: now)
        }
        return former.passing(at: max(now, former.last))
    }

    /// A post of one of our users; nil where that isn't worth a write.
    ///
    /// - Parameter now: when it was sent, which may be long ago where a log is read
    /// - Returns: the entry, and whether there was none that counts
    public static func learning(
        _ former: Sighting?, at now: Timestamp, under rules: FastLaneRules
    ) -> (entry: Sighting, isNew: Bool)? {
        guard let former, now.since(former.last) <= rules.learnedMaxAge else {
            return (Sighting(firstAt: now).passing(at: now), true)
        }
        guard now.since(former.last) > rules.learnedMaxAge / 32 else { return nil }
        return (former.used(at: now), false)
    }

    /// The same, used at that moment.
    public func used(at now: Timestamp) -> Sighting {
        Sighting(passes: passes, first: first, last: max(last, now))
    }

    /// One user more who wrote to an organisation.
    public static func countingUser(_ former: Sighting?, at now: Timestamp, under rules: FastLaneRules) -> Sighting {
        guard let former, now.since(former.last) <= rules.learnedMaxAge else {
            return Sighting(firstAt: now).passing(at: now)
        }
        return former.passing(at: max(now, former.last))
    }
}

/// A day that has a night: mail that comes each morning counts, and what comes around midnight counts once.
private let secondsBetweenDays: Int64 = 20 * 3_600
