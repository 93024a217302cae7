import Foundation
import Greylist
import SampleOptions
import Storage
import StoreContract
import TestSupport
import Testing

@testable import GDBMStore

struct GDBMStoreTests {
    let stage: Stage

    init() throws {
        stage = try Stage()
    }

    @Test(arguments: StoreContract.cases + StoreContract.identities)
    func aFileForEachTableKeepsTheContract(_ promise: StoreContract) async throws {
        let pair = JoinedStore(
            greylist: try stage.open("grey"), autoWhitelist: try stage.open("awl", holding: .autoWhitelist),
            identity: try stage.open("identity", holding: .identity))
        try await promise.check(pair)
        await pair.close()
        #expect(stage.reports.all.isEmpty)
    }

    /// What the contract says of the greylist alone.
    static let alone = StoreContract.cases.filter { promise in
        let other = [
            "the auto-whitelist ", "maintenance of the auto-whitelist", "what a client had earned",
            "entries of another store",
        ]
        return !other.contains { promise.description.hasPrefix($0) }
    }

    @Test(arguments: alone + [StoreContract.networkPlaces])
    func oneFileKeepsTheContractOfTheGreylist(_ promise: StoreContract) async throws {
        let store = try stage.open()
        try await promise.check(store)
        await store.close()
    }

    @Test(arguments: StoreContract.identities)
    func aFileOfItsOwnKeepsIdentities(_ promise: StoreContract) async throws {
        let store = try stage.open("identity", holding: .identity)
        try await promise.check(store)
        await store.close()
    }

    @Test func itSaysHowLongItsFileIs() async throws {
        let store = try stage.open()
        try await stage.fill(store, 0..<200)
        let figures = try await store.figures()
        #expect(figures.files == StoreFigures.Files(database: try stage.contents.count))
        #expect(figures.entries == PerTable { _ in nil } && figures.pending.count == 200)
        await store.close()
    }

    @Test func whatWasRemovedStaysSo() async throws {
        let store = try stage.open()
        for text in ["a", "b"] { _ = try await store.ask(text, at: 1_000) }
        let keys = ["a", "b"].map { Key(Array($0.utf8).span, isHashed: true) }
        try await store.remove([keys[0]], from: .greylist)
        await store.close()
        let again = try stage.open()
        #expect(try await again.find(keys, in: .greylist).map { $0?.passes } == [nil, 0])
        await again.close()
    }

    @Test func theOtherTableIsEmptyAndTakesNothing() async throws {
        let store = try stage.open()
        let rules = Rules.sample(clientCount: 2)
        let error = await #expect(throws: StoreError.self) {
            try await store.ask("a", client: "net", at: 1_000, under: rules)
        }
        #expect(error == GDBMStore.holdsOneTable(path: stage.path))
        #expect(error?.code == .cannotCreate)
        #expect(try await store.ask("a", at: 1_000, under: rules) == .new(wait: 300))
        #expect(try await store.everything(in: .greylist).count == 1)
        #expect(try await store.everything(in: .autoWhitelist).isEmpty)
        #expect(try await store.maintain(.autoWhitelist, at: 9_000_000, limit: 10).removed == 0)
        let entry = try #require(try await store.everything(in: .greylist).first)
        await #expect(throws: StoreError.self) {
            try await store.merge([entry], into: .autoWhitelist, at: Timestamp(seconds: 1_000), under: rules)
        }
        await store.close()
        let other = try stage.open("awl", holding: .autoWhitelist)
        await #expect(throws: StoreError.self) { try await other.ask("a", at: 1_000) }
        await other.close()
    }

    @Test(arguments: [false, true])
    func whatWasAnsweredIsThereAfterClosing(_ isHashed: Bool) async throws {
        let first = try stage.open()
        for time: Int64 in [1_000, 1_400] { _ = try await first.ask("a", isHashed: isHashed, at: time) }
        _ = try await first.ask("b", isHashed: isHashed, at: 1_400)
        await first.close()
        #expect(stage.directory.names == ["grey"])
        let second = try stage.open()
        #expect(try await second.ask("a", isHashed: isHashed, at: 1_500) == .known)
        #expect(try await second.ask("b", isHashed: isHashed, at: 1_500) == .early(wait: 200, delay: 100))
        await second.close()
        #expect(stage.reports.all.isEmpty)
    }

    @Test func whatIsNoRecordIsLeftAlone() async throws {
        let script = "d = dbm.gnu.open(args[0], 'n'); d['odd'] = 'words'; d['old'] = '0,1000'; d.close()"
        #expect(try Python.run(script, stage.path).ending == .exited(0))
        let store = try stage.open()
        #expect(try await store.maintain(.greylist, at: 9_000_000, limit: 10).removed == 1)
        #expect(try await store.everything(in: .greylist).isEmpty)
        await store.close()
        let listing = "d = dbm.gnu.open(args[0]); print(d.keys(), d['odd'])"
        #expect(try Python.run(listing, stage.path).output == "[b'odd'] b'words'\n")
    }

    /// Who fills the database, ends the process, and comes again has no more places than before.
    @Test func thePlacesThatAreTakenAreCountedAgainAfterARestart() async throws {
        let rules = Rules.sample(maxPendingPerNetwork: 20)
        let network = try #require(Address("192.0.2.0").map { Network($0, prefixLength: 24).tag })
        func ask(_ store: GDBMStore, _ number: Int, at time: Int64) async throws -> Verdict? {
            let text = "192.0.2.0/24/a@b/\(number)"
            return try await store.ask(text, network: network, isHashed: false, at: time, under: rules)
        }
        let first = try stage.open()
        for number in 0..<20 { #expect(try await ask(first, number, at: 1_000) == .new(wait: 300)) }
        await first.close()
        let second = try stage.open()
        var admitted = 0
        try await poll {
            admitted += 1
            return try await ask(second, 100 + admitted, at: 2_000) == .pendingLimitReached(wait: 300)
        }
        #expect(admitted < 20)
        await second.close()
    }

    /// What is dropped goes from the file, too, without waiting for maintenance.
    @Test func droppedEntriesAreRemoved() async throws {
        let rules = Rules.sample(maxPending: 100)
        let store = try stage.open()
        for number in 0..<3_000 {
            _ = try await store.answer([
                StoreContract.query("a \(number)", at: 1_000 + Int64(number) * 10, under: rules)
            ])
        }
        try await poll { try await store.everything(in: .greylist, limit: 10_000).count <= 100 }
        await store.close()
    }

    /// Asks until it is so, at most a minute: each question gives the store's own tasks a turn.
    private func poll(_ isTrue: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await isTrue() { return }
        }
        Issue.record("it did not come true within a minute")
    }
}
