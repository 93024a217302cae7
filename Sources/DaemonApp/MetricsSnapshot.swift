import Engine
import Policy
import Resolver
import SPF
import Server
import Storage

/// Everything that metrics tell of, at one moment.
///
/// What counts is told since the start of the daemon, by all event loops together. It is filled where the figures are, and
/// asks nobody by itself.
struct MetricsSnapshot: Sendable {
    /// Requests, and what was decided about them.
    var decisions = DecisionCounters()
    /// Seconds from a complete request to its reply, by whether it waited for the DNS.
    var requestDurations = PerLabel<RequestPath, Histogram>(Histogram(.answers))
    /// What was asked of the DNS.
    var dns = DNS()
    /// The connections of Postfix.
    var connections = Connections()
    /// The store of triplets, clients and identities.
    var store = Store()
    /// First attempts that wait for their retry.
    var pending = Pending()
    /// Who need not wait, and what was learnt of them.
    var identities = Identities()
    /// What is read from files, and read again.
    var lists = Lists()
    /// The history.
    var history = History()
    /// How many lines of the log were lost.
    var lostLogLines = 0
    /// How often the clock of the machine has jumped.
    var clockJumps = 0
    /// The process.
    var process = ProcessFigures()
    /// Since when the daemon serves, in seconds since 1970.
    var servingSince = 0
    /// Which version it is.
    var version = ""

    /// What was asked of the DNS.
    struct DNS: Sendable {
        /// Whether it answers.
        var isUp = false
        /// What became of questions.
        var questions = PerLabel<DNSRecordType, PerLabel<ResolverCounts.QueryOutcome, Int>>(PerLabel(0))
        /// How often a cache knew what was asked of it.
        var cache = PerLabel<CacheResult, Int>(0)
    }

    /// The connections of Postfix.
    struct Connections: Sendable {
        /// How many are open.
        var open = 0
        /// How many were accepted.
        var accepted = 0
        /// How many were closed to make room, or not accepted.
        var rejected = PerLabel<ConnectionFigures.Rejection, Int>(0)
        /// How many were closed without a reply.
        var protocolErrors = PerLabel<PolicyError.Kind, Int>(0)
    }

    /// The store of triplets, clients and identities.
    struct Store: Sendable {
        /// Whether it answers.
        var isUp = false
        /// How many event loops leave it alone, since it failed.
        var openBreakers = 0
        /// What became of what was asked of it; a batch of requests is one operation.
        var operations = PerLabel<StoreOperation, PerLabel<StoreOutcome, Int>>(PerLabel(0))
        /// Seconds that it took.
        var durations = PerLabel<StoreOperation, Histogram>(Histogram(.answers))
        /// How many entries a table has; nil where the store doesn't know without counting them.
        var entries = PerLabel<Table, Int?>(0)
        /// How many bytes the file of a table takes, under one of those that have a file in common; nil where there is no file.
        var bytes = PerLabel<Table, Int?>(0)
        /// How many requests had to do without it.
        var unanswered = PerLabel<ServerFigures.WithoutStore, Int>(0)
    }

    /// First attempts that wait for their retry.
    struct Pending: Sendable {
        /// How many there are; nil where the store doesn't know.
        var count: Int? = 0
        /// How many there may be: `max_pending`.
        var limit = 0
        /// How many weren't remembered, or not for as long as they should be.
        var dropped = PerLabel<PendingFigures.Drop, Int>(0)
    }

    /// Who need not wait, and what was learnt of them.
    struct Identities: Sendable {
        /// How many there were at the last search for expired ones; nil before the first.
        var count = PerLabel<IdentityFigures.Class, Int?>(0)
        /// What was learnt that wasn't known.
        var learned = PerLabel<LessonKind, Int>(0)
        /// What wasn't learnt.
        var refused = PerLabel<LessonRefusal, Int>(0)
        /// What was lost on its way to the store.
        var dropped = 0
    }

    /// What is read from files, and read again.
    struct Lists: Sendable {
        /// How many entries the whitelists have.
        var whitelistEntries = 0
        /// How often settings and lists were read again.
        var reloads = PerLabel<ReloadFigures.Result, Int>(0)
        /// When that was done last, in seconds since 1970; 0 for never.
        var reloadTimes = PerLabel<ReloadFigures.Result, Int>(0)
        /// When the newest file of a list was changed, in seconds since 1970; 0 where there is none.
        var changeTimes = PerLabel<ReadList, Int>(0)
    }

    /// The history.
    struct History: Sendable {
        /// How many records were written.
        var records = PerLabel<HistoryRecord, Int>(0)
        /// How many decisions weren't written: there was no room on the way, or the file couldn't be written.
        var dropped = 0
        /// How many bytes its files take; nil where none is kept.
        var bytes: Int? = 0
    }
}

/// One value for each value of a label.
struct PerLabel<Label: MetricLabel, Value: Sendable>: Sendable {
    private var values: [Label: Value] = [:]
    private let initial: Value

    /// The same value for each.
    init(_ initial: Value) {
        self.initial = initial
    }

    /// The value of one.
    subscript(label: Label) -> Value {
        get { values[label] ?? initial }
        set { values[label] = newValue }
    }
}
