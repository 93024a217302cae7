public import SPF

/// What a resolver has done so far, and what it does just now.
///
/// All but what goes on just now only grows.
public struct ResolverCounts: Sendable, Hashable {
    /// What became of a question.
    public enum QueryOutcome: Int, Sendable, CaseIterable {
        case answered
        /// The name exists, without such records.
        case noData
        case noSuchName
        /// A server, or libunbound, said that it can't answer.
        case failed
        /// An answer that was too long, or malformed.
        case unusable
        /// No answer came in time.
        case late
        /// It was given up, since the DNS became unavailable, other servers are asked, or the resolver was closed.
        case abandoned
        /// It wasn't asked: too many were under way or waiting.
        case tooMany
        /// It wasn't asked: the DNS was unavailable.
        case down

        /// The outcome in the form of a label.
        public var text: StaticString {
            switch self {
            case .answered: "answered"
            case .noData: "no-data"
            case .noSuchName: "no-such-name"
            case .failed: "failed"
            case .unusable: "unusable"
            case .late: "late"
            case .abandoned: "abandoned"
            case .tooMany: "too-many"
            case .down: "down"
            }
        }
    }

    /// By type of record, and then by outcome.
    private var outcomes = [Int](repeating: 0, count: DNSRecordType.allCases.count * QueryOutcome.allCases.count)
    /// In the order of ``SPFCheck/NotAsked``.
    private var refusals = [Int](repeating: 0, count: SPFCheck.NotAsked.allCases.count)
    /// Questions that went to libunbound, whose own cache may have answered them.
    public internal(set) var queries = 0
    /// SPF evaluations that asked the DNS.
    public internal(set) var evaluations = 0
    /// Checks of which the resolver's own thread knew the outcome, or didn't; event loops have caches in front of that.
    public internal(set) var cache = CacheCounts()
    /// How often the DNS became unavailable.
    public internal(set) var outages = 0
    /// Whether the DNS is unavailable.
    public internal(set) var isDown = false
    /// Questions that are under way.
    public internal(set) var queriesInFlight = 0
    /// SPF evaluations that are under way.
    public internal(set) var evaluationsInFlight = 0

    /// Nothing done.
    public init() {}

    /// How many questions for records of a type had an outcome.
    public func questions(_ type: DNSRecordType, _ outcome: QueryOutcome) -> Int {
        outcomes[Self.slot(type, outcome)]
    }

    /// How many questions had an outcome.
    public func questions(_ outcome: QueryOutcome) -> Int {
        DNSRecordType.allCases.reduce(0) { $0 + questions($1, outcome) }
    }

    /// How many checks weren't begun for that cause.
    public func checksNotAsked(_ cause: SPFCheck.NotAsked) -> Int { refusals[Self.slot(cause)] }

    mutating func note(_ outcome: QueryOutcome, of type: DNSRecordType) {
        outcomes[Self.slot(type, outcome)] += 1
    }

    mutating func note(_ cause: SPFCheck.NotAsked) {
        refusals[Self.slot(cause)] += 1
    }

    private static func slot(_ type: DNSRecordType, _ outcome: QueryOutcome) -> Int {
        let place =
            switch type {
            case .a: 0
            case .ptr: 1
            case .mx: 2
            case .txt: 3
            case .aaaa: 4
            }
        return place * QueryOutcome.allCases.count + outcome.rawValue
    }

    private static func slot(_ cause: SPFCheck.NotAsked) -> Int {
        switch cause {
        case .tooManyFromNetwork: 0
        case .tooManyAtOnce: 1
        case .down: 2
        }
    }
}

/// How often a cache knew what was asked of it.
public struct CacheCounts: Sendable, Hashable {
    /// How often it did.
    public internal(set) var hits = 0
    /// How often it didn't.
    public internal(set) var misses = 0

    /// Never asked.
    public init() {}

    /// Adds those of another cache.
    public static func += (left: inout CacheCounts, right: CacheCounts) {
        left.hits += right.hits
        left.misses += right.misses
    }
}

extension ResolverCounts.QueryOutcome {
    /// That of an answer; nil where what came can't be used.
    init(_ answer: DNSAnswer?) {
        switch answer {
        case .addresses, .exchanges, .names, .texts: self = .answered
        case .noData: self = .noData
        case .noSuchName: self = .noSuchName
        case .temporaryError: self = .failed
        case nil: self = .unusable
        }
    }
}

extension DNSRecordType {
    /// The type in the form of a label.
    public var text: StaticString {
        switch self {
        case .a: "A"
        case .ptr: "PTR"
        case .mx: "MX"
        case .txt: "TXT"
        case .aaaa: "AAAA"
        }
    }
}

extension SPFCheck.NotAsked {
    /// The cause in the form of a label.
    public var text: StaticString {
        switch self {
        case .tooManyFromNetwork: "too-many-from-network"
        case .tooManyAtOnce: "too-many"
        case .down: "down"
        }
    }
}
