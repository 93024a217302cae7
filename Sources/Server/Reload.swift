public import Control
public import Greylist
public import Logging
import NIOConcurrencyHelpers
import NIOPosix
public import ServiceLifecycle
public import UnixSignals

/// What a reload brought.
public struct ReloadResult: Sendable {
    /// What is said of it: in the log, and to whoever asked for it.
    public var reply: ControlReply
    /// What is done when the log has been told: its level may have changed.
    public var afterwards: @Sendable () -> Void

    /// A result.
    public init(reply: ControlReply, afterwards: @escaping @Sendable () -> Void = {}) {
        self.reply = reply
        self.afterwards = afterwards
    }
}

/// How reloads have ended.
public struct ReloadFigures: Sendable, Equatable {
    /// How one ended.
    public enum Result: Int, Sendable, CaseIterable {
        /// Everything was read.
        case succeeded
        /// Something was wrong, and stayed as it was.
        case failed

        /// The result in the form of a label.
        public var text: StaticString {
            switch self {
            case .succeeded: "succeeded"
            case .failed: "failed"
            }
        }
    }

    /// How many there were, by ``Result``.
    public internal(set) var counts = [Int](repeating: 0, count: Result.allCases.count)
    /// When the last one ended, by ``Result``; nil before the first.
    public internal(set) var last = [Timestamp?](repeating: nil, count: Result.allCases.count)

    /// None.
    public init() {}
}

/// Reads anew what may change while the server runs: on a signal, on a change of the sources, or when it is asked to.
///
/// One reading follows the other; whatever asks for one meanwhile shares the next.
public final class Reload: Service {
    /// Why something is read anew, and how.
    public struct Order: Sendable, Equatable {
        /// Whether it is because whitelists have changed, and for no other reason.
        public var isForChange = false
        /// Whether sources that have lost more than half of their entries are taken as they are.
        public var acceptsShrunk = false

        /// A reading of everything.
        public init(isForChange: Bool = false, acceptsShrunk: Bool = false) {
            self.isForChange = isForChange
            self.acceptsShrunk = acceptsShrunk
        }

        /// What fulfils both orders.
        func and(_ other: Order) -> Order {
            Order(
                isForChange: isForChange && other.isForChange, acceptsShrunk: acceptsShrunk || other.acceptsShrunk)
        }
    }

    /// Something that is looked at now and then.
    public struct Watch: Sendable {
        let interval: @Sendable () -> Duration
        let hasChanged: @Sendable () async -> Bool

        /// A watch; `hasChanged` may block no event loop.
        ///
        /// Where a look takes long, there are fewer.
        public init(
            every interval: @escaping @Sendable () -> Duration, hasChanged: @escaping @Sendable () async -> Bool
        ) {
            self.interval = interval
            self.hasChanged = hasChanged
        }
    }

    private typealias Waiter = CheckedContinuation<ControlReply, Never>

    private enum State {
        case idle
        case ordered(Order, [Waiter])
        case ended
    }

    private let signals: UnixSignalsSequence
    private let watches: [Watch]
    private let read: @Sendable (Order) async -> ReloadResult
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let log: LimitedLog
    private let state = NIOLockedValueBox(State.idle)
    private let ended = NIOLockedValueBox(ReloadFigures())
    private let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// A reload.
    ///
    /// - Parameters:
    ///   - signals: each asks for a reading; those that came before the service runs, too
    ///   - now: tells the time
    ///   - read: reads everything and puts it into force, off the event loops
    public init(
        signals: UnixSignalsSequence, watches: [Watch], now: @escaping @Sendable () -> Timestamp, logger: Logger,
        read: @escaping @Sendable (Order) async -> ReloadResult
    ) {
        self.signals = signals
        self.watches = watches
        self.now = now
        self.logger = logger
        log = LimitedLog(logger: logger, clock: MultiThreadedEventLoopGroup.singleton.any())
        self.read = read
    }

    /// Carries orders out until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [self] in
                    for await _ in signals { add(Order()) }
                }
                for watch in watches { group.addTask { [self] in await keep(watch) } }
                for await _ in wakes { await carryOut() }
                group.cancelAll()
            }
        }
        for waiter in take(turningInto: .ended).waiters { waiter.resume(returning: .isStopping) }
        log.finish()
    }

    /// Has everything read anew, and waits for the result.
    public func carryOut(_ order: Order) async -> ControlReply {
        await withCheckedContinuation { add(order, $0) }
    }

    /// Has something read anew as soon as the service runs, and doesn't wait for it.
    public func order(_ order: Order) {
        add(order)
    }

    /// How those that are over have ended; from any thread.
    public var figures: ReloadFigures { ended.withLockedValue { $0 } }

    /// How many wait for the next reading.
    var waiting: Int {
        state.withLockedValue { if case .ordered(_, let waiters) = $0 { waiters.count } else { 0 } }
    }

    private func keep(_ watch: Watch) async {
        var pause = watch.interval()
        while (try? await Task.sleep(for: pause)) != nil {
            let start = ContinuousClock.now
            if await watch.hasChanged() { add(Order(isForChange: true)) }
            // At most a twentieth of the time is spent looking.
            pause = max(watch.interval(), (ContinuousClock.now - start) * 20)
        }
    }

    private func add(_ order: Order, _ waiter: Waiter? = nil) {
        let isTaken = state.withLockedValue { state in
            switch state {
            case .idle: state = .ordered(order, waiter.map { [$0] } ?? [])
            case .ordered(let former, let waiters):
                state = .ordered(former.and(order), waiters + (waiter.map { [$0] } ?? []))
            case .ended: return false
            }
            return true
        }
        if isTaken { wake.yield() } else { waiter?.resume(returning: .isStopping) }
    }

    private func carryOut() async {
        let (order, waiters) = take(turningInto: .idle)
        guard let order else { return }
        let result = await read(order)
        let (outcome, end) = (result.reply.status == 0 ? ReloadFigures.Result.succeeded : .failed, now())
        ended.withLockedValue { ended in
            ended.counts[outcome.rawValue] += 1
            ended.last[outcome.rawValue] = end
        }
        // Whoever asks for it by the control socket has the same in the reply.
        if waiters.isEmpty || log.admits(.reload) {
            for message in result.reply.messages { logger.info("\(message)") }
            for warning in result.reply.warnings { logger.warning("\(warning)") }
        }
        result.afterwards()
        for waiter in waiters { waiter.resume(returning: result.reply) }
    }

    private func take(turningInto next: State) -> (order: Order?, waiters: [Waiter]) {
        state.withLockedValue { state in
            defer { state = next }
            return if case .ordered(let order, let waiters) = state { (order, waiters) } else { (nil, []) }
        }
    }
}

extension ControlReply {
    fileprivate static let isStopping = ControlReply(status: 69, warnings: ["the daemon is stopping"])
}
