import Engine
import Greylist
import NIOCore
import Policy
import Storage
import Whitelists

/// What the connections of one event loop share: they bring requests, it finds the answers.
///
/// All queries of one turn of the loop go to the store together as one round; the answers of a round are given when
/// the store has answered, or without it when the deadline comes first. A round that is over takes no more answers, so
/// a late one can't reach another request. While the breaker is open the store gets nothing but a probe, a single
/// request: so nobody else waits for the deadline, and what a store that hangs still has to answer hardly grows.
/// Everything here runs on the event loop.
final class Desk {
    private typealias Asked = Round.Asked

    let eventLoop: any EventLoop
    let terms: ServerTerms
    /// Takes the lines that clients cause.
    let log: LimitedLog
    var postman: Postman
    private let store: any Store
    private let health: StoreHealth
    /// Decides while the store is away.
    private let standIn: MemoryStore?
    private let sink: LogSink
    private let sharedAddresses: SharedAddressWarning

    private var envelope = Envelope()
    private var sharedAddressWatch = SharedAddressWatch()
    private var batch: [StoreQuery] = []
    private var asking: [Asked] = []
    private var rounds: [Round] = []
    /// Connections with replies that are to be sent.
    private var unflushed: [Connection] = []
    private var breaker: Breaker
    /// Whether what is asked at the end of this turn is the probe.
    private var isProbing = false
    private var nextNumber = 0
    private var isTurnScheduled = false
    private var isDeadlineScheduled = false
    private var records = LogRecords()
    /// How many requests of clients got their answers; plain numbers, since only this loop counts.
    private(set) var greylisted = 0
    private(set) var passed = 0

    init(
        eventLoop: any EventLoop, terms: ServerTerms, postman: Postman, store: any Store, health: StoreHealth,
        standIn: MemoryStore?, sink: LogSink, log: LimitedLog, sharedAddresses: SharedAddressWarning
    ) {
        self.eventLoop = eventLoop
        self.terms = terms
        self.postman = postman
        self.store = store
        self.health = health
        self.standIn = standIn
        breaker = Breaker(pauses: terms.storePauses)
        self.sink = sink
        self.log = log
        self.sharedAddresses = sharedAddresses
    }

    /// Answers a request at once, or returns nil and delivers the answer to the connection later.
    func take(_ request: PolicyRequest, from connection: Connection) -> Outcome? {
        scheduleEndOfTurn()
        switch postman.answer(request, at: terms.now(), using: &envelope) {
        case .outcome(let outcome):
            note(outcome, on: request, of: connection)
            return outcome
        case .query(let query, let entry):
            if envelope.client.isPrivate { watchPrivateClient() }
            guard breaker.isClosed || admitsProbe() else {
                let outcome = answer(request, query, entry)
                note(outcome, on: request, of: connection)
                return outcome
            }
            batch.append(query)
            asking.append(Asked(connection: connection, request: request, entry: entry))
            return nil
        }
    }

    /// The envelope is that of a request that is judged: a relay of the site's own is whitelisted, or never asked about.
    private func watchPrivateClient() {
        let isShared = envelope.readSender { sender, _ in
            !sender.isEmpty && sharedAddressWatch.note(envelope.client, sender: sender)
        }
        if isShared { sharedAddresses.tell(envelope.client) }
    }

    private func admitsProbe() -> Bool {
        guard breaker.admitsProbe(at: .now()) else { return false }
        isProbing = true
        return true
    }

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

    /// Sends the replies of a connection together with those of others: when all that came in this turn has been read,
    /// or when all answers of the store are written.
    ///
    /// So those who wait are woken in one go, and not one between two requests, which costs as much as a request.
    func flushLater(_ connection: Connection) {
        if connection.hasReplies { unflushed.append(connection) }
    }

    private func flush() {
        for connection in unflushed { connection.flush() }
        unflushed.removeAll(keepingCapacity: true)
    }

    private func askStore() {
        guard !batch.isEmpty else { return }
        nextNumber += 1
        let number = nextNumber
        rounds.append(
            Round(number: number, deadline: .now() + terms.requestDeadline, isProbe: isProbing, asking: asking))
        asking = []
        asking.reserveCapacity(batch.count)
        isProbing = false
        scheduleDeadline()
        let desk = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let batch = batch
        self.batch = []
        // The next turn is likely to bring as many.
        self.batch.reserveCapacity(batch.count)
        store.update(batch) { result in
            if eventLoop.inEventLoop {
                desk.value.finish(number, result)
            } else {
                eventLoop.execute { desk.value.finish(number, result) }
            }
        }
    }

    private func finish(_ number: Int, _ result: Result<[StoreQuery], StoreError>) {
        guard let index = rounds.firstIndex(where: { $0.number == number }) else { return }
        let round = rounds.remove(at: index)
        // First of all: a connection that gets its answer may bring its next request at once.
        breaker.note(
            result.isAnswer ? .answered : .failed, isProbe: round.isProbe, at: .now(), jitter: .random(in: 0...1))
        switch result {
        case .success(let queries): deliver(queries, to: round)
        case .failure(let fault):
            health.failed(fault)
            giveUp(round, takesNoMore: fault.code == .writeRefused)
        }
        flush()
        writeLog()
    }

    private func deliver(_ queries: [StoreQuery], to round: Round) {
        let now = terms.now()
        var fault: StoreError?
        for index in queries.indices {
            let asked = round.asking[index]
            if let judgement = queries[index].judgement {
                let outcome = postman.conclude(asked.request, judgement.verdict, at: now, entry: asked.entry)
                deliver(outcome, to: asked, judgement)
            } else if let own = queries[index].error {
                fault = own
                giveUp(asked, takesNoMore: own.code == .writeRefused)
            } else {
                preconditionFailure("a store answered a query with neither a judgement nor an error")
            }
        }
        if let fault { health.failed(fault) } else if breaker.isClosed { health.succeeded() }
    }

    /// Answers everything that is with the store without it; for the end of the server.
    func giveUpAll() {
        let all = rounds
        rounds = []
        for round in all { giveUp(round) }
        flush()
        writeLog()
    }

    private func giveUp(_ round: Round, takesNoMore: Bool = false) {
        for asked in round.asking { giveUp(asked, takesNoMore: takesNoMore) }
    }

    /// Answers without the store what was with it; the query is made anew, so that no other request has to keep one.
    private func giveUp(_ asked: Asked, takesNoMore: Bool) {
        switch postman.answer(asked.request, at: terms.now(), using: &envelope) {
        case .outcome(let outcome): deliver(outcome, to: asked)
        case .query(let query, let entry):
            deliver(answer(asked.request, query, entry, takesNoMore: takesNoMore), to: asked)
        }
    }

    /// Answers without the store: from memory where it stands in, else as the site wants it.
    ///
    /// What the store takes no more of passes in any case.
    ///
    /// A store that takes no more doesn't open the breaker: what it knows is as good as ever, and requests that need
    /// nothing written fare best with it. So while the breaker is open `takesNoMore` is never meant.
    private func answer(
        _ request: PolicyRequest, _ query: StoreQuery, _ entry: Whitelist.Match?, takesNoMore: Bool = false
    ) -> Outcome {
        health.countUnanswered()
        if !takesNoMore, let verdict = standIn?.decide([query]).first?.judgement?.verdict {
            return postman.conclude(request, verdict, at: query.time, entry: entry)
        }
        return postman.withoutStore(request, takesNoMore: takesNoMore, at: query.time, entry: entry)
    }

    private func deliver(_ outcome: Outcome, to asked: Asked, _ judgement: Judgement? = nil) {
        note(outcome, on: asked.request, of: asked.connection, judgement)
        asked.connection.deliver(outcome)
    }

    /// One timer for the oldest round is enough: all have the same time, and the next one takes its place.
    private func scheduleDeadline() {
        guard !isDeadlineScheduled, let oldest = rounds.first else { return }
        isDeadlineScheduled = true
        eventLoop.assumeIsolated().scheduleTask(deadline: oldest.deadline) {
            self.isDeadlineScheduled = false
            let now = NIODeadline.now()
            while let round = self.rounds.first, round.deadline <= now {
                self.rounds.removeFirst()
                self.breaker.note(.late, isProbe: round.isProbe, at: now, jitter: .random(in: 0...1))
                let limit = self.terms.requestDeadline.seconds
                self.health.failed(StoreError(.unavailable, "the store did not answer within \(limit) s"))
                self.giveUp(round)
            }
            self.flush()
            self.writeLog()
            self.scheduleDeadline()
        }
    }

    /// Counts an outcome, and logs it.
    private func note(
        _ outcome: Outcome, on request: PolicyRequest, of connection: Connection, _ judgement: Judgement? = nil
    ) {
        guard !connection.isOwn else { return }
        if outcome.isGreylisting { greylisted += 1 } else { passed += 1 }
        let level = sink.level
        guard outcome.logLevel <= level else { return }
        let now = terms.now()
        if level == .debug { logSteps(to: outcome, on: request, judgement, at: now) }
        records.append(decision: outcome, on: request, at: now, in: sink.form)
    }

    private func logSteps(to outcome: Outcome, on request: PolicyRequest, _ judgement: Judgement?, at now: Timestamp) {
        // The envelope may be another request's by now; nobody needs that any more.
        records.append(
            stepsTo: outcome, on: request, envelope: postman.addresses(&envelope, of: request) ? envelope : nil,
            judgement: judgement, at: now, in: sink.form)
    }

    private func writeLog() {
        sink.write(&records)
    }
}

extension TimeAmount {
    fileprivate var seconds: Double { Double(nanoseconds) / 1e9 }
}
