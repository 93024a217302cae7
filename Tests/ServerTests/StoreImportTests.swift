import Control
import Greylist
import SampleOptions
import Storage
import Testing

@testable import Server

@Suite("Importing through the control socket")
struct StoreImportTests {
    private static let now = Timestamp(seconds: 1_796_000_000)
    private let store = MemoryStore()

    private func imports(
        _ tables: [Table] = [.greylist, .autoWhitelist], isStoreUnavailable: Bool = false
    ) -> StoreImport {
        StoreImport(
            store: store, options: StoreImport.Options(site: "a", rules: Rules.sample(), tables: tables),
            now: { Self.now },
            isStoreUnavailable: { isStoreUnavailable })
    }

    private func lines(_ numbers: Range<Int>, last: Int64 = now.seconds) -> [String] {
        numbers.map { number in
            let key = Key.text(Array("192.0.2.0/24/s\(number)@x.org/u@y.org".utf8))
            let sighting = Sighting(passes: 1, first: Timestamp(seconds: 1_795_999_000), last: Timestamp(seconds: last))
            return Entry(key: key, sighting: sighting).line
        }
    }

    private func order(_ lines: [String], site: String = "a", table: String = "greylist") -> ControlRequest {
        ImportOrder(site: site, table: table, lines: lines).request
    }

    private func count(_ table: Table = .greylist) async throws -> Int {
        try await store.scan(table, from: nil, limit: 1_000).entries.count
    }

    @Test("entries are added, the second time nothing is new, and none asks only")
    func adds() async throws {
        let imports = imports()
        #expect(ImportReceipt(await imports.carryOut(order([]))) == ImportReceipt(new: nil))
        #expect(ImportReceipt(await imports.carryOut(order(lines(0..<5)))) == ImportReceipt(new: 5))
        #expect(ImportReceipt(await imports.carryOut(order(lines(0..<5)))) == ImportReceipt(new: 0))
        #expect(ImportReceipt(await imports.carryOut(order(lines(3..<7) + lines(6..<7)))) == ImportReceipt(new: 2))
        #expect(try await count() == 7)
        #expect(try await count(.autoWhitelist) == 0)
        let client = Entry(
            key: .text(Array("192.0.2.0/24".utf8)), sighting: Sighting(passes: 9, first: Self.now, last: Self.now))
        let receipt = await imports.carryOut(order([client.line], table: "auto-whitelist"))
        #expect(ImportReceipt(receipt) == ImportReceipt(new: 1))
        #expect(try await store.scan(.autoWhitelist, from: nil, limit: 9).entries == [client])
    }

    @Test("what is wrong with an order keeps all of it out, with the status of what it is")
    func refuses() async throws {
        let imports = imports([.greylist])
        let tomorrow = Self.now.seconds + 90_000
        let cases: [(ControlRequest, CInt, String)] = [
            (ControlRequest("import"), 64, "malformed import"),
            (order(lines(0..<1), table: "identities"), 64, "malformed import"),
            (order(lines(0..<1), table: "x"), 64, "malformed import"),
            (order(lines(0..<1), site: "b"), 78, "the daemon makes its keys by other settings: a; those read here: b"),
            (order(lines(0..<1), table: "auto-whitelist"), 78, "the daemon has no auto-whitelist"),
            (order(lines(0..<2) + ["x"]), 65, "an entry can't be read"),
            (order(lines(0..<2) + lines(2..<3, last: tomorrow)), 65, "an entry can't be read"),
        ]
        for (request, status, message) in cases {
            let reply = await imports.carryOut(request)
            #expect(reply.status == status)
            #expect(reply.warnings.first?.hasPrefix(message) == true, "\(reply.warnings)")
        }
        let away = await self.imports(isStoreUnavailable: true).carryOut(order(lines(0..<1)))
        #expect(away.status == 69)
        #expect(try await count() == 0)
    }

    @Test("a reload changes what entries must fit")
    func changes() async {
        let imports = imports([.greylist])
        imports.change(to: StoreImport.Options(site: "b", rules: Rules.sample(), tables: [.greylist]))
        #expect(await imports.carryOut(order(lines(0..<1))).status == 78)
        #expect(await imports.carryOut(order(lines(0..<1), site: "b")).status == 0)
    }
}
