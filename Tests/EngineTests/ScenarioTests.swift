import Engine
import Greylist
import NIOCore
import Policy
import ScenarioFiles
import Storage
import StoreContract
import Testing

/// Every scenario, played in the engine itself: no socket, no server.
struct ScenarioTests {
    struct EngineStage: Stage {
        var engine: PolicyEngine
        let store: MemoryStore
        var now = Scenario.start
        private var (attempt, message) = (Attempt(), MessageProgress())

        init(engine: PolicyEngine, store: MemoryStore) {
            self.engine = engine
            self.store = store
        }

        mutating func wait(_ seconds: Int64) {
            now.seconds += seconds
        }

        mutating func change(to keys: KeyScheme) {
            var options = engine.options
            options.keys = keys
            engine.change(options: options)
        }

        mutating func play(_ bytes: [UInt8]) async throws -> String {
            var buffer = ByteBuffer(bytes: bytes)
            var decoder = PolicyDecoder()
            let request = try #require(try decoder.next(in: &buffer))
            switch engine.decide(request, of: &message, at: now, using: &attempt) {
            case .done(let record): return record.reply.text
            case .needsFacts: throw Scenario.ParseError("", 0, "no scenario asks the DNS")
            case .needsStore(let decision, let query):
                let judgement = try #require(try await store.answer([query])[0].judgement)
                let record = engine.settle(decision, by: .judged(judgement), at: now)
                message.note(record, at: now)
                return record.reply.text
            }
        }
    }

    @Test(arguments: try Scenario.all())
    func playsInTheEngine(_ scenario: Scenario) async throws {
        let store = MemoryStore()
        var stage = EngineStage(engine: try scenario.engine(), store: store)
        try await scenario.play(on: &stage, store: store)
    }

    @Test func aScenarioThatIsWrongIsNoticed() async throws {
        for text in ["> x=1\n< DUNNO\n", "> x=1\n> x=1\n< DUNNO\n", "> x=1\n", "entries 1\n"] {
            let scenario = try Scenario(name: "wrong", text: text)
            let store = MemoryStore()
            var stage = EngineStage(engine: try scenario.engine(), store: store)
            await #expect(throws: Scenario.ParseError.self) { try await scenario.play(on: &stage, store: store) }
        }
        for text in ["say x", "set a", "wait x", "> novalue", "allow client x", "entries x", "key x", "key 1 2 3"] {
            #expect(throws: Scenario.ParseError.self) { try Scenario(name: "wrong", text: text) }
        }
    }
}
