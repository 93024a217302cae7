import Engine
import Greylist
import History
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Server
import ServiceLifecycle

/// Writes decisions to the history, off the event loops, and keeps it within its bounds.
///
/// It never takes more than a twelfth of a processor for long: what comes faster waits in the queue, and what finds no room there
/// is counted.
final class HistoryService: Service {
    /// How many decisions may wait: some seconds of a large site, and about 4 MB.
    private static let queueLimit = 16_384
    /// The shortest time between two writes.
    private static let pause = Duration.milliseconds(250)
    /// How much longer it rests than it has worked.
    private static let rest = 11
    /// How often what is too old is removed where nothing is written.
    private static let tidyPause = Duration.seconds(60)

    /// Takes the decisions.
    let queue = DecisionQueue(limit: queueLimit)
    private let writer: NIOLockedValueBox<HistoryWriter>
    /// A copy, so that those who look never wait for a write.
    private let state: NIOLockedValueBox<(counts: HistoryCounts, failure: String?)>
    private let counters: NIOLockedValueBox<@Sendable () async -> DecisionCounters>
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// A service that writes there.
    ///
    /// - Parameters:
    ///   - now: the time as the daemon believes it
    init(_ writer: HistoryWriter, now: @escaping @Sendable () -> Timestamp, logger: Logger) {
        self.writer = NIOLockedValueBox(writer)
        state = NIOLockedValueBox((writer.counts, nil))
        counters = NIOLockedValueBox { DecisionCounters() }
        self.now = now
        self.logger = logger
    }

    /// What it has done so far.
    var counts: HistoryCounts { state.withLockedValue { $0.counts } }
    /// Why it can't write now; nil where it can.
    var failure: String? { state.withLockedValue { $0.failure } }
    /// Where it writes.
    var path: String { writer.withLockedValue { $0.options.path } }

    /// Has minutes counted by what the event loops count.
    func count(by counters: @escaping @Sendable () async -> DecisionCounters) {
        self.counters.withLockedValue { $0 = counters }
    }

    /// Goes on under other options, but for the path.
    func change(to options: HistoryOptions) async {
        try? await NIOThreadPool.singleton.runIfActive { [writer] in
            writer.withLockedValue { if $0.options != options { $0.change(to: options) } }
        }
    }

    /// Writes until graceful shutdown, and what is left then.
    func run() async throws {
        var minutes = await cancelWhenGracefulShutdown { await self.writeUntilCancelled() }
        var batch = DecisionBatch()
        await write(&batch)
        await record(minutes.minute, counting: &minutes)
        writer.withLockedValue { $0.close() }
    }

    /// - Returns: what has been counted of the minute in which it ended
    private func writeUntilCancelled() async -> MinuteCounts {
        var minutes = MinuteCounts(since: now())
        var batch = DecisionBatch()
        var lastTidy = ContinuousClock.now
        var pause = Self.pause
        while (try? await Task.sleep(for: pause)) != nil {
            let start = ContinuousClock.now
            await write(&batch)
            if let past = minutes.advance(to: now()) { await record(past, counting: &minutes) }
            if start - lastTidy >= Self.tidyPause {
                lastTidy = start
                await perform { writer, now in writer.tidy(at: now) }
            }
            pause = max(Self.pause, (ContinuousClock.now - start) * Self.rest)
        }
        return minutes
    }

    private func write(_ batch: inout DecisionBatch) async {
        let dropped = queue.take(into: &batch)
        guard batch.count > 0 || dropped > 0 else { return }
        let taken = batch
        await perform { writer, now in writer.write(taken, dropped: dropped, at: now) }
    }

    private func record(_ minute: Timestamp, counting minutes: inout MinuteCounts) async {
        let counters = await counters.withLockedValue { $0 }()
        let (passes, deferrals) = minutes.difference(to: counters)
        guard passes.contains(where: { $0 > 0 }) || deferrals.contains(where: { $0 > 0 }) else { return }
        await perform { writer, now in
            writer.record(minute: minute, passes: passes, deferrals: deferrals, at: now)
        }
    }

    /// Does something with the file on a thread that may block, and says what has changed by it.
    private func perform(
        _ body: @escaping @Sendable (inout HistoryWriter, Timestamp) -> HistoryNotice?
    ) async {
        let moment = now()
        let result = try? await NIOThreadPool.singleton.runIfActive { [writer] in
            writer.withLockedValue { writer in
                let notice = body(&writer, moment)
                return (notice, writer.counts)
            }
        }
        guard let (notice, counts) = result else { return }
        state.withLockedValue { state in
            state.counts = counts
            switch notice {
            case .failing(let error): state.failure = error.description
            case .recovered, .quarantined, .replaced: state.failure = nil
            case nil: break
            }
        }
        if let notice { logger.log(level: notice.level, "\(notice.sentence)") }
    }
}

extension HistoryNotice {
    /// How loud it is.
    var level: Logger.Level {
        switch self {
        case .failing, .quarantined: .warning
        case .recovered, .replaced: .notice
        }
    }

    /// What the log says.
    var sentence: String {
        switch self {
        case .failing(let error):
            "history: \(error); mail is answered as before, and nothing is recorded until it can be"
        case .recovered(let dropped): "history: recorded again; \(dropped) decisions are missing"
        case .quarantined(let error, let name):
            "history: \(error.description): quarantined as \(name); starting with an empty one"
        case .replaced: "history: the file was removed or replaced; going on with the one in its place"
        }
    }
}

/// What the event loops had counted when a minute began.
struct MinuteCounts: Sendable {
    /// The minute that is being counted.
    private(set) var minute: Timestamp
    private var last = DecisionCounters()

    /// Nothing was counted before that moment.
    init(since now: Timestamp) {
        minute = Self.minute(of: now)
    }

    /// The minute that is over; nil while it isn't.
    mutating func advance(to now: Timestamp) -> Timestamp? {
        let current = Self.minute(of: now)
        guard current != minute else { return nil }
        defer { minute = current }
        return minute
    }

    /// What has been counted since the last time, by reason.
    mutating func difference(to counters: DecisionCounters) -> (passes: [Int], deferrals: [Int]) {
        defer { last = counters }
        return (
            zip(counters.passes, last.passes).map { max(0, $0 - $1) },
            zip(counters.deferrals, last.deferrals).map { max(0, $0 - $1) }
        )
    }

    private static func minute(of now: Timestamp) -> Timestamp {
        Timestamp(seconds: now.seconds - now.seconds % 60)
    }
}
