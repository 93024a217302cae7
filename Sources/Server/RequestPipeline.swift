import Engine
import Greylist
import LogOutput
import NIOCore
import Policy
import Resolver
import SPF
import Storage
import Whitelists

/// The order of requests and replies on one event loop: its connections bring requests, and get their replies.
///
/// It owns nothing of a decision: the engine makes it, the gate says what goes to the store and what becomes of that. What
/// connections ask once they have a reply is taken up when all replies of a batch are given, never in between.
/// Everything here runs on the event loop, by its clock.
final class RequestPipeline {
    let eventLoop: any EventLoop
    let options: ServerOptions
    /// Takes the lines that clients cause.
    let log: LimitedLog
    var engine: PolicyEngine
    var gate: StoreGate<Connection>
    /// What has to be found out beside what the store knows.
    var inquiries: Inquiries
    let store: any Store
    private let health: StoreHealth
    /// Answers while the store is unavailable.
    private let fallback: MemoryStore?
    private let sharedAddresses: SharedAddressWarning
    /// From 0 to 1: by how much a pause of the circuit breaker is cut.
    private let jitter: () -> Double

    var attempt: Attempt
    private var sharedAddressWatch = SharedAddressWatch()
    /// Connections that have got a reply from the store, and haven't gone on yet.
    private var answered: [Connection] = []
    /// Connections with replies that are to be sent.
    private var unflushed: [Connection] = []
    private var isTurnScheduled = false
    private var isDeadlineScheduled = false
    private var decisions: DecisionLog
    /// Takes decisions to the history; nil where none is kept.
    private var trail: DecisionTrail?
    private(set) var figures = RequestFigures()
    /// When this turn began, and how many requests were answered in it at once.
    private var turn = (start: NIODeadline.uptimeNanoseconds(0), replies: 0)
    /// How many requests the store had no say in, by `ServerFigures.WithoutStore`; a plain number, since only this loop counts.
    private(set) var withoutStore = ServerFigures().withoutStore

    init(
        eventLoop: any EventLoop, options: ServerOptions, engine: PolicyEngine, store: any Store, health: StoreHealth,
        fallback: MemoryStore?, resolver: LoopResolver?, ledger: IdentityLedger?, sink: LogSink,
        history: DecisionQueue?,
        log: LimitedLog, sharedAddresses: SharedAddressWarning,
        jitter: @escaping () -> Double = { .random(in: 0...1) }
    ) {
        self.eventLoop = eventLoop
        self.options = options
        self.engine = engine
        self.store = store
        self.health = health
        self.fallback = fallback
        gate = StoreGate(
            timeout: options.requestDeadline, pauses: options.storePauses, keepsQueries: fallback != nil)
        inquiries = Inquiries(resolver, ledger, options)
        attempt = Attempt(loops: options.threads)
        decisions = DecisionLog(to: sink)
        trail = history.map { DecisionTrail(to: $0) }
        self.log = log
        self.sharedAddresses = sharedAddresses
        self.jitter = jitter
    }

    /// Decides about a request at once, or returns nil and delivers the decision to the connection later.
    func take(_ request: PolicyRequest, from connection: Connection) -> DecisionRecord? {
        scheduleEndOfTurn()
        (connection.requestStart, connection.hasAskedDNS) = (turn.start, false)
        guard let record = decide(request, knowing: nil, from: connection) else { return nil }
        if !connection.isOwn { turn.replies += 1 }
        note(record, on: request, of: connection)
        return record
    }

    /// Decides about a request; nil where that has to wait for the store or the DNS.
    func decide(
        _ request: PolicyRequest, knowing facts: DNSFacts?, from connection: Connection
    ) -> DecisionRecord? {
        switch engine.decide(request, knowing: facts, of: &connection.message, at: options.now(), using: &attempt) {
        case .done(let record): return record
        case .needsStore(let decision, let query):
            if attempt.envelope.client.isPrivate { watchPrivateClient() }
            if let domain = engine.ownDomain(of: request, using: &attempt) { inquiries.ledger?.takeOwnDomain(domain) }
            if gate.admit(decision, asking: query, from: connection, at: eventLoop.now) { return nil }
            return settle(decision, asking: query)
        case .needsFacts(let question):
            guard let facts = self.facts(for: question, about: request, from: connection) else { return nil }
            return decide(request, knowing: facts, from: connection)
        }
    }

    /// Answers everything that is with the store or the DNS without them; for the end of the server.
    func settleAll() {
        for settled in gate.settleAll() { deliver(settled) }
        endInquiries()
        if let settled = gate.settleUnsent() { deliver(settled) }
        endDelivery()
    }

    /// Sends the replies of a connection together with those of others: when all that came in this turn has been read,
    /// or when all answers of the store are written.
    ///
    /// So those who wait are woken in one go, and not one between two requests, which costs as much as a request.
    func flushLater(_ connection: Connection) {
        if connection.hasReplies { unflushed.append(connection) }
    }

    /// The envelope is that of a request that is judged: a relay of the site's own is whitelisted, or never asked about.
    private func watchPrivateClient() {
        let client = attempt.envelope.client
        let isShared = attempt.envelope.readSender { sender, _ in
            !sender.isEmpty && sharedAddressWatch.note(client, sender: sender)
        }
        if isShared { sharedAddresses.tell(client) }
    }

    // MARK: The turns of the loop

    /// Runs when all sockets that were ready in this turn have been read.
    func scheduleEndOfTurn() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        turn = (eventLoop.now, 0)
        eventLoop.assumeIsolated().execute {
            self.isTurnScheduled = false
            self.askStore()
            self.askLedger()
            self.flush()
            if self.turn.replies > 0 {
                self.figures.noteReplies(
                    self.turn.replies, after: self.eventLoop.now - self.turn.start, isByDNS: false)
            }
            self.writeLog()
        }
    }

    private func askStore() {
        guard let (number, queries) = gate.nextBatch(at: eventLoop.now) else { return }
        scheduleDeadline()
        let pipeline = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        store.update(queries) { result in
            if eventLoop.inEventLoop {
                pipeline.value.take(result, of: number)
            } else {
                eventLoop.execute { pipeline.value.take(result, of: number) }
            }
        }
    }

    /// One timer for the oldest batch is enough: all have the same time, and the next one takes its place.
    private func scheduleDeadline() {
        guard !isDeadlineScheduled, let deadline = gate.deadline else { return }
        isDeadlineScheduled = true
        eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.isDeadlineScheduled = false
            let now = self.eventLoop.now
            while let settled = self.gate.settleLate(at: now, jitter: self.jitter()) {
                self.figures.noteStore(after: now - settled.start)
                self.deliver(settled)
            }
            self.endDelivery()
            self.scheduleDeadline()
        }
    }

    // MARK: What the store answers

    private func take(_ result: Result<[StoreQuery], StoreError>, of number: Int) {
        let now = eventLoop.now
        guard let settled = gate.settle(number, by: result, at: now, jitter: jitter()) else { return }
        figures.noteStore(after: now - settled.start)
        deliver(settled)
        endDelivery()
    }

    private func deliver(_ settled: StoreGate<Connection>.Settled) {
        switch settled.health {
        case .unchanged: break
        case .succeeded: health.succeeded()
        case .failed(let error): health.failed(error)
        }
        for (index, request) in settled.requests.enumerated() {
            switch settled.answer(at: index) {
            case .unavailable:
                deliver(
                    settle(
                        request.decision, asking: settled.query(at: index),
                        since: settled.isLate ? .late : .unavailable), request.decision.request, to: request.origin)
            case let answer:
                if case .full = answer { count(.full) }
                switch engine.finish(request.decision, with: answer, at: options.now()) {
                case .done(let record): deliver(record, request.decision.request, to: request.origin)
                case .needsIdentity(let decision):
                    askDNS(about: decision, asking: settled.answered(at: index), from: request.origin)
                case .needsStanding(let decision):
                    askStanding(of: decision, asking: settled.answered(at: index), from: request.origin)
                }
            }
        }
    }

    func deliver(_ record: DecisionRecord, _ request: PolicyRequest, to connection: Connection) {
        note(record, on: request, of: connection)
        connection.deliver(record)
        answered.append(connection)
    }

    /// Lets connections go on that have got a reply: what they ask goes into the next batch.
    func endDelivery() {
        noteReplies()
        for connection in answered { connection.proceed() }
        answered.removeAll(keepingCapacity: true)
        flush()
        writeLog()
    }

    /// Ends a decision without the store: from memory where there is a fallback, else as the site wants it.
    ///
    /// A store that can't write is no reason for the fallback: what it knows is as good as ever, so the breaker stays closed,
    /// and requests that need nothing written fare best with it.
    func settle(
        _ decision: Decision, asking query: @autoclosure () -> StoreQuery?,
        since cause: ServerFigures.WithoutStore = .unavailable
    ) -> DecisionRecord {
        count(cause)
        var answer = Decision.StoreAnswer.unavailable
        if let fallback, var query = query() {
            query.isPreliminary = false
            if let judgement = fallback.decide([query]).first?.judgement { answer = .judged(judgement) }
        }
        return engine.settle(decision, by: answer, at: options.now())
    }

    private func count(_ cause: ServerFigures.WithoutStore) {
        health.countUnanswered()
        withoutStore[cause.rawValue] += 1
    }

    private func flush() {
        for connection in unflushed { connection.flush() }
        unflushed.removeAll(keepingCapacity: true)
    }

    /// Counts how long those waited that have got a reply; many of them for the same time.
    private func noteReplies() {
        guard let first = answered.first else { return }
        let now = eventLoop.now
        var (start, isByDNS, count) = (first.requestStart, first.hasAskedDNS, 0)
        for connection in answered where !connection.isOwn {
            if connection.requestStart != start || connection.hasAskedDNS != isByDNS {
                if count > 0 { figures.noteReplies(count, after: now - start, isByDNS: isByDNS) }
                (start, isByDNS, count) = (connection.requestStart, connection.hasAskedDNS, 0)
            }
            count += 1
        }
        if count > 0 { figures.noteReplies(count, after: now - start, isByDNS: isByDNS) }
    }

    // MARK: What is told of decisions

    /// Counts a decision, and logs it.
    private func note(_ record: DecisionRecord, on request: PolicyRequest, of connection: Connection) {
        guard !connection.isOwn else { return }
        let now = options.now()
        connection.message.note(record, at: now)
        engine.note(record, on: request, at: now, using: &attempt)
        figures.decisions.note(record, on: request)
        trail?.append(record, on: request, at: now)
        remember(record, on: request, at: now)
        // The envelope may be another request's by now; nobody needs that any more.
        decisions.append(record, on: request, at: now) {
            engine.addresses(&attempt.envelope, of: request) ? attempt.envelope : nil
        }
    }

    private func writeLog() {
        decisions.flush()
        trail?.flush()
    }
}
