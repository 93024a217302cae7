import Engine
import Greylist
import Logging
import NIOCore
import NIOEmbedded
import SampleOptions
import Storage
import Testing

@testable import Server

/// Memory stands in for a store that is away, and hands over what it learnt.
struct FallbackTests {
    private static let faults: [StoreError] = [
        StoreError(.unavailable, "no disk"), StoreError(.misconfigured, "no password"),
    ]

    /// Plays a store's failure on one event loop; returns what memory has learnt.
    private func learnt(while store: FickleStore) throws -> MemoryStore? {
        let stage = LoopStage(
            try ServingTests.engine(), store: store,
            options: .with(\.hasFallback, true).and(\.requestDeadline, .milliseconds(200)))
        let client = try stage.connect()
        for _ in 0..<7 {
            // Where the store is silent the first one has to wait for the deadline; then the breaker is open.
            if try client.ask(ServingTests.request()) == nil { stage.pass(.milliseconds(200)) } else { continue }
            #expect(try client.reply() == ServingTests.deferral)
        }
        stage.pass(.seconds(301))
        // The probe, which fails like all before.
        try client.send(ServingTests.request(["sender": "probe@example.org"]))
        stage.pass(.milliseconds(200))
        #expect(try client.reply() == ServingTests.deferral)
        #expect(try client.ask(ServingTests.request())?.contains("delayed 301 seconds") == true)
        return stage.fallback
    }

    @Test(arguments: faults.flatMap { [FickleStore.Mood.fails($0), .faults($0)] } + [.loses])
    func greylistingGoesOnInMemoryAndIsHandedOver(_ mood: FickleStore.Mood) async throws {
        let store = FickleStore(mood)
        let fallback = try #require(try learnt(while: store))
        store.mood = .answers
        try await withMovedClock { clock in
            let recorder = LogRecorder()
            let sync = fallbackSync(fallback, store, clock, recorder)
            let service = Task { try await sync.run() }
            #expect(
                await clock.moves { await recorder.hears("2 entries that were learnt") })
            service.cancel()
            try await service.value
        }
        let known = try await all(store, .greylist)
        #expect(known.map(\.sighting.passes) == [1, 0])
    }

    /// Senders that the store knows would be new to memory, and have to wait for nothing.
    @Test func mailPassesWhereTheStoreTakesNoMore() throws {
        let store = FickleStore(.faults(StoreError(.writeRefused, "no room")))
        let stage = LoopStage(try ServingTests.engine(), store: store, options: .with(\.hasFallback, true))
        #expect(try stage.connect().ask(ServingTests.request()) == ServingTests.dunno)
    }

    @Test func whatIsLeftIsHandedOverInTheEnd() async throws {
        let store = FickleStore(.fails(Self.faults[0]))
        try await ServerStage.run(
            try ServingTests.engine(), store: store,
            options: .with(\.hasFallback, true).and(\.storePauses, .hours(1)...(.hours(1))).and(\.grace, .seconds(60))
        ) { stage in
            let client = try Client(path: stage.path)
            for number in 0..<10 {
                try client.send(ServingTests.request(["sender": "s.\(["a", "b"][number % 2])@example.org"]))
                #expect(try await client.reply() == ServingTests.deferral)
            }
            // Nobody asks any more, so nobody knows that it is back.
            store.mood = .answers
        }
        #expect(try await store.scan(.greylist, from: nil, limit: .max).entries.count == 2)
    }

    private func entries(_ count: Int) -> [Entry] {
        (0..<count).map { number in
            let text = Array("192.0.2.0/24 s\(number)@example.org u@example.com".utf8)
            return Entry(
                key: Key(text.span, isHashed: true),
                sighting: Sighting(firstAt: Timestamp(seconds: 1_000 + Int64(number))))
        }
    }

    private func fallbackSync(
        _ fallback: MemoryStore, _ store: FickleStore, _ clock: any EventLoop, _ recorder: LogRecorder = LogRecorder()
    ) -> FallbackSync {
        let logger = recorder.logger()
        return FallbackSync(
            from: fallback, to: store, health: StoreHealth(pause: .seconds(10), logger: logger, clock: clock),
            rules: Rules.sample(), now: { Timestamp(seconds: 5_000) }, clock: clock,
            log: LimitedLog(logger: logger, clock: clock), logger: logger)
    }

    private func all(_ store: some Store, _ table: Table) async throws -> [Entry] {
        try await store.scan(table, from: nil, limit: .max).entries.sorted { $0.sighting.first < $1.sighting.first }
    }

    @Test func bothTablesAreHandedOverInSlices() async throws {
        let (fallback, store, entries) = (MemoryStore(), FickleStore(.answers), entries(2_500))
        for table in Table.allCases {
            try await fallback.merge(entries, into: table, at: Timestamp(seconds: 0), under: Rules.sample())
        }
        try await withMovedClock { clock in
            await fallbackSync(fallback, store, clock).fallbackSync(by: clock.now + .seconds(60))
        }
        for table in Table.allCases {
            #expect(try await all(store, table) == entries)
            #expect(try await all(fallback, table).isEmpty)
        }
    }

    /// A store that refuses, and one that never answers.
    @Test(arguments: [FickleStore.Mood.fails(faults[0]), .loses])
    func whatTheStoreDoesNotTakeIsKept(_ mood: FickleStore.Mood) async throws {
        let (fallback, store, entries) = (MemoryStore(), FickleStore(mood), entries(2_500))
        try await fallback.merge(entries, into: .greylist, at: Timestamp(seconds: 0), under: Rules.sample())
        try await withMovedClock { clock in
            let fallbackSync = fallbackSync(fallback, store, clock)
            await clock.moves { await fallbackSync.fallbackSync(by: clock.now + .milliseconds(50)) }
            let kept = try await all(fallback, .greylist)
            #expect(kept == entries)
            store.mood = .answers
            await fallbackSync.finish(by: clock.now + .seconds(60))
        }
        #expect(try await all(store, .greylist) == entries)
        #expect(try await all(fallback, .greylist).isEmpty)
    }
}
