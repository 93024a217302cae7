public import Engine
public import Greylist
public import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import ServiceLifecycle
public import Storage

/// The table of identities: what decisions look up there, and what is to be remembered, one change after the other.
///
/// Event loops hand events over and never wait for them: they are written some moments later, a batch at a time, by one task,
/// so that two events never read the same state. A store that can't be asked costs nobody anything but the fast lane: questions are
/// answered with nothing at once for some seconds, and events beyond the bound are dropped and counted.
public final class IdentityLedger: Service {
    /// What it goes by.
    public struct Options: Sendable {
        /// By what the fast lane is earned, and when entries expire.
        public var lane: FastLaneRules
        /// What else the store goes by.
        public var rules: Rules
        /// How keys of correspondences are made.
        public var keys: KeyScheme
        /// The bounds on what outgoing mail teaches.
        public var bounds: IdentityUpdate.Bounds
        /// How many organisations are kept.
        public var maxOrganisations: Int
        /// The site's own domains, to which mail teaches nothing, in lower case.
        public var localDomains: Set<[UInt8]>
        /// The time from one search for expired entries to the next.
        public var interval: Duration

        /// Such options.
        public init(
            lane: FastLaneRules, rules: Rules, keys: KeyScheme, bounds: IdentityUpdate.Bounds, maxOrganisations: Int,
            localDomains: Set<[UInt8]>, interval: Duration
        ) {
            self.lane = lane
            self.rules = rules
            self.keys = keys
            self.bounds = bounds
            self.maxOrganisations = maxOrganisations
            self.localDomains = localDomains
            self.interval = interval
        }
    }

    private struct State {
        var options: Options
        var events: [IdentityEvent] = []
        var ownDomains: Set<[UInt8]> = []
        var figures = IdentityFigures()
        /// Until when the store isn't asked, since it failed.
        var pause: NIODeadline?

        func isOwn(_ domain: [UInt8]) -> Bool {
            options.localDomains.contains(domain) || ownDomains.contains(domain)
        }

        mutating func count(_ outcome: IdentityFigures.Lookup) { figures.lookups[outcome.rawValue] += 1 }

        mutating func count(_ refusal: LessonRefusal) { figures.refused[refusal.rawValue] += 1 }
    }

    private static let eventLimit = 10_000
    private static let domainLimit = 10_000
    private static let batchLimit = 1_000
    private static let lookingUp = "looking up identities"
    /// How long the store may take for what is left at the end.
    private static let grace = TimeAmount.seconds(1)
    /// How long events wait for others.
    private static let breath = TimeAmount.seconds(1)
    private static let pause = TimeAmount.seconds(5)

    typealias Found = Result<[Sighting?], StoreError>
    typealias LookUp = @Sendable (_ keys: [Key], _ done: @escaping @Sendable (Found) -> Void) -> Void

    let store: any Store
    private let lookUp: LookUp
    let now: @Sendable () -> Timestamp
    private let clock: any EventLoop
    private let isClockDoubtful: @Sendable () -> Bool
    private let state: NIOLockedValueBox<State>
    let book: IdentityBook
    private let faults: ErrorReport
    private let logger: Logger

    /// A ledger in that store.
    ///
    /// - Parameter isClockDoubtful: whether the clock may be wrong, so that nothing should be removed
    public convenience init(
        store: any Store, options: Options, now: @escaping @Sendable () -> Timestamp,
        isClockDoubtful: @escaping @Sendable () -> Bool = { false }, logger: Logger
    ) {
        self.init(
            store: store, options: options, now: now, clock: MultiThreadedEventLoopGroup.singleton.any(),
            isClockDoubtful: isClockDoubtful, logger: logger
        ) { keys, done in
            Task {
                do throws(StoreError) {
                    done(.success(try await store.find(keys, in: .identity)))
                } catch {
                    done(.failure(error))
                }
            }
        }
    }

    /// - Parameters:
    ///   - clock: by which events are written and entries searched
    ///   - lookUp: looks up what a decision needs
    init(
        store: any Store, options: Options, now: @escaping @Sendable () -> Timestamp, clock: any EventLoop,
        isClockDoubtful: @escaping @Sendable () -> Bool = { false }, logger: Logger, lookUp: @escaping LookUp
    ) {
        self.store = store
        self.lookUp = lookUp
        self.now = now
        self.clock = clock
        self.isClockDoubtful = isClockDoubtful
        state = NIOLockedValueBox(State(options: options))
        book = IdentityBook(store: store)
        faults = ErrorReport(logger: logger)
        self.logger = logger
    }

    /// What it goes by now.
    public var options: Options { state.withLockedValue { $0.options } }

    /// How it has fared; what is being written counts when that is done.
    public func figures() async -> IdentityFigures {
        let tally = await book.tally
        return state.withLockedValue { state in
            var figures = state.figures
            figures.waiting = state.events.count
            figures.lessons = tally.lessons
            for index in figures.refused.indices { figures.refused[index] += tally.refused[index] }
            return figures
        }
    }

    /// Changes the options from the next event on.
    public func change(to options: Options) {
        state.withLockedValue { $0.options = options }
    }

    // MARK: What event loops ask for

    /// Looks entries up; never blocks.
    ///
    /// - Parameter done: called exactly once, on any thread, perhaps before this returns: with what is there under each key, or nil
    ///   where the store can't be asked
    func find(_ keys: [Key], at moment: NIODeadline, done: @escaping @Sendable ([Sighting?]?) -> Void) {
        let isPaused = state.withLockedValue { state in
            guard let pause = state.pause, moment < pause else { return false }
            state.count(.paused)
            return true
        }
        if isPaused { return done(nil) }
        lookUp(keys) { [state, faults] result in
            switch result {
            case .success(let found):
                let wasPaused = state.withLockedValue { state in
                    state.count(.answered)
                    defer { state.pause = nil }
                    return state.pause != nil
                }
                // The next failure is told again.
                if wasPaused { faults.succeeded(Self.lookingUp) }
                done(found)
            case .failure(let error):
                state.withLockedValue { state in
                    state.count(.failed)
                    state.pause = moment + Self.pause
                }
                faults.failed(Self.lookingUp, error)
                done(nil)
            }
        }
    }

    /// Takes note of something that is to be remembered.
    ///
    /// - Parameter makeEvent: what it is; not called where too much waits already
    func take(_ makeEvent: @autoclosure () throws -> IdentityEvent?) rethrows {
        if hasRoom(), let event = try makeEvent() { append(event) }
    }

    /// Takes note of what outgoing mail teaches, or counts why that is nothing.
    ///
    /// - Parameter makeLesson: not called where too much waits already
    func learn(_ makeLesson: @autoclosure () throws(LessonRefusal) -> IdentityEvent?) {
        guard hasRoom() else { return }
        do throws(LessonRefusal) {
            if let lesson = try makeLesson() { append(lesson) }
        } catch {
            state.withLockedValue { $0.count(error) }
        }
    }

    private func append(_ event: IdentityEvent) {
        state.withLockedValue { state in
            if case .wrote(let correspondence, let organisation, _, _) = event {
                guard !state.isOwn(Array(correspondence.remoteDomain)) else { return state.count(.ownDomain) }
                if organisation == nil { state.count(.shared) }
            }
            state.events.append(event)
        }
    }

    /// Whether one more event may wait; else it is counted as dropped.
    ///
    /// Each event loop may add one beyond the bound.
    private func hasRoom() -> Bool {
        state.withLockedValue { state in
            let hasRoom = state.events.count < Self.eventLimit
            if !hasRoom { state.figures.dropped += 1 }
            return hasRoom
        }
    }

    /// Takes note of a domain that mail came for: it is one of the site's own.
    func takeOwnDomain(_ domain: [UInt8]) {
        state.withLockedValue { state in
            if state.ownDomains.count < Self.domainLimit { state.ownDomains.insert(domain) }
        }
    }

    // MARK: What it does by itself

    /// Writes what it is handed, and removes what is expired, until graceful shutdown; then it writes the rest, unless the store
    /// hangs.
    public func run() async throws {
        let writing = Task {
            while (try? await clock.sleep(for: Self.breath)) != nil { await write() }
        }
        let searching = Task {
            while (try? await clock.sleep(for: TimeAmount(options.interval))) != nil { await maintain() }
        }
        try? await gracefulShutdown()
        writing.cancel()
        searching.cancel()
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        Task {
            await writing.value
            await write()
            end.finish()
        }
        let timer = clock.scheduleTask(in: Self.grace) { end.finish() }
        for await _ in ends {}
        timer.cancel()
    }

    /// Writes the events that wait.
    func write() async {
        while true {
            let (events, options) = state.withLockedValue { state in
                let batch = Array(state.events.prefix(Self.batchLimit))
                state.events.removeFirst(batch.count)
                return (batch, state.options)
            }
            guard !events.isEmpty else { return }
            do throws(StoreError) {
                let written = try await book.write(events, at: now(), by: options)
                state.withLockedValue { $0.figures.written += written }
                faults.succeeded("writing identities")
            } catch {
                // They are lost: none of them is worth more than that it is learnt again.
                state.withLockedValue { $0.figures.dropped += events.count }
                faults.failed("writing identities", error)
                return
            }
        }
    }

    /// Writes events at once, and waits for it: for what an administrator orders.
    func write(_ events: [IdentityEvent]) async throws(StoreError) -> Int {
        try await book.write(events, at: now(), by: options)
    }

    /// Whether a domain is one of the site's own.
    func isOwn(_ domain: [UInt8]) -> Bool {
        state.withLockedValue { $0.isOwn(domain) }
    }

    /// Removes what is expired, and what is too much.
    func maintain() async {
        guard !isClockDoubtful() else {
            return logger.warning("maintenance of the identities is put off: the clock has jumped")
        }
        let task = "maintenance of the identities"
        let start = clock.now
        do throws(StoreError) {
            let search = try await book.search(at: now(), by: options, pause: clock)
            faults.succeeded(task)
            let end = now()
            state.withLockedValue { state in
                state.figures.entries = search.left
                state.figures.removed += search.removed
                state.figures.lastSearch = end
            }
            let took = Double((clock.now - start).nanoseconds) / 1e9
            logger.info("\(task): \(search.visited) entries looked at, \(search.removed) removed, \(took.tenths) s")
        } catch {
            faults.failed(task, error)
        }
    }
}
