import Engine
import Greylist
import NIOCore
import Storage

/// Which requests of one event loop are with the store, and until when: batches, their deadlines, the circuit breaker.
///
/// All queries of one turn of the loop go to the store together as one batch. A batch is settled once, by the store's answer,
/// by its deadline or by the end of the server; what comes for it later is dropped, so a late answer can't reach another
/// request. While the breaker is open the store gets nothing but a probe, a single request: so nobody else waits for
/// the deadline, and what a store that hangs still has to answer hardly grows.
///
/// A pure machine: it asks no store, runs no timer and reads no clock. What it returns is for its owner to do.
///
/// - `Origin`: who waits for an answer
struct StoreGate<Origin> {
    /// A decision that waits for the store.
    struct PendingRequest {
        let origin: Origin
        let decision: Decision
    }

    /// What a batch says of the store.
    enum Health: Equatable {
        case unchanged
        case succeeded
        case failed(StoreError)
    }

    /// A batch that is over.
    struct Settled {
        /// Its requests, each of which has an answer.
        let requests: [PendingRequest]
        /// When it went to the store.
        let start: NIODeadline
        /// What it says of the store.
        let health: Health
        /// Whether the store didn't answer in time.
        let isLate: Bool
        private let queries: [StoreQuery]
        private let error: StoreError?
        /// What it asked; empty where the gate doesn't keep that.
        private let kept: [StoreQuery]

        /// A batch that the store answered.
        fileprivate init(_ batch: Batch, answeredBy queries: [StoreQuery], isClosed: Bool) {
            (requests, start, kept) = (batch.requests, batch.start, batch.queries)
            self.queries = queries
            error = nil
            isLate = false
            let failed = queries.last { $0.judgement == nil }?.error
            health = failed.map { .failed($0) } ?? (isClosed ? .succeeded : .unchanged)
        }

        /// A batch that has no answer.
        fileprivate init(_ batch: Batch, failedBy error: StoreError?, isLate: Bool = false) {
            (requests, start, kept) = (batch.requests, batch.start, batch.queries)
            self.error = error
            self.isLate = isLate
            queries = []
            health = error.map { .failed($0) } ?? .unchanged
        }

        /// What the request at that position asked; nil where the gate doesn't keep that.
        func query(at index: Int) -> StoreQuery? { kept.isEmpty ? nil : kept[index] }

        /// What the store answered to the request at that position, which it must have done.
        func answered(at index: Int) -> StoreQuery { queries[index] }

        /// The answer to the request at that position.
        func answer(at index: Int) -> Decision.StoreAnswer {
            guard !queries.isEmpty else { return error?.code == .writeRefused ? .full : .unavailable }
            if let judgement = queries[index].judgement { return .judged(judgement) }
            guard let error = queries[index].error else {
                preconditionFailure("a store answered a query with neither a judgement nor an error")
            }
            return error.code == .writeRefused ? .full : .unavailable
        }
    }

    fileprivate struct Batch {
        let number: Int
        let start: NIODeadline
        let deadline: NIODeadline
        /// Whether it is there to find out if the store is back; then it is a single request.
        let isProbe: Bool
        let requests: [PendingRequest]
        let queries: [StoreQuery]
    }

    private let timeout: TimeAmount
    private let keepsQueries: Bool
    private var breaker: CircuitBreaker
    /// What goes to the store at the end of this turn.
    private var queries: [StoreQuery] = []
    private var requests: [PendingRequest] = []
    /// Whether that is the probe.
    private var isProbing = false
    /// With the store, in the order of their deadlines.
    private var batches: [Batch] = []
    private var lastNumber = 0
    /// What became of the batches that are over.
    private(set) var figures = BatchFigures()

    /// A gate with a closed breaker.
    ///
    /// - Parameters:
    ///   - timeout: how long the store has for a batch
    ///   - pauses: how long a store that fails is left alone: at first, and at most
    ///   - keepsQueries: whether somebody else is to be asked what the store doesn't answer
    init(timeout: TimeAmount, pauses: ClosedRange<TimeAmount>, keepsQueries: Bool) {
        self.timeout = timeout
        self.keepsQueries = keepsQueries
        breaker = CircuitBreaker(pauses: pauses)
    }

    /// Whether the store is asked as if nothing had ever been.
    var isOpen: Bool { breaker.isClosed }

    /// Takes a decision to the next batch; false where it has to do without the store.
    mutating func admit(
        _ decision: Decision, asking query: StoreQuery, from origin: Origin, at now: @autoclosure () -> NIODeadline
    ) -> Bool {
        if !breaker.isClosed {
            guard breaker.admitsProbe(at: now()) else { return false }
            isProbing = true
        }
        queries.append(query)
        requests.append(PendingRequest(origin: origin, decision: decision))
        return true
    }

    /// Ends the turn: the queries to put to the store, and the number under which they are answered; nil where there are none.
    mutating func nextBatch(at now: @autoclosure () -> NIODeadline) -> (number: Int, queries: [StoreQuery])? {
        guard !queries.isEmpty else { return nil }
        lastNumber += 1
        let start = now()
        batches.append(
            Batch(
                number: lastNumber, start: start, deadline: start + timeout, isProbe: isProbing, requests: requests,
                queries: keepsQueries ? queries : []))
        isProbing = false
        let batch = queries
        // The next turn is likely to bring as many.
        (queries, requests) = ([], [])
        queries.reserveCapacity(batch.count)
        requests.reserveCapacity(batch.count)
        return (lastNumber, batch)
    }

    /// When the oldest batch is late; nil where none is with the store.
    var deadline: NIODeadline? { batches.first?.deadline }

    /// Settles a batch that the store answered; nil where it is settled already.
    mutating func settle(
        _ number: Int, by result: Result<[StoreQuery], StoreError>, at now: @autoclosure () -> NIODeadline,
        jitter: @autoclosure () -> Double
    ) -> Settled? {
        guard let index = batches.firstIndex(where: { $0.number == number }) else { return nil }
        let batch = batches.remove(at: index)
        let isAnswer = result.isAnswer
        if isAnswer { figures.answered += 1 } else { figures.failed += 1 }
        breaker.note(isAnswer ? .answered : .failed, isProbe: batch.isProbe, at: now(), jitter: jitter())
        switch result {
        case .success(let queries):
            return Settled(batch, answeredBy: queries, isClosed: breaker.isClosed)
        case .failure(let error): return Settled(batch, failedBy: error)
        }
    }

    /// Settles the oldest batch if it is late.
    mutating func settleLate(at now: NIODeadline, jitter: @autoclosure () -> Double) -> Settled? {
        guard let batch = batches.first, batch.deadline <= now else { return nil }
        batches.removeFirst()
        figures.late += 1
        breaker.note(.late, isProbe: batch.isProbe, at: now, jitter: jitter())
        let limit = Double(timeout.nanoseconds) / 1e9
        return Settled(
            batch, failedBy: StoreError(.unavailable, "the store did not answer within \(limit) s"), isLate: true)
    }

    /// Settles what would go to the store at the end of this turn, for the end of the server; nil where there is nothing.
    mutating func settleUnsent() -> Settled? {
        guard !requests.isEmpty else { return nil }
        let kept = keepsQueries ? queries : []
        defer { (queries, requests) = ([], []) }
        return Settled(
            Batch(
                number: 0, start: .distantFuture, deadline: .distantFuture, isProbe: false, requests: requests,
                queries: kept), failedBy: nil
        )
    }

    /// Settles everything that is with the store, for the end of the server.
    mutating func settleAll() -> [Settled] {
        defer { batches = [] }
        return batches.map { Settled($0, failedBy: nil) }
    }
}

extension Result<[StoreQuery], StoreError> {
    /// Whether the store did what it could; it need not have judged all.
    fileprivate var isAnswer: Bool {
        switch self {
        case .success(let queries): queries.contains { $0.judgement != nil || $0.error?.code == .writeRefused }
        case .failure(let error): error.code == .writeRefused
        }
    }
}
