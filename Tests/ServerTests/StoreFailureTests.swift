import Engine
import Greylist
import LogOutput
import NIOCore
import Storage
import Testing

@testable import Server

/// A store that fails, is late, or is full: mail goes on, and so does greylisting when the store is back.
///
/// A pause of the breaker may be cut by up to a half; here it is one millisecond, or an hour.
struct StoreFailureTests {
    private static let dunno = ServingTests.dunno
    private static let deferral = ServingTests.deferral
    private static let gone = StoreError(.unavailable, "no disk")
    private static let full = StoreError(.writeRefused, "no room")
    private static let soon = TimeAmount.milliseconds(1)...TimeAmount.milliseconds(1)
    private static let never = TimeAmount.hours(1)...TimeAmount.hours(1)

    // MARK: The deadline

    @Test(arguments: [(false, dunno), (true, deferral)])
    func theDeadlineIsKeptAndALateAnswerReachesNobody(_ defers: Bool, _ expected: String) throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(
            try ServingTests.engine { $0.defersOnStoreError = defers }, store: store,
            options: .with(\.requestDeadline, .milliseconds(100)).and(\.storePauses, Self.soon))
        let client = try stage.connect()
        try client.send(ServingTests.request())
        stage.pass(.milliseconds(99))
        #expect(try client.reply() == nil)
        stage.pass(.milliseconds(1))
        #expect(try client.reply() == expected)
        #expect(stage.log.count { $0.contains("did not answer within 0.1 s") } == 1)
        // The breaker is open.
        #expect(try client.ask(ServingTests.request(["sender": "another@example.org"])) == expected)
        #expect(store.asked == 1)
        // The answer comes now, when nobody waits for it any more.
        store.release()
        stage.endTurn()
        #expect(try client.reply() == nil)
        #expect(try client.ask(ServingTests.request(["protocol_state": "DATA"])) == Self.dunno)
        stage.pass(.milliseconds(1))
        #expect(try client.ask(ServingTests.request(["sender": "third@example.org"])) == Self.deferral)
        #expect(stage.log.count { $0.contains("did not answer") } == 1)
    }

    /// Each batch has its own deadline.
    @Test func aThousandWhoWaitAreAllAnswered() throws {
        let stage = LoopStage(
            try ServingTests.engine(), store: FickleStore(.loses), level: .none,
            options: .with(\.requestDeadline, .seconds(1)))
        let clients = try (0..<1_000).map { _ in try stage.connect() }
        for (number, client) in clients.enumerated() {
            try client.send(ServingTests.request(), endsTurn: number % 100 == 99)
            if number == 499 { stage.pass(.milliseconds(300)) }
        }
        stage.pass(.milliseconds(700))
        for client in clients[..<500] { #expect(try client.reply() == Self.dunno) }
        for client in clients[500...] { #expect(try client.reply() == nil) }
        stage.pass(.milliseconds(300))
        for client in clients[500...] { #expect(try client.reply() == Self.dunno) }
    }

    /// A verdict that lets mail pass comes late, while another request waits that must not pass.
    @Test func nobodyGetsTheVerdictOnAnother() throws {
        let store = FickleStore(.answers)
        let stage = LoopStage(
            try ServingTests.engine { $0.defersOnStoreError = true }, store: store,
            options: .with(\.requestDeadline, .milliseconds(500)).and(\.storePauses, Self.soon))
        let (client, other) = (try stage.connect(), try stage.connect())
        #expect(try client.ask(ServingTests.request()) == Self.deferral)
        stage.pass(.seconds(301))
        store.mood = .holds
        #expect(try client.ask(ServingTests.request()) == nil)
        stage.pass(.milliseconds(500))
        #expect(try client.reply() == Self.deferral)
        // The probe.
        stage.pass(.milliseconds(1))
        #expect(try other.ask(ServingTests.request(["sender": "another@example.org"])) == nil)
        #expect(store.held == 2)
        store.release()
        #expect(try other.reply() == Self.deferral)
        #expect(try other.reply() == nil)
        #expect(try client.reply() == nil)
    }

    // MARK: The circuit breaker

    @Test func whileTheBreakerIsOpenAStoreThatHangsIsNotAsked() throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(
            try ServingTests.engine(), store: store,
            options: .with(\.requestDeadline, .milliseconds(100)).and(\.storePauses, Self.never))
        let client = try stage.connect()
        #expect(try client.ask(ServingTests.request()) == nil)
        stage.pass(.milliseconds(100))
        #expect(try client.reply() == Self.dunno)
        for number in 0..<29 {
            #expect(try client.ask(ServingTests.request(["sender": "s\(number)@example.org"])) == Self.dunno)
            stage.pass(.minutes(1))
        }
        #expect(store.asked == 1)
    }

    @Test(arguments: [FickleStore.Mood.fails(gone), .faults(gone)])
    func fiveFailuresOpenTheBreaker(_ mood: FickleStore.Mood) throws {
        let store = FickleStore(mood)
        let stage = LoopStage(try ServingTests.engine(), store: store, options: .with(\.storePauses, Self.never))
        let client = try stage.connect()
        for number in 1...20 {
            #expect(try client.ask(ServingTests.request()) == Self.dunno)
            #expect(store.asked == min(number, 5))
        }
    }

    @Test func oneRequestAtATimeProbesTheStoreAndTheOthersDoNotWait() throws {
        let store = FickleStore(.fails(Self.gone))
        let stage = LoopStage(try ServingTests.engine(), store: store, options: .with(\.storePauses, Self.soon))
        let (probe, others) = (try stage.connect(), try (0..<20).map { _ in try stage.connect() })
        for _ in 0..<5 { #expect(try probe.ask(ServingTests.request()) == Self.dunno) }
        store.mood = .holds
        // Answered without the store until the pause is over; the next one is the probe, and waits.
        #expect(try probe.ask(ServingTests.request()) == Self.dunno)
        stage.pass(.milliseconds(1))
        #expect(try probe.ask(ServingTests.request()) == nil)
        for client in others { #expect(try client.ask(ServingTests.request()) == Self.dunno) }
        #expect(store.held == 1)
        store.release()
        #expect(try probe.reply() == Self.deferral)
        for client in others { #expect(try client.ask(ServingTests.request()) == Self.deferral) }
    }

    @Test func aStoreWhoseAnswersAreLostIsFoundAgain() throws {
        let store = FickleStore(.loses)
        let stage = LoopStage(
            try ServingTests.engine(), store: store,
            options: .with(\.requestDeadline, .milliseconds(50)).and(\.storePauses, Self.soon))
        let client = try stage.connect()
        for number in 1...5 {
            #expect(try client.ask(ServingTests.request()) == nil)
            stage.pass(.milliseconds(50))
            #expect(try client.reply() == Self.dunno)
            #expect(store.asked == number)
            stage.pass(.milliseconds(1))
        }
        store.mood = .answers
        #expect(try client.ask(ServingTests.request()) == Self.deferral)
    }

    // MARK: What the store refuses

    @Test(arguments: [FickleStore.Mood.fails(full), .faults(full)])
    func aStoreThatIsFullLetsMailPassAndIsStillAsked(_ mood: FickleStore.Mood) throws {
        let store = FickleStore(mood)
        let stage = LoopStage(try ServingTests.engine { $0.defersOnStoreError = true }, store: store)
        let client = try stage.connect()
        for _ in 0..<20 { #expect(try client.ask(ServingTests.request()) == Self.dunno) }
        #expect(store.asked == 20)
        store.mood = .answers
        #expect(try client.ask(ServingTests.request()) == Self.deferral)
    }

    @Test func aFaultOfAQueryIsAnsweredAsTheSiteWantsIt() throws {
        let store = FickleStore(.faults(Self.gone))
        let stage = LoopStage(try ServingTests.engine { $0.defersOnStoreError = true }, store: store)
        #expect(try stage.connect().ask(ServingTests.request()) == Self.deferral)
        #expect(stage.log.count { $0.contains("reason=store unavailable") } == 1)
        #expect(stage.log.count { $0.contains("no disk") } == 1)
    }

    // MARK: What the log says

    @Test func aStoreThatFailsIsNamedOnceAndItsReturnToo() throws {
        let store = FickleStore(.fails(Self.gone))
        let stage = LoopStage(try ServingTests.engine(), store: store)
        let client = try stage.connect()
        for _ in 0..<4 { #expect(try client.ask(ServingTests.request()) == Self.dunno) }
        stage.pass(.seconds(20))
        store.mood = .answers
        for _ in 0..<5 { #expect(try client.ask(ServingTests.request()) == Self.deferral) }
        #expect(stage.log.count { $0.contains("no disk") } == 1)
        #expect(
            stage.log.count {
                $0.hasSuffix("the store answers again, after 20.0 s; 4 requests were answered without it")
            } == 1)
        #expect(stage.log.count { $0.contains("reason=store unavailable") } == 4)
    }

    /// It is held back, and a timer tells it.
    @Test func aReturnThatIsHeldBackIsToldInTheEnd() throws {
        let store = FickleStore(.fails(Self.gone))
        let stage = LoopStage(
            try ServingTests.engine(), store: store, options: .with(\.storeLinePause, .milliseconds(500)))
        let client = try stage.connect()
        #expect(try client.ask(ServingTests.request()) == Self.dunno)
        store.mood = .answers
        #expect(try client.ask(ServingTests.request()) == Self.deferral)
        stage.pass(.milliseconds(499))
        #expect(!stage.log.contains { $0.contains("the store answers again") })
        stage.pass(.milliseconds(1))
        #expect(stage.log.count { $0.contains("the store answers again") } == 1)
    }
}
