import Greylist
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RedisClient
import RedisLab
import SampleOptions
import Storage
import StoreContract
import StoreURLs
import Testing

@testable import RedisStore

/// What lies in Redis: keys, records, expiry, and what isn't ours.
struct EntriesTests {
    private static let triplet = "192.0.2.0/24/a@example.org/u@example.com"

    private func url(_ server: RedisServer, _ database: Int = 0) -> String {
        "redis://\(server.host):\(server.port)/\(database)"
    }

    private func life(of key: String, on server: RedisServer) async throws -> Int? {
        Int(try await server.command("TTL", key).filter { $0.isNumber || $0 == "-" })
    }

    @Test func entriesLiveAsLongAsTheRulesSay() async throws {
        try await withServer(.plain) { server in
            let store = try openStore(url(server), keyPrefix: "t:")
            let rules = Rules.sample(retryWindow: 1_000, maxAge: 5_000, clientCount: 3)
            _ = try await store.ask("a", client: "net", isHashed: false, at: 1_000, under: rules)
            #expect((900...1_001).contains(try #require(try await life(of: "t:a", on: server))))
            #expect(try await server.command("GET", "t:a").hasPrefix("0,1000"))
            _ = try await store.ask("a", client: "net", isHashed: false, at: 1_400, under: rules)
            #expect((4_900...5_001).contains(try #require(try await life(of: "t:a", on: server))))
            #expect((4_900...5_001).contains(try #require(try await life(of: "t:awl:net", on: server))))
            #expect(try await server.command("GET", "t:a").hasPrefix("1,1400"))
            // A use that isn't recorded doesn't lengthen the entry's life.
            _ = try await server.command("EXPIRE", "t:a", "100")
            #expect(try await store.ask("a", isHashed: false, at: 1_556, under: rules) == .known)
            #expect(try await server.command("GET", "t:a").hasPrefix("1,1400"))
            #expect((0...100).contains(try #require(try await life(of: "t:a", on: server))))
            _ = try await store.ask("a", isHashed: false, at: 1_557, under: rules)
            #expect(try await server.command("GET", "t:a").hasPrefix("2,1557"))
            #expect((4_900...5_001).contains(try #require(try await life(of: "t:a", on: server))))
            let moved = Sighting(passes: 2, first: Timestamp(seconds: 500), last: Timestamp(seconds: 600))
            let entry = Entry(key: Key(Array("b".utf8).span, isHashed: false), sighting: moved)
            try await store.merge([entry], into: .greylist, at: Timestamp(seconds: 1_600), under: rules)
            #expect((3_900...4_001).contains(try #require(try await life(of: "t:b", on: server))))
            await store.close()
        }
    }

    /// The limit is one of first attempts, and those are in the greylist alone.
    @Test func whatIsDroppedOfTheGreylistStaysInOtherTables() async throws {
        try await withServer(.plain) { server in
            let store = try openStore(url(server), keyPrefix: "t:")
            let rules = Rules.sample(maxPending: 1)
            let now = Timestamp(seconds: 9_000)
            let entry = Entry(
                key: Key(Array("lane:example.org".utf8).span, isHashed: false),
                sighting: Sighting(firstAt: Timestamp(seconds: 1_000)))
            try await store.merge([entry], into: .identity, at: now, under: rules)
            for time: Int64 in [1_000, 9_000] { _ = try await store.ask("a \(time)", at: time, under: rules) }
            #expect(try await store.maintain(.identity, at: 9_000, limit: 10).removed == 0)
            #expect(try await store.everything(in: .identity) == [entry])
            #expect(try await store.maintain(.greylist, at: 9_000, limit: 10).removed == 1)
            await store.close()
        }
    }

    @Test func twoInstancesSeeAndRemoveTheSame() async throws {
        try await withServer(.plain) { server in
            let stores = try (0..<2).map { _ in try openStore(url(server), keyPrefix: "t:") }
            let keys = ["day:example.org", "lane:example.org"].map { Key(Array($0.utf8).span, isHashed: false) }
            let sighting = Sighting(firstAt: Timestamp(seconds: 1_000)).passing(at: Timestamp(seconds: 2_000))
            let now = Timestamp(seconds: 2_000)
            try await stores[0].merge(
                keys.map { Entry(key: $0, sighting: sighting) }, into: .identity, at: now, under: Rules.sample())
            #expect(try await stores[1].find(keys, in: .identity).map { $0?.passes } == [1, 1])
            try await stores[1].remove([keys[0]], from: .identity)
            #expect(try await stores[0].find(keys, in: .identity).map { $0?.passes } == [nil, 1])
            #expect(try await server.command("EXISTS", "t:id:day:example.org").hasPrefix("0"))
            for store in stores { await store.close() }
        }
    }

    @Test func identitiesLiveAsLongAsTheirKind() async throws {
        try await withServer(.plain) { server in
            let store = try openStore(url(server))
            let last = Sighting(passes: 1, first: Timestamp(seconds: 1_000), last: Timestamp(seconds: 1_000))
            let lives = ["day:a": 5_000, "rcp:a": 5_000, "out:@a": 9_000, "out:a/b": 9_000, "lane:a": 3_153_600_000]
            let entries = lives.keys.map { Entry(key: Key(Array($0.utf8).span, isHashed: false), sighting: last) }
            try await store.mergeIdentities(
                entries, at: Timestamp(seconds: 2_000), under: .sample(),
                ages: IdentityAges(earned: 5_000, learned: 9_000))
            for (key, age) in lives {
                let left = try #require(try await life(of: "id:\(key)", on: server))
                #expect((age - 1_100...age - 999).contains(left), "\(key)")
            }
            // What is expired isn't worth a write, and what never expires is.
            try await store.mergeIdentities(
                entries.map { Entry(key: .text($0.key.bytes + [0x62]), sighting: last) },
                at: Timestamp(seconds: 1 << 31), under: .sample(), ages: IdentityAges(earned: 5_000, learned: 9_000))
            #expect(try await server.command("DBSIZE").hasPrefix("6"))
            #expect(try await server.command("GET", "id:lane:ab").hasPrefix("1,1000"))
            await store.close()
        }
    }

    @Test func whatIsNotOursIsNeitherFoundNorRemoved() async throws {
        try await withServer(.plain) { server in
            let store = try openStore(url(server))
            _ = try await server.command("RPUSH", "id:day:list", "x")
            _ = try await server.command("SET", "id:day:text", "no record")
            let keys = ["day:list", "day:text"].map { Key(Array($0.utf8).span, isHashed: false) }
            #expect(try await store.find(keys, in: .identity) == [nil, nil])
            try await store.remove(keys, from: .identity)
            #expect(try await server.command("DBSIZE").hasPrefix("2"))
            await store.close()
        }
    }

    /// Those of TPRT 0.9.3 have none.
    @Test func entriesWithoutAnExpiryGetOneAndNothingElseIsTouched() async throws {
        try await withServer(.plain) { server in
            let hashed = String(repeating: "0123456789", count: 4)
            let foreign = [
                ("other", "1,2"), ("192.0.2.0/24/b@example.org/u@example.com", "no record"),
                (String(repeating: "ABCDEF0123", count: 4), "0,5"),
            ]
            for (key, value) in [(Self.triplet, "3,1000"), (hashed, "0,99000"), ("192.0.2.0/24", "0,5")] + foreign {
                _ = try await server.command("SET", key, value)
            }
            _ = try await server.command("RPUSH", String(repeating: "ab", count: 20), "a list")
            let store = try openStore(url(server))
            let slice = try await store.maintain(.greylist, at: 200_000, limit: 100)
            #expect(slice.removed == 1)
            #expect((2_824_000...2_825_001).contains(try #require(try await life(of: Self.triplet, on: server))))
            #expect((70_000...71_801).contains(try #require(try await life(of: hashed, on: server))))
            #expect(try await server.command("EXISTS", "192.0.2.0/24").hasPrefix("0"))
            for (key, value) in foreign {
                #expect(try await server.command("GET", key).hasPrefix(value))
                #expect(try await life(of: key, on: server) == -1)
            }
            #expect(try await server.command("DBSIZE").hasPrefix("6"))
            #expect(try await store.everything(in: .greylist).count == 2)
            await store.close()
        }
    }

    @Test func onlyOneInstanceGoesThroughATableAtATime() async throws {
        try await withServer(.plain) { server in
            let stores = try (0..<2).map { _ in try openStore(url(server), keyPrefix: "t:", lease: 3_000) }
            _ = try await stores[0].ask("a", at: 1_000)
            let (now, rules) = (Timestamp(seconds: 200_000), Rules.sample())
            let first = try await stores[0].expire(.greylist, from: nil, limit: 10, at: now, under: rules)
            let second = try await stores[1].expire(.greylist, from: nil, limit: 10, at: now, under: rules)
            #expect(!first.isLeftToOthers)
            #expect(second.isLeftToOthers && second.visited == 0 && second.next == nil)
            // Each table has a lease of its own.
            let other = try await stores[1].expire(.autoWhitelist, from: nil, limit: 10, at: now, under: rules)
            #expect(!other.isLeftToOthers)
            #expect((2_900...3_000).contains(try #require(try await life(of: "t:tprt-maintenance", on: server))))
            _ = try await server.command("DEL", "t:tprt-maintenance")
            let third = try await stores[1].expire(.greylist, from: nil, limit: 10, at: now, under: rules)
            #expect(!third.isLeftToOthers)
            // The lease isn't taken for an entry.
            #expect(try await stores[0].everything(in: .greylist).isEmpty)
            for store in stores { await store.close() }
        }
    }

    /// A new triplet is one command, one that passes for the first time two; one that comes too early or is known costs one, and
    /// two where its use is recorded.
    @Test func roundTripsAreFew() async throws {
        try await withServer(.plain) { server in
            let store = try openStore(url(server))
            _ = try await store.ask("warm", at: 1_000)
            func calls() async throws -> [String: Int] {
                var calls: [String: Int] = [:]
                for command in ["set", "get", "evalsha"] {
                    let text = try await server.info("cmdstat_\(command)", in: "commandstats") ?? ""
                    calls[command] = Int(text.drop { $0 != "=" }.dropFirst().prefix { $0.isNumber })
                }
                return calls
            }
            _ = try await store.ask("a", at: 1_000)
            _ = try await store.ask("a", at: 1_400)
            _ = try await server.command("CONFIG", "RESETSTAT")
            _ = try await store.ask("b", at: 1_000)
            #expect(try await calls() == ["set": 1])
            _ = try await store.ask("b", at: 1_010)
            #expect(try await calls() == ["set": 2])
            _ = try await store.ask("a", at: 1_500)
            #expect(try await calls() == ["set": 3])
            _ = try await store.ask("a", at: 1_400 + 94_501)
            // The script calls GET and SET in the server itself.
            #expect(try await calls() == ["set": 5, "evalsha": 1, "get": 1])
            await store.close()
        }
    }

    /// `SET … NX` leaves an empty text where it is, and one that is no record is nothing to us.
    @Test(arguments: ["", "no record", "1,2,3"])
    func whatIsNoRecordGivesWay(_ text: String) async throws {
        try await withServer(.plain) { server in
            let key = Self.hexadecimal("a")
            _ = try await server.command("SET", key, text)
            let store = try openStore(url(server))
            #expect(try await store.ask("a", at: 1_000) == .new(wait: 300))
            #expect(try await server.command("GET", key).hasPrefix("0,1000"))
            #expect(try await store.ask("a", at: 1_100) == .early(wait: 200, delay: 100))
            await store.close()
        }
    }

    @Test func aKeyOfAnotherTypeIsAFaultOfItsOwnAndDoesNotStopOthers() async throws {
        try await withServer(.plain) { server in
            _ = try await server.command("RPUSH", Self.hexadecimal("a"), "x")
            let store = try openStore(url(server))
            let error = await #expect(throws: StoreError.self) { try await store.ask("a", at: 1_000) }
            #expect(error?.code == .corrupt)
            let sighting = Sighting(passes: 1, first: Timestamp(seconds: 900), last: Timestamp(seconds: 900))
            let entries = ["a", "b"].map { Entry(key: Key(Array($0.utf8).span, isHashed: true), sighting: sighting) }
            try await store.merge(entries, into: .greylist, at: Timestamp(seconds: 1_000), under: Rules.sample())
            #expect(try await store.ask("b", at: 1_000) == .known)
            await store.close()
        }
    }

    /// A server that has lost its scripts gets them again.
    @Test func scriptsAreLoadedAgain() async throws {
        try await withServer(.plain) { server in
            let store = try openStore(url(server))
            for round: Int64 in 1...3 {
                for time in [10_000 * round, 10_000 * round + 400] {
                    _ = try await store.ask("a \(round)", client: "n", at: time, under: Rules.sample(clientCount: 9))
                    _ = try await server.command("SCRIPT", "FLUSH")
                }
            }
            #expect(try await store.ask("a 1", client: "n", at: 31_000, under: Rules.sample(clientCount: 9)) == .known)
            #expect(try await server.command("GET", Self.hexadecimal("n")).hasPrefix("3,30400"))
            await store.close()
        }
    }

    /// Servers before Redis 7 don't know `SET … NX GET`: there the script makes new entries.
    @Test func theScriptMakesEntriesWhereSetDoesNot() async throws {
        try await withServer(.plain) { server in
            guard case .redis(let location) = try StoreLocation(url: url(server)) else { throw NoRedisURL() }
            let access = try RedisAccess(location) { Issue.record("reported: \($0)") }
            let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
            let loop = try await eventLoop.submit {
                var commands = EntryCommands(layout: RedisLayout(keyPrefix: ""), isCluster: false)
                commands.hasSetNXGet = false
                let client = RedisClient(on: eventLoop, configuration: access.configuration)
                let pending = NIOLockedValueBox(PendingLimiter())
                let batcher = CommandBatcher(on: eventLoop, client: client, commands: commands, pending: pending)
                return NIOLoopBound(LoopClient(client: client, batcher: batcher), eventLoop: eventLoop)
            }.get()
            let expected: [(Int64, Verdict)] = [
                (1_000, .new(wait: 300)), (1_010, .early(wait: 290, delay: 10)), (1_400, .retried(delay: 400)),
                (1_500, .known),
            ]
            for (time, verdict) in expected {
                let answered = try await withCheckedThrowingContinuation { continuation in
                    eventLoop.execute {
                        let query = StoreContract.query("a", aliases: time > 1_005 ? ["n"] : [], at: time)
                        UpdateOperation([query], by: loop.value.batcher) { continuation.resume(with: $0) }.start()
                    }
                }
                #expect(answered.map { $0.judgement?.verdict } == [verdict])
            }
            try await eventLoop.submit { loop.value.client.close() }.get()
            #expect(try await server.info("cmdstat_eval", in: "commandstats") != nil)
        }
    }

    @Test func whatTheServerTakesNoMoreIsAFaultOfItsOwn() async throws {
        try await withServer(.plain) { server in
            let store = try openStore(url(server))
            _ = try await store.ask("known", at: 1_000)
            _ = try await store.ask("known", at: 1_400)
            _ = try await server.command("CONFIG", "SET", "maxmemory", "1")
            for text in ["new", "known"] {
                let error = await #expect(throws: StoreError.self) { try await store.ask(text, at: 1_500) }
                #expect(error?.code == .writeRefused)
            }
            _ = try await server.command("CONFIG", "SET", "maxmemory", "0")
            #expect(try await store.ask("known", at: 1_600) == .known)
            // What wasn't written takes no place.
            let rules = Rules.sample(maxPending: 1)
            #expect(try await store.ask("x", at: 1_600, under: rules) == .new(wait: 300))
            await store.close()
        }
    }

    private static func hexadecimal(_ text: String) -> String {
        var bytes: [UInt8] = []
        Key(Array(text.utf8).span, isHashed: true).spell { bytes.append($0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
