import Engine
import Greylist
import ScenarioFiles
import Storage
import Testing

@testable import Server

/// Every scenario again, through a real server on a real socket, with a clock that is moved.
struct ScenarioTests {
    struct SocketStage: Stage {
        let client: Client
        let clock: Clock
        let server: PolicyServer

        var now: Timestamp { clock.now() }

        func change(to keys: KeyScheme) async {
            await server.change { engine in
                var options = engine.options
                options.keys = keys
                engine.change(options: options)
            }
        }

        func wait(_ seconds: Int64) { clock.move(seconds) }

        func play(_ request: [UInt8]) async throws -> String {
            try client.send(request)
            let reply = try #require(try await client.reply())
            #expect(reply.hasPrefix("action=") && reply.hasSuffix("\n\n"))
            return String(reply.dropFirst(7).dropLast(2))
        }
    }

    @Test(arguments: try Scenario.all())
    func playsOnASocket(_ scenario: Scenario) async throws {
        let store = MemoryStore()
        try await ServerStage.run(try scenario.engine(), store: store) { stage in
            var socket = SocketStage(client: try Client(path: stage.path), clock: stage.clock, server: stage.server)
            try await scenario.play(on: &socket, store: store)
        }
    }
}
