import Engine
import Foundation
import Logging
import NIOCore
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
        let store = SlowStore()
        try await ServerStage.run(
            try ServingTests.engine(), store: store, options: .with(\.grace, .milliseconds(50))
        ) { stage in
            let client = try Client(path: stage.path)
            try client.send(ServingTests.request())
            while store.count == 0 { try await Task.sleep(for: .milliseconds(2)) }
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

    /// Keeps an event loop busy until it is let go.
    private func hang(_ server: PolicyServer) -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        // One loop after the other: the first one doesn't come back.
        Task { await server.change { _ in gate.wait() } }
        return gate
    }

    @Test func aLoopThatHangsIsNoticed() async throws {
        try await ServerStage.run(try ServingTests.engine(), options: .with(\.threads, 2)) { stage in
            var check = try await stage.server.livenessProbe()
            #expect(await check.passes(within: .seconds(60)))
            let gate = hang(stage.server)
            var passes = true
            // Until the loop is at it.
            for _ in 0..<600 where passes { passes = await check.passes(within: .milliseconds(100)) }
            #expect(!passes)
            for _ in 0..<2 { gate.signal() }
            #expect(await check.passes(within: .seconds(60)))
            #expect(await check.passes(within: .seconds(60)))
            check.close()
        }
    }

    @Test func theWatchdogGoesHungryWhileALoopHangs() async throws {
        let reader = try NotifyReader()
        let socket = try NotifySocket(address: reader.address)
        try await ServerStage.run(try ServingTests.engine()) { stage in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let watchdogService = WatchdogService(
                of: stage.server, state: ServiceState(tells: socket), through: socket, watchdog: .milliseconds(100),
                logger: logger)
            let task = Task { try await watchdogService.run() }
            for _ in 0..<3 { #expect(await reader.hears("WATCHDOG=1")) }
            let gate = hang(stage.server)
            // Those that were fed before the loop was at it; then none.
            var quiet = 0
            for _ in 0..<6_000 where quiet < 50 {
                try await Task.sleep(for: .milliseconds(10))
                quiet = reader.take().contains("WATCHDOG=1") ? 0 : quiet + 1
            }
            #expect(quiet == 50)
            gate.signal()
            #expect(await reader.hears("WATCHDOG=1"))
            task.cancel()
            try await task.value
        }
        #expect(reader.take().contains("STOPPING=1") == false)
    }
}
