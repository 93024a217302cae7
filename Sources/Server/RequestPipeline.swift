import Engine
import Greylist
import LogOutput
import NIOCore
import Policy
import Storage

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
    private var gate: StoreGate<Connection>
    private let store: any Store
    private let health: StoreHealth
    /// Answers while the store is unavailable.
    private let fallback: MemoryStore?
    private let sharedAddresses: SharedAddressWarning

    private var envelope = Envelope()
    private var sharedAddressWatch = SharedAddressWatch()
    /// Connections that have got a reply from the store, and haven't gone on yet.
    private var answered: [Connection] = []
    /// Connections with replies that are to be sent.
    private var unflushed: [Connection] = []
    private var isTurnScheduled = false
    private var isDeadlineScheduled = false
    private var decisions: DecisionLog
    /// How many requests of clients got their answers; plain numbers, since only this loop counts.
    private(set) var greylisted = 0
    private(set) var passed = 0

    init(
        eventLoop: any EventLoop, options: ServerOptions, engine: PolicyEngine, store: any Store, health: StoreHealth,
        fallback: MemoryStore?, sink: LogSink, log: LimitedLog, sharedAddresses: SharedAddressWarning
    ) {
        self.eventLoop = eventLoop
        self.options = options
        self.engine = engine
        self.store = store
        self.health = health
        self.fallback = fallback
        gate = StoreGate(
            timeout: options.requestDeadline, pauses: options.storePauses, keepsQueries: fallback != nil)
        decisions = DecisionLog(to: sink)
        self.log = log
        self.sharedAddresses = sharedAddresses
    }

    /// Decides about a request at once, or returns nil and delivers the decision to the connection later.
    func take(_ request: PolicyRequest, from connection: Connection) -> DecisionRecord? {
        scheduleEndOfTurn()
        switch engine.decide(request, at: options.now(), using: &envelope) {
        case .done(let record):
            note(record, on: request, of: connection)
            return record
        case .needsStore(let decision, let query):
            if envelope.client.isPrivate { watchPrivateClient() }
            if gate.admit(decision, asking: query, from: connection, at: eventLoop.now) { return nil }
            let record = finish(decision, asking: query, with: .unavailable)
            note(record, on: request, of: connection)
            return record
        }
    }

    /// Answers everything that is with the store without it; for the end of the server.
    func settleAll() {
        for settled in gate.settleAll() { deliver(settled) }
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
        let isShared = envelope.readSender { sender, _ in
            !sender.isEmpty && sharedAddressWatch.note(envelope.client, sender: sender)
        }
        if isShared { sharedAddresses.tell(envelope.client) }
    }

    // MARK: The turns of the loop

    /// Runs when all sockets that were ready in this turn have been read.
    private func scheduleEndOfTurn() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isTurnScheduled = false
            self.askStore()
            self.flush()
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
            while let settled = self.gate.settleLate(at: now, jitter: .random(in: 0...1)) { self.deliver(settled) }
            self.endDelivery()
            self.scheduleDeadline()
        }
    }

    // MARK: What the store answers

    private func take(_ result: Result<[StoreQuery], StoreError>, of number: Int) {
        guard let settled = gate.settle(number, by: result, at: eventLoop.now, jitter: .random(in: 0...1)) else {
            return
        }
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
            let record = finish(
                request.decision, asking: settled.query(at: index), with: settled.answer(at: index))
            note(record, on: request.decision.request, of: request.origin)
            request.origin.deliver(record)
            answered.append(request.origin)
        }
    }

    /// Lets connections go on that have got a reply: what they ask goes into the next batch.
    private func endDelivery() {
        for connection in answered { connection.proceed() }
        answered.removeAll(keepingCapacity: true)
        flush()
        writeLog()
    }

    /// Finishes a decision: by what the store said, or without it from memory where there is a fallback, else as the site
    /// wants it.
    ///
    /// A store that can't write is no reason for the fallback: what it knows is as good as ever, so the breaker stays closed,
    /// and requests that need nothing written fare best with it.
    private func finish(
        _ decision: Decision, asking query: @autoclosure () -> StoreQuery?, with answer: Decision.StoreAnswer
    ) -> DecisionRecord {
        var answer = answer
        switch answer {
        case .judged: break
        case .full: health.countUnanswered()
        case .unavailable:
            health.countUnanswered()
            if let fallback, let query = query(), let judgement = fallback.decide([query]).first?.judgement {
                answer = .judged(judgement)
            }
        }
        return engine.finish(decision, with: answer, at: options.now())
    }

    private func flush() {
        for connection in unflushed { connection.flush() }
        unflushed.removeAll(keepingCapacity: true)
    }

    // MARK: What is told of decisions

    /// Counts a decision, and logs it.
    private func note(_ record: DecisionRecord, on request: PolicyRequest, of connection: Connection) {
        guard !connection.isOwn else { return }
        if record.isGreylisting { greylisted += 1 } else { passed += 1 }
        // The envelope may be another request's by now; nobody needs that any more.
        decisions.append(record, on: request, at: options.now()) {
            engine.addresses(&envelope, of: request) ? envelope : nil
        }
    }

    private func writeLog() {
        decisions.flush()
    }
}
