import Engine
import Greylist
import Logging
import NIOCore
import Policy
import Storage

/// What the connections of one event loop share: they bring requests, it finds the answers.
///
/// All inquiries of one turn of the loop go to the store together as one round; the answers of a round are given when
/// the store has answered, or without it when the deadline comes first. A round that is over takes no more answers, so
/// a late one can't reach another request. Until the store has answered what it is late with, it is not asked any more:
/// nobody else has to wait for the deadline, and nothing piles up. Everything here runs on the event loop.
final class Desk {
    private struct Round {
        let number: Int
        let deadline: NIODeadline
        var asking: [(connection: Connection, request: PolicyRequest)]
    }

    let eventLoop: any EventLoop
    let terms: ServerTerms
    let logger: Logger
    var postman: Postman
    private let store: any Store
    private let health: StoreHealth
    private let sink: LogSink

    private var envelope = Envelope()
    private var batch: [Inquiry] = []
    private var asking: [(connection: Connection, request: PolicyRequest)] = []
    private var rounds: [Round] = []
    /// Rounds that were given up and that the store still has to answer.
    private var overdue: Set<Int> = []
    private var nextNumber = 0
    private var isTurnScheduled = false
    private var isDeadlineScheduled = false
    private var lines: [UInt8] = []
    private var lineCount = 0

    init(
        eventLoop: any EventLoop, terms: ServerTerms, postman: Postman, store: any Store, health: StoreHealth,
        sink: LogSink, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.terms = terms
        self.postman = postman
        self.store = store
        self.health = health
        self.sink = sink
        self.logger = logger
    }

    /// Answers a request at once, or returns nil and delivers the answer to the connection later.
    func take(_ request: PolicyRequest, from connection: Connection) -> Outcome? {
        scheduleEndOfTurn()
        switch postman.answer(request, at: terms.now(), using: &envelope) {
        case .outcome(let outcome):
            log(outcome, on: request)
            return outcome
        case .inquiry(let inquiry):
            guard overdue.isEmpty else {
                let outcome = postman.withoutStore(request, at: inquiry.time)
                log(outcome, on: request)
                return outcome
            }
            batch.append(inquiry)
            asking.append((connection, request))
            return nil
        }
    }

    /// Runs when all sockets that were ready in this turn have been read.
    private func scheduleEndOfTurn() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isTurnScheduled = false
            self.askStore()
            self.writeLog()
        }
    }

    private func askStore() {
        guard !batch.isEmpty else { return }
        nextNumber += 1
        let number = nextNumber
        rounds.append(Round(number: number, deadline: .now() + terms.requestDeadline, asking: asking))
        asking = []
        scheduleDeadline()
        let desk = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let batch = batch
        self.batch = []
        store.update(batch) { result in
            if eventLoop.inEventLoop {
                desk.value.finish(number, result)
            } else {
                eventLoop.execute { desk.value.finish(number, result) }
            }
        }
    }

    private func finish(_ number: Int, _ result: Result<[Inquiry], StoreError>) {
        guard let index = rounds.firstIndex(where: { $0.number == number }) else {
            overdue.remove(number)
            return
        }
        let round = rounds.remove(at: index)
        switch result {
        case .success(let inquiries):
            health.succeeded()
            let now = terms.now()
            for (inquiry, asked) in zip(inquiries, round.asking) {
                guard let verdict = inquiry.judgement?.verdict else {
                    preconditionFailure("a store answered an inquiry without judging it")
                }
                deliver(postman.conclude(asked.request, verdict, at: now), to: asked)
            }
        case .failure(let error):
            health.failed(error.description)
            giveUp(round)
        }
        writeLog()
    }

    /// Answers everything that is with the store without it; for the end of the server.
    func giveUpAll() {
        for round in rounds {
            overdue.insert(round.number)
            giveUp(round)
        }
        rounds = []
        writeLog()
    }

    private func giveUp(_ round: Round) {
        let now = terms.now()
        for asked in round.asking { deliver(postman.withoutStore(asked.request, at: now), to: asked) }
    }

    private func deliver(_ outcome: Outcome, to asked: (connection: Connection, request: PolicyRequest)) {
        log(outcome, on: asked.request)
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
                self.overdue.insert(round.number)
                self.health.failed("the store did not answer within \(self.terms.requestDeadline.seconds) s")
                self.giveUp(round)
            }
            self.writeLog()
            self.scheduleDeadline()
        }
    }

    private func log(_ outcome: Outcome, on request: PolicyRequest) {
        guard outcome.logLevel <= terms.logLevel else { return }
        lines.append(decision: outcome, on: request)
        lineCount += 1
    }

    private func writeLog() {
        guard lineCount > 0 else { return }
        sink.write(&lines, count: lineCount)
        lineCount = 0
    }
}

extension TimeAmount {
    fileprivate var seconds: Double { Double(nanoseconds) / 1e9 }
}
