import Engine
import Foundation
import Logging
import NIOCore
import NIOEmbedded
import ServiceManager
import TestSupport
import Testing

@testable import Server

/// The server's question to itself, and what the service manager hears of it.
struct LivenessProbeTests {
    @Test(arguments: [1, 3])
    func everyLoopAnswersAgainAndAgain(_ threads: Int) async throws {
        try await ServerStage.run(try ServingTests.engine(), options: .with(\.threads, threads)) { stage in
            var check = try await stage.server.livenessProbe()
            for _ in 0..<5 { #expect(await check.passes(within: .seconds(60))) }
            #expect(await stage.server.counts() == ServerCounts())
            check.close()
            // At the level of debugging anybody else's request is logged.
            #expect(stage.log.allSatisfy { !$0.contains("action=") })
        }
    }

    /// Mail passes then; a restart would bring the store back no sooner.
    @Test func aStoreThatHangsIsNoMatter() async throws {
        let store = FickleStore(.holds)
        try await ServerStage.run(
            try ServingTests.engine(), store: store, options: .with(\.grace, .milliseconds(50))
        ) { stage in
            let client = try Client(path: stage.path)
            try client.send(ServingTests.request())
            for await _ in store.batches { break }
            var check = try await stage.server.livenessProbe()
            #expect(await check.passes(within: .seconds(60)))
            check.close()
        }
    }

    @Test func noClientMakesRoomForIt() async throws {
        try await ServerStage.run(try ServingTests.engine(), options: .with(\.maxConnections, 2)) { stage in
            let clients = try (0..<2).map { _ in try Client(path: stage.path) }
            for client in clients {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == ServingTests.deferral)
            }
            var check = try await stage.server.livenessProbe()
            #expect(await check.passes(within: .seconds(60)))
            for client in clients {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == ServingTests.deferral)
            }
            #expect(await stage.server.counts() == ServerCounts(connections: 2, greylisted: 4))
            check.close()
        }
    }

    /// Keeps an event loop busy until it is let go; returns once it is at it.
    private func hang(_ server: PolicyServer) async -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        // One loop after the other: the first one doesn't come back.
        Task {
            await server.change { _ in
                begin.yield()
                gate.wait()
            }
        }
        for await _ in begun { break }
        return gate
    }

    /// By a clock that is moved: so far off that a loop which isn't held up answers before.
    private static let farOff = TimeAmount.hours(10_000)

    @Test func aLoopThatHangsIsNoticed() async throws {
        try await ServerStage.run(try ServingTests.engine(), options: .with(\.threads, 2)) { stage in
            try await withMovedClock { clock in
                var check = try await stage.server.livenessProbe(clock: clock)
                let gate = await hang(stage.server)
                #expect(await clock.moves(by: .seconds(1)) { await check.passes(within: .seconds(10)) } == false)
                for _ in 0..<2 { gate.signal() }
                for _ in 0..<2 { #expect(await clock.moves { await check.passes(within: Self.farOff) }) }
                check.close()
            }
        }
    }

    @Test func theWatchdogGoesHungryWhileALoopHangs() async throws {
        let reader = try NotifyReader()
        let socket = try NotifySocket(address: reader.address)
        let recorder = LogRecorder()
        // Far longer than an answer takes while the clock is moved in small steps.
        let pause = TimeAmount.hours(3)
        try await ServerStage.run(try ServingTests.engine()) { stage in
            try await withMovedClock { clock in
                let service = WatchdogService(
                    of: stage.server, state: ServiceState(tells: socket), through: socket,
                    watchdog: .seconds(6 * 3_600), clock: clock, logger: recorder.logger())
                let task = Task { try await service.run() }
                for _ in 0..<3 {
                    #expect(await clock.moves { await reader.hears("WATCHDOG=1") })
                    await clock.advanceTime(by: pause)
                }
                #expect(await clock.moves { await reader.hears("WATCHDOG=1") })
                // The next question is put when the clock is moved, and there will be no answer.
                let gate = await hang(stage.server)
                await clock.moves(by: pause) { #expect(await recorder.hears("does not answer its own server")) }
                #expect(!reader.take().contains("WATCHDOG=1"))
                gate.signal()
                await clock.moves { #expect(await recorder.hears("answer again")) }
                #expect(await clock.moves { await reader.hears("WATCHDOG=1") })
                task.cancel()
                try await task.value
            }
        }
        #expect(reader.take().contains("STOPPING=1") == false)
    }
}
