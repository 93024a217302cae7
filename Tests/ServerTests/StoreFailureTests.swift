import Engine
import Greylist
import LogOutput
import NIOCore
import Storage
import Testing

@testable import Server

/// A store that fails, is late, or is full: mail goes on, and so does greylisting when the store is back.
struct StoreFailureTests {
    private static let dunno = ServingTests.dunno
    private static let deferral = ServingTests.deferral
    private static let gone = StoreError(.unavailable, "no disk")
    private static let full = StoreError(.writeRefused, "no room")
    private static let soon = TimeAmount.milliseconds(1)...TimeAmount.milliseconds(1)
    private static let never = TimeAmount.hours(1)...TimeAmount.hours(1)

    /// Asks for one sender after the other until that is the answer, at most a minute.
    private func eventually(_ client: Client, _ expected: String) async throws -> Bool {
        for number in 0..<6_000 {
            try client.send(ServingTests.request(["sender": "probe\(number)@example.org"]))
            if try await client.reply() == expected { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test(arguments: [(false, dunno), (true, deferral)])
    func theDeadlineIsKeptAndALateAnswerReachesNobody(_ defers: Bool, _ expected: String) async throws {
        let store = FickleStore(.holds)
        try await ServerStage.run(
            try ServingTests.engine { $0.defersOnStoreError = defers }, store: store,
            options: .with(\.requestDeadline, .milliseconds(100)).and(\.storePauses, Self.soon)
        ) { stage in
            let client = try Client(path: stage.path)
            try client.send(ServingTests.request())
            #expect(try await client.reply() == expected)
            #expect(await stage.logged("did not answer within 0.1 s"))
            try client.send(ServingTests.request(["sender": "another@example.org"]))
            #expect(try await client.reply() == expected)
            // The answers come now, when nobody waits for them any more.
            store.release()
            try client.send(ServingTests.request(["protocol_state": "DATA"]))
            #expect(try await client.reply() == Self.dunno)
            #expect(try await eventually(client, Self.deferral))
            #expect(stage.log.count { $0.contains("did not answer") } == 1)
        }
    }

    /// A verdict that lets mail pass comes late, while another request waits that must not pass.
    @Test func nobodyGetsTheVerdictOnAnother() async throws {
        let store = FickleStore(.answers)
        try await ServerStage.run(
            try ServingTests.engine { $0.defersOnStoreError = true }, store: store,
            options: .with(\.requestDeadline, .milliseconds(500)).and(\.storePauses, Self.soon)
        ) { stage in
            let client = try Client(path: stage.path)
            try client.send(ServingTests.request())
            #expect(try await client.reply() == Self.deferral)
            stage.clock.move(301)
            store.mood = .holds
            try client.send(ServingTests.request())
            #expect(try await client.reply() == Self.deferral)
            while store.held < 2 {
                // Answered without the store until the pause is over; the next one is the probe.
                let other = try Client(path: stage.path)
                try other.send(ServingTests.request(["sender": "another@example.org"]))
                try await Task.sleep(for: .milliseconds(10))
                if store.held == 2 { store.release() }
                #expect(try await other.reply() == Self.deferral)
                if case .answers = store.mood { break }
            }
        }
    }

    @Test func whileTheBreakerIsOpenAStoreThatHangsIsNotAsked() async throws {
        let store = FickleStore(.holds)
        try await ServerStage.run(
            try ServingTests.engine(), store: store,
            options: .with(\.requestDeadline, .milliseconds(100)).and(\.storePauses, Self.never)
        ) { stage in
            let client = try Client(path: stage.path)
            for number in 0..<20 {
                try client.send(ServingTests.request(["sender": "s\(number)@example.org"]))
                #expect(try await client.reply() == Self.dunno)
            }
            #expect(store.asked == 1)
        }
    }

    @Test(arguments: [FickleStore.Mood.fails(gone), .faults(gone)])
    func fiveFailuresOpenTheBreaker(_ mood: FickleStore.Mood) async throws {
        let store = FickleStore(mood)
        try await ServerStage.run(
            try ServingTests.engine(), store: store, options: .with(\.storePauses, Self.never)
        ) { stage in
            let client = try Client(path: stage.path)
            for _ in 0..<20 {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.dunno)
            }
            #expect(store.asked == 5)
        }
    }

    @Test func oneRequestAtATimeProbesTheStoreAndTheOthersDoNotWait() async throws {
        let store = FickleStore(.fails(Self.gone))
        try await ServerStage.run(
            try ServingTests.engine(), store: store, options: .with(\.storePauses, Self.soon)
        ) { stage in
            let (probe, others) = (try Client(path: stage.path), try (0..<20).map { _ in try Client(path: stage.path) })
            for _ in 0..<5 {
                try probe.send(ServingTests.request())
                #expect(try await probe.reply() == Self.dunno)
            }
            store.mood = .holds
            while store.held == 0 {
                // Answered without the store until the pause is over; the next one is the probe, and waits.
                try probe.send(ServingTests.request())
                try await Task.sleep(for: .milliseconds(10))
            }
            for client in others {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.dunno)
            }
            #expect(store.held == 1)
            store.release()
            #expect(try await eventually(others[0], Self.deferral))
        }
    }

    @Test func aStoreWhoseAnswersAreLostIsFoundAgain() async throws {
        let store = FickleStore(.loses)
        try await ServerStage.run(
            try ServingTests.engine(), store: store,
            options: .with(\.requestDeadline, .milliseconds(50)).and(\.storePauses, Self.soon)
        ) { stage in
            let client = try Client(path: stage.path)
            for _ in 0..<5 {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.dunno)
            }
            store.mood = .answers
            #expect(try await eventually(client, Self.deferral))
        }
    }

    @Test func aThousandWhoWaitAreAllAnswered() async throws {
        try await ServerStage.run(
            try ServingTests.engine(), store: FickleStore(.loses), level: .none,
            options: .with(\.requestDeadline, .seconds(1)).and(\.threads, 2)
        ) { stage in
            let clients = try (0..<1_000).map { _ in try Client(path: stage.path) }
            for client in clients { try client.send(ServingTests.request()) }
            for client in clients { #expect(try await client.reply() == Self.dunno) }
        }
    }

    @Test(arguments: [FickleStore.Mood.fails(full), .faults(full)])
    func aStoreThatIsFullLetsMailPassAndIsStillAsked(_ mood: FickleStore.Mood) async throws {
        let store = FickleStore(mood)
        try await ServerStage.run(try ServingTests.engine { $0.defersOnStoreError = true }, store: store) { stage in
            let client = try Client(path: stage.path)
            for _ in 0..<20 {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.dunno)
            }
            #expect(store.asked == 20)
            store.mood = .answers
            try client.send(ServingTests.request())
            #expect(try await client.reply() == Self.deferral)
        }
    }

    @Test func aFaultOfAQueryIsAnsweredAsTheSiteWantsIt() async throws {
        let store = FickleStore(.faults(Self.gone))
        try await ServerStage.run(try ServingTests.engine { $0.defersOnStoreError = true }, store: store) { stage in
            let client = try Client(path: stage.path)
            try client.send(ServingTests.request())
            #expect(try await client.reply() == Self.deferral)
            #expect(await stage.logged("reason=store unavailable"))
            #expect(await stage.logged("no disk"))
        }
    }

    @Test func aStoreThatFailsIsNamedOnceAndItsReturnToo() async throws {
        let store = FickleStore(.fails(Self.gone))
        try await ServerStage.run(
            try ServingTests.engine(), store: store, options: .with(\.storeLinePause, .nanoseconds(1))
        ) { stage in
            let client = try Client(path: stage.path)
            for _ in 0..<4 {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.dunno)
            }
            store.mood = .answers
            for _ in 0..<5 {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.deferral)
            }
            #expect(await stage.logged("the store answers again"))
            #expect(stage.log.count { $0.contains("no disk") } == 1)
            #expect(stage.log.count { $0.hasSuffix("; 4 requests were answered without it") } == 1)
            #expect(stage.log.count { $0.contains("reason=store unavailable") } == 4)
        }
    }

    /// It is held back, and a timer tells it.
    @Test func aReturnThatIsHeldBackIsToldInTheEnd() async throws {
        let store = FickleStore(.fails(Self.gone))
        try await ServerStage.run(
            try ServingTests.engine(), store: store, options: .with(\.storeLinePause, .milliseconds(500))
        ) { stage in
            let client = try Client(path: stage.path)
            try client.send(ServingTests.request())
            #expect(try await client.reply() == Self.dunno)
            store.mood = .answers
            try client.send(ServingTests.request())
            #expect(try await client.reply() == Self.deferral)
            #expect(await stage.logged("the store answers again"))
        }
    }
}
