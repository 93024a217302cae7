import Greylist
import NIOConcurrencyHelpers
import NIOPosix
public import Storage

/// A store in a file, as its storage thread sees it.
///
/// All but ``update(_:done:)`` and ``onThread(_:)`` happens on that thread.
public protocol FileStore: AnyObject, Sendable {
    /// Where it is served.
    var thread: StorageThread { get }

    /// Begins a turn; returns whether background tasks may run in it.
    func beginTurn() -> Bool
    /// Whether the store has a slice of its own to do.
    var hasBackgroundTask: Bool { get }
    /// Answers updates in one piece, or throws what all of them get.
    func judge(_ updates: inout [StorageThread.Update]) throws(StoreError)
    /// Does a slice of its own.
    func runBackgroundTask()
    /// Ends a turn.
    func endTurn()
}

/// The one thread that serves a store in a file, and what waits for it.
public final class StorageThread: Sendable {
    /// A batch of queries, and whom to tell when it is answered.
    public struct Update: Sendable {
        /// The queries, answered in place.
        public var batch: [StoreQuery]
        fileprivate let done: @Sendable (Result<[StoreQuery], StoreError>) -> Void
    }

    fileprivate struct Waiting: Sendable {
        var updates: [Update] = []
        var tasks: [@Sendable () -> Void] = []
        var isServed = false
        /// Whether a turn is asked for, whatever else waits.
        var isWoken = false
    }

    /// Nil where something else takes its place.
    private let pool: NIOThreadPool?
    private let submit: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let waiting = NIOLockedValueBox(Waiting())

    /// A thread that doesn't run yet.
    public init() {
        let pool = NIOThreadPool(numberOfThreads: 1)
        self.pool = pool
        submit = { body in pool.submit { _ in body() } }
    }

    /// What is done one after the other by something that isn't a thread.
    init(submitting submit: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
        pool = nil
        self.submit = submit
    }

    /// Begins to serve; to be called once, when the store is open.
    public func start() {
        pool?.start()
    }

    /// Ends the thread; nothing may be handed to it any more.
    public func shutDown() async {
        try? await pool?.shutdownGracefully()
    }

    fileprivate func enqueue(for store: some FileStore, _ add: (inout Waiting) -> Void) {
        let isServed = waiting.withLockedValue { waiting in
            add(&waiting)
            let isServed = waiting.isServed
            waiting.isServed = true
            return isServed
        }
        if !isServed { submit { self.serve(store) } }
    }

    /// Serves until nothing is waiting: all updates in one piece, then one background task, a caller's or the store's,
    /// so that requests never wait for more than one slice.
    private func serve(_ store: some FileStore) {
        while true {
            let mayRunTasks = store.beginTurn()
            let hasBackgroundTask = mayRunTasks && store.hasBackgroundTask
            let (updates, task, isWoken) = waiting.withLockedValue { waiting in
                let updates = waiting.updates
                waiting.updates = []
                let task = !mayRunTasks || waiting.tasks.isEmpty ? nil : waiting.tasks.removeFirst()
                let isWoken = waiting.isWoken
                waiting.isWoken = false
                waiting.isServed = !updates.isEmpty || task != nil || hasBackgroundTask || isWoken
                return (updates, task, isWoken)
            }
            if updates.isEmpty, task == nil, !hasBackgroundTask, !isWoken { return }
            if !updates.isEmpty { Self.answer(updates, by: store) }
            if let task { task() } else if hasBackgroundTask { store.runBackgroundTask() }
            store.endTurn()
        }
    }

    private static func answer(_ updates: consuming [Update], by store: some FileStore) {
        var updates = updates
        do throws(StoreError) {
            try store.judge(&updates)
            for update in updates { update.done(.success(update.batch)) }
        } catch {
            for update in updates { update.done(.failure(error)) }
        }
    }
}

extension FileStore {
    /// Hands queries to the storage thread; `done` is called there.
    public func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        let update = StorageThread.Update(batch: batch, done: done)
        thread.enqueue(for: self) { $0.updates.append(update) }
    }

    /// Runs `body` on the storage thread, between the updates of two turns.
    public func onThread<Answer: Sendable>(
        _ body: @escaping @Sendable () throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let result: Result<Answer, StoreError> = await withCheckedContinuation { continuation in
            let task: @Sendable () -> Void = { continuation.resume(returning: Result(catching: body)) }
            thread.enqueue(for: self) { $0.tasks.append(task) }
        }
        return try result.get()
    }

    /// Asks for a turn: something has happened on another thread that ``beginTurn()`` is to see.
    public func wake() {
        thread.enqueue(for: self) { $0.isWoken = true }
    }
}
