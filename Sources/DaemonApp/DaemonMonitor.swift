import Engine
import Greylist
import LogOutput
import Programs
import Resolver
import Server

/// How the daemon is, and what it has counted: for metrics, `tprtctl status` and the page.
///
/// It only looks, from any task; nothing waits for it.
struct DaemonMonitor: Sendable {
    let server: PolicyServer
    let store: CountedStore
    let resolver: DNSResolver
    let ledger: IdentityLedger
    let maintenance: Maintenance
    let reload: Reload
    let reloader: Reloader
    let history: HistoryService?
    let sink: LogSink
    let clock: TrustedClock
    /// Where it listens.
    let listeners: [String]
    /// When it began to serve.
    let startedAt: Timestamp

    /// The time as the daemon believes it.
    func now() -> Timestamp { clock.now() }
    /// The rules in force.
    var rules: Rules { reloader.plan.engine.options.rules }
    /// The file of the history; nil where none is kept.
    var historyPath: String? { history?.path }
}
