import Control
public import Greylist
public import Metrics

/// What is measured of reloads.
///
/// - `tprt_reloads_total`, with `result` one of `ok`, `faulty` (the rest stands) and `refused` (the former settings stay)
/// - `tprt_reload_timestamp_seconds`: when the last one that brought anything into force was
/// - `tprt_whitelist_entries`: how many entries are in force
public struct ReloadMetrics: Sendable {
    private let ok: Counter
    private let faulty: Counter
    private let refused: Counter
    private let time: Gauge
    private let entries: Gauge
    private let now: @Sendable () -> Timestamp

    /// Metrics of that factory.
    ///
    /// - Parameter now: the clock
    public init(factory: any MetricsFactory, now: @escaping @Sendable () -> Timestamp) {
        func counter(_ result: String) -> Counter {
            Counter(label: "tprt_reloads_total", dimensions: [("result", result)], factory: factory)
        }
        (ok, faulty, refused) = (counter("ok"), counter("faulty"), counter("refused"))
        time = Gauge(label: "tprt_reload_timestamp_seconds", factory: factory)
        entries = Gauge(label: "tprt_whitelist_entries", factory: factory)
        self.now = now
    }

    /// Counts a reload.
    func record(_ result: ReloadResult) {
        switch result.reply.status {
        case 0: ok.increment()
        case 78: refused.increment()
        default: faulty.increment()
        }
        if result.reply.status != 78 { time.record(now().seconds) }
        setEntries(result.entries)
    }

    /// So many entries are in force.
    public func setEntries(_ count: Int) {
        entries.record(count)
    }
}
