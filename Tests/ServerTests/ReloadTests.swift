import Control
import Greylist
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle
import ServiceLifecycleTestKit
import Testing
import UnixSignals

@testable import Server

@Suite("Reloads")
struct ReloadTests {
    /// What was ordered, one after the other.
    private let orders = NIOLockedValueBox<[Reload.Order]>([])
    private let clock = Clock()

    private func reload(
        watches: [Reload.Watch] = [], _ read: @escaping @Sendable (Reload.Order) async -> ControlReply
    ) async -> Reload {
        Reload(
            signals: await UnixSignalsSequence(trapping: .sigusr2), watches: watches, now: clock.now,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { [orders] order in
            orders.withLockedValue { $0.append(order) }
            return ReloadResult(reply: await read(order))
        }
    }

    /// Runs it while `body` runs.
    private func run<Result: Sendable>(
        _ reload: Reload, _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await reload.run() }
                let result = try await body()
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
                return result
            }
        }
    }

    @Test("whoever asks gets the result of an own order")
    func results() async throws {
        let reload = await reload { order in
            ControlReply(status: order.acceptsShrunk ? 65 : 0, messages: ["read"], warnings: [])
        }
        #expect(reload.figures == ReloadFigures())
        try await run(reload) { [clock] in
            #expect(await reload.carryOut(Reload.Order()) == ControlReply(messages: ["read"]))
            clock.move(60)
            for _ in 0..<2 { #expect(await reload.carryOut(Reload.Order(acceptsShrunk: true)).status == 65) }
        }
        let end = clock.now()
        #expect(reload.figures.counts == [1, 2])
        #expect(reload.figures.last == [Timestamp(seconds: end.seconds - 60), end])
        let accepting = Reload.Order(acceptsShrunk: true)
        #expect(orders.withLockedValue { $0 } == [Reload.Order(), accepting, accepting])
    }

    @Test("what is asked for while a reading runs shares the next one")
    func sharing() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        let reload = await reload { _ in
            arrived.yield()
            for await _ in gate { break }
            return ControlReply()
        }
        try await run(reload) {
            async let first = reload.carryOut(Reload.Order())
            for await _ in arrivals { break }
            async let second = reload.carryOut(Reload.Order(isForChange: true))
            async let third = reload.carryOut(Reload.Order(isForChange: true, acceptsShrunk: true))
            // Both have to be waiting before the first reading ends.
            while reload.waiting < 2 { await Task.yield() }
            open.yield()
            open.yield()
            _ = await (first, second, third)
        }
        #expect(
            orders.withLockedValue { $0 } == [Reload.Order(), Reload.Order(isForChange: true, acceptsShrunk: true)])
    }

    @Test("a watch that sees a change has things read, for that reason")
    func watching() async throws {
        let looks = NIOLockedValueBox(0)
        let (readings, wasRead) = AsyncStream.makeStream(of: Void.self)
        let isThirdLook: @Sendable () async -> Bool = {
            looks.withLockedValue { looks in
                looks += 1
                return looks == 3
            }
        }
        let watch = Reload.Watch(every: { .milliseconds(1) }, hasChanged: isThirdLook)
        let reload = await reload(watches: [watch]) { _ in
            wasRead.yield()
            return ControlReply()
        }
        try await run(reload) {
            for await _ in readings { break }
        }
        #expect(orders.withLockedValue { $0 } == [Reload.Order(isForChange: true)])
    }

    @Test("once it has ended, nobody waits for it")
    func ended() async throws {
        let reload = await reload { _ in ControlReply() }
        try await run(reload) {}
        #expect(await reload.carryOut(Reload.Order()).status == 69)
        #expect(orders.withLockedValue { $0 } == [])
    }
}
