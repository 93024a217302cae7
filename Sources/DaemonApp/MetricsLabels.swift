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
    case error
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
    case answered
    /// It takes no more entries.
    case full
    case failed
    /// There was no answer in time.
    case late
}

/// Why a request had to do without the store.
enum FailOpenCause: String, MetricLabel {
    /// The store failed.
    case failed
    /// It didn't answer in time.
    case late
    /// It wasn't asked, since it had failed before.
    case circuitBreaker = "circuit-breaker"
    /// It takes no more entries.
    case full
    /// The daemon was stopped meanwhile.
    case stopping
}

/// Why a first attempt isn't remembered.
enum PendingDrop: String, MetricLabel {
    /// It was the oldest when there were more than `max_pending`.
    case oldest
    /// There were `max_pending`, and none that was older.
    case full
    /// Its network had `max_pending_per_network`.
    case network
}

/// What an entry of the table of identities is about.
enum IdentityClass: String, MetricLabel {
    /// An organisation whose mail is accepted.
    case organisation
    /// Whom one of our users wrote to.
    case correspondent
    /// An order of the administrator.
    case order
}

/// What is taken note of.
enum Lesson: String, MetricLabel {
    /// Mail of a proven organisation was accepted.
    case accepted
    /// One of our users wrote to someone.
    case wrote
}

/// Why something wasn't taken note of.
enum LessonRefusal: String, MetricLabel {
    /// The user had `learn_per_user` that day.
    case user
    /// All users together had `learn_per_site`.
    case site
    /// There were `max_identities`.
    case full
    /// Too much waited to be written, or the store failed.
    case busy
}

/// How settings and lists were read again.
enum ReloadOutcome: String, MetricLabel {
    case complete
    /// Something is wrong with a list; the rest is in force.
    case partial
    /// Something is wrong with the settings: all of them stay as they were.
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
