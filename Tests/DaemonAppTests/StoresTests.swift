import Greylist
import Programs
import Settings
import Storage
import StoreURLs
import TestSupport
import Testing

@testable import DaemonApp

@Suite("The stores of a plan")
struct StoresTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func plan(_ settings: [String]) throws -> Plan {
        let loaded = try load(settings.map { "service.\($0)" })
        return try Plan(loaded, environment: ["STATE_DIRECTORY": directory.path])
    }

    private func open(_ plan: Plan) throws -> any Store {
        try plan.openStore(with: plan.storeFactory { Issue.record("reported: \($0)") })
    }

    @Test(
        "each table is in its own file, or with another",
        arguments: [
            (["grey_db=gdbm:///D/g"], ["g", "identitydb"]),
            (["grey_db=gdbm:///D/g", "awl_client_count=1"], ["autowldb", "g", "identitydb"]),
            (["grey_db=gdbm:///D/g", "identity=off"], ["g"]),
            (["grey_db=lmdb:///D/g"], ["g", "g-lock"]),
            (["grey_db=memory:", "identity_db=lmdb:///D/i"], ["i", "i-lock"]),
            (
                ["grey_db=gdbm:///D/g", "awl_client_count=1", "awl_db=lmdb:///D/i", "identity_db=lmdb:///D/i"],
                ["g", "i", "i-lock"]
            ),
            (["grey_db=redis://127.0.0.1:1/0", "identity_db=lmdb:///D/i"], ["i", "i-lock"]),
        ])
    func places(settings: [String], files: [String]) async throws {
        let plan = try plan(settings.map { $0.replacing("/D", with: directory.path) })
        let store = try open(plan)
        let key = Key(Array("day:example.org".utf8).span, isHashed: false)
        if plan.hasIdentityTable {
            let now = Timestamp(seconds: 1_000)
            let entry = Entry(key: key, sighting: Sighting(passes: 1, first: now, last: now))
            try await store.mergeIdentities(
                [entry], at: now, under: Rules(Configuration.Service()), ages: plan.identityAges)
        }
        await store.close()
        #expect(directory.names.sorted() == files)
        guard plan.hasIdentityTable, plan.identityDatabase != .memory else { return }
        let source = try StoreFactory(now: { Timestamp(seconds: 1_000) }, report: { _ in }).openSource(
            plan.identityDatabase, holding: .identity)
        #expect(try await source.scan(.identity, from: nil, limit: 9).entries.map(\.key) == [key])
        await source.close()
    }

    @Test("what keeps a file from being opened is said with the setting that names it")
    func faults() async throws {
        let file = directory.file("i")
        let holder = try open(try plan(["grey_db=memory:", "identity_db=lmdb://\(file)"]))
        for other in ["grey_db=memory:", "grey_db=lmdb://\(directory.file("g"))"] {
            let second = try plan([other, "identity_db=lmdb://\(file)"])
            let fault = try #require(throws: ProgramError.self) { try open(second) }
            #expect(fault.messages.first?.hasPrefix("service.identity_db: lmdb://\(file): already in use") == true)
            #expect(fault.status == .unavailable)
        }
        await holder.close()
    }
}
