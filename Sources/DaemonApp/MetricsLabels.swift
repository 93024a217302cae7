import Engine
import SPF
import Storage

/// What a label of a metric may say: one of a few words, none of which comes from a sender.
protocol MetricLabel: Hashable, CaseIterable, Sendable {
    /// The word.
    var label: String { get }
}

extension MetricLabel where Self: RawRepresentable<String> {
    var label: String { rawValue }
}

/// What a request waited for.
enum RequestPath: String, MetricLabel {
    /// For the store at most.
    case plain
    /// For the DNS as well.
    case dns
}

/// What kind of record the DNS was asked for.
enum DNSRecord: String, MetricLabel {
    case a = "A"
    case ptr = "PTR"
    case mx = "MX"
    case txt = "TXT"
    case aaaa = "AAAA"
}

/// What became of a question to the DNS.
enum DNSOutcome: String, MetricLabel {
    case answered
    /// The name exists, without such records.
    case noData = "no-data"
    case noSuchName = "no-such-name"
    /// A server said that it can't answer.
    case failed
    /// The answer was too long, or malformed.
    case unusable
    /// There was no answer in time.
    case late
    /// It was given up, since the DNS became unavailable, or other servers are asked.
    case abandoned
    /// It wasn't asked: too many were under way.
    case tooMany = "too-many"
    /// It wasn't asked: the DNS was unavailable.
    case down
}

/// Whether a cache knew what was asked of it.
enum CacheResult: String, MetricLabel {
    case hit, miss
}

/// Why a connection was not served, or no longer.
enum ConnectionRejection: String, MetricLabel {
    /// It had been silent longest when there were `max_connections`.
    case limit
    /// It wasn't accepted for want of file descriptors.
    case descriptors
    /// It wasn't accepted for another reason.
    case failed
}

/// Why a connection was closed without a reply.
enum ProtocolError: String, MetricLabel {
    case lineTooLong = "line-too-long"
    case tooManyAttributes = "too-many-attributes"
    case requestTooLong = "request-too-long"
    case notAnAttribute = "not-an-attribute"
    case unknownRequest = "unknown-request"
    case endInsideRequest = "end-inside-request"
    case tooManyEmptyLines = "too-many-empty-lines"
}

/// What was asked of the store.
enum StoreOperation: String, MetricLabel {
    /// To judge the requests of one turn of an event loop.
    case update
    /// To find entries.
    case find
    /// To add entries.
    case merge
    /// To remove entries.
    case remove
    /// To remove a slice of what is expired.
    case expire
    /// To list a slice of a table.
    case scan
}

/// What became of it.
enum StoreOutcome: String, MetricLabel {
    /// It did what it could, if only to say that it takes no more entries.
    case answered
    case failed
    /// There was no answer in time.
    case late
}

/// Why a request had to do without the store.
enum FailOpenCause: String, MetricLabel {
    /// The store failed, or wasn't asked since it had failed.
    case unavailable
    /// It didn't answer in time.
    case late
    /// It takes no more entries.
    case full
}

/// Why a first attempt isn't remembered.
enum PendingDrop: String, MetricLabel {
    /// There were `max_pending`, none of them older, or the store had no room.
    case limit
    /// Its network had `max_pending_per_network`.
    case networkLimit = "network-limit"
    /// It was the oldest when there were more than `max_pending`.
    case oldest
}

/// What an entry of the table of identities is about.
enum IdentityClass: String, MetricLabel {
    /// An organisation whose mail is accepted.
    case organisation
    /// An organisation that our users wrote to.
    case correspondent
    /// A user, with whom it wrote to.
    case correspondence
    /// An organisation of which the administrator has ordered something.
    case order
}

/// What outgoing mail teaches.
enum LessonKind: String, MetricLabel {
    /// That a user wrote to an address.
    case address
    /// That a user wrote to an organisation.
    case organisation
}

/// Why something isn't learnt.
enum LessonRefusal: String, MetricLabel {
    /// The user had taught `learn_per_user` that day.
    case perUser = "per-user"
    /// All users together had taught `learn_per_site`.
    case perSite = "per-site"
    /// It isn't written by a person.
    case robot
    /// It is written to a domain of the site's own.
    case ownDomain = "own-domain"
    /// Nothing of the organisation, since many share it; the address is learnt.
    case shared
    /// There were `max_identities`.
    case noRoom = "no-room"
}

/// How settings and lists were read again.
enum ReloadOutcome: String, MetricLabel {
    case succeeded
    /// Something was wrong, and stays as it was.
    case failed
}

/// What is read from files beside the settings.
enum ReadList: String, MetricLabel {
    case whitelists
    case publicSuffixes = "public-suffixes"
    case sharedIdentities = "shared-identities"
}

/// What the history keeps.
enum HistoryRecord: String, MetricLabel {
    /// A mail that waited.
    case `case`
    /// An attempt to send one.
    case attempt
    /// The decisions of a minute.
    case minute
}

extension Table: MetricLabel {
    var label: String {
        switch self {
        case .greylist: "greylist"
        case .autoWhitelist: "auto-whitelist"
        case .identity: "identity"
        }
    }
}

extension DecisionCounters.State: MetricLabel {
    var label: String { "\(text)" }
}

extension ClientIdentity.Proof: MetricLabel {
    var label: String { "\(word)" }
}

extension ClientIdentity.MatchedKey: MetricLabel {
    var label: String { "\(word)" }
}

extension SPFResult: MetricLabel {}
extension SPFGrade: MetricLabel {}
