import Engine
import Greylist
import Logging
import NIOCore
import Storage
import Testing

@testable import Server

/// Memory stands in for a store that is away, and hands over what it learnt.
struct FallbackTests {
    private static let faults: [StoreError] = [
        StoreError(.unavailable, "no disk"), StoreError(.misconfigured, "no password"),
    ]

    @Test(arguments: faults.flatMap { [FickleStore.Mood.fails($0), .faults($0)] } + [.loses])
    func greylistingGoesOnInMemoryAndIsHandedOver(_ mood: FickleStore.Mood) async throws {
        let store = FickleStore(mood)
        try await ServerStage.run(
            try ServingTests.engine(), store: store,
            options: .with(\.hasFallback, true).and(\.requestDeadline, .milliseconds(200))
                .and(\.storePauses, .milliseconds(1)...(.milliseconds(1)))
        ) { stage in
            let client = try Client(path: stage.path)
            for _ in 0..<7 {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == ServingTests.deferral)
            }
            stage.clock.move(301)
            try client.send(ServingTests.request())
            #expect(try await client.reply()?.contains("delayed 301 seconds") == true)
            store.mood = .answers
            var handedOver = false
            for number in 0..<6_000 where !handedOver {
                try client.send(ServingTests.request(["sender": "s\(number)@example.org"]))
                #expect(try await client.reply() != nil)
                try await Task.sleep(for: .milliseconds(10))
                handedOver = stage.log.contains { $0.contains("were handed over") }
            }
            #expect(handedOver)
            let known = try await store.scan(.greylist, from: nil, limit: .max).entries
            #expect(known.contains { $0.sighting.passes == 1 })
        }
    }

    /// Senders that the store knows would be new to memory, and have to wait for nothing.
    @Test func mailPassesWhereTheStoreTakesNoMore() async throws {
        let store = FickleStore(.faults(StoreError(.writeRefused, "no room")))
        try await ServerStage.run(try ServingTests.engine(), store: store, options: .with(\.hasFallback, true)) {
            stage in
            let client = try Client(path: stage.path)
            try client.send(ServingTests.request())
            #expect(try await client.reply() == "action=DUNNO\n\n")
        }
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

    private func fallbackSync(_ fallback: MemoryStore, _ store: FickleStore) -> FallbackSync {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let health = StoreHealth(pause: .seconds(10), logger: logger) { _, _ in }
        return FallbackSync(
            from: fallback, to: store, health: health, rules: Rules(), now: { Timestamp(seconds: 5_000) },
            log: LimitedLog(logger: logger) { _, _ in }, logger: logger)
    }

    private func all(_ store: some Store, _ table: Table) async throws -> [Entry] {
        try await store.scan(table, from: nil, limit: .max).entries.sorted { $0.sighting.first < $1.sighting.first }
    }

    @Test func bothTablesAreHandedOverInSlices() async throws {
        let (fallback, store, entries) = (MemoryStore(), FickleStore(.answers), entries(2_500))
        for table in Table.allCases {
            try await fallback.merge(entries, into: table, at: Timestamp(seconds: 0), under: Rules())
        }
        await fallbackSync(fallback, store).fallbackSync(by: .now + .seconds(60))
        for table in Table.allCases {
            #expect(try await all(store, table) == entries)
            #expect(try await all(fallback, table).isEmpty)
        }
    }

    /// A store that refuses, and one that never answers.
    @Test(arguments: [FickleStore.Mood.fails(faults[0]), .loses])
    func whatTheStoreDoesNotTakeIsKept(_ mood: FickleStore.Mood) async throws {
        let (fallback, store, entries) = (MemoryStore(), FickleStore(mood), entries(2_500))
        try await fallback.merge(entries, into: .greylist, at: Timestamp(seconds: 0), under: Rules())
        let fallbackSync = fallbackSync(fallback, store)
        await fallbackSync.fallbackSync(by: .now + .milliseconds(50))
        #expect(try await all(fallback, .greylist) == entries)
        store.mood = .answers
        await fallbackSync.finish(by: .now + .seconds(60))
        #expect(try await all(store, .greylist) == entries)
        #expect(try await all(fallback, .greylist).isEmpty)
    }
}
