import Engine
import Policy
import Resolver
import SPF
import Server
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

/// Whether a cache knew what was asked of it.
enum CacheResult: String, MetricLabel {
    case hit, miss
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
    case failed
    /// There was no answer in time.
    case late
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

extension ClientIdentity.Proof: MetricLabel {
    var label: String { "\(word)" }
}

extension ClientIdentity.MatchedKey: MetricLabel {
    var label: String { "\(word)" }
}

extension SPFResult: MetricLabel {}
extension SPFGrade: MetricLabel {}

/// Labels that are called what the modules call them that count.
protocol CountedLabel: MetricLabel {
    /// The label.
    var text: StaticString { get }
}

extension CountedLabel {
    var label: String { "\(text)" }
}

extension DecisionCounters.State: CountedLabel {}
extension DNSRecordType: CountedLabel {}
extension ResolverCounts.QueryOutcome: CountedLabel {}
extension ConnectionFigures.Rejection: CountedLabel {}
extension PolicyError.Kind: CountedLabel {}
extension ServerFigures.WithoutStore: CountedLabel {}
extension PendingFigures.Drop: CountedLabel {}
extension IdentityFigures.Class: CountedLabel {}
extension LessonKind: CountedLabel {}
extension LessonRefusal: CountedLabel {}
extension ReloadFigures.Result: CountedLabel {}
