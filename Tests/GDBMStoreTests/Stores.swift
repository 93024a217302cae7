import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport

@testable import GDBMStore

/// A directory with stores, and what they report.
struct Stage {
    let directory: TemporaryDirectory
    let reports = Reports()

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// The file that is used where there is only one.
    var path: String { directory.file("grey") }

    var contents: Data {
        get throws { try Data(contentsOf: URL(filePath: path)) }
    }

    func open(_ name: String = "grey", holding table: Table = .greylist, at now: Int64 = 7) throws -> GDBMStore {
        try GDBMStore(path: directory.file(name), holding: table, at: Timestamp(seconds: now), report: reports.add)
    }

    func write(_ contents: Data) throws {
        try contents.write(to: URL(filePath: path))
    }

    /// Puts that many plain entries in, as new at second 1,000.
    func fill(_ store: some Store, _ numbers: Range<Int>) async throws {
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 5_000) {
            let batch = (start..<min(start + 5_000, numbers.upperBound)).map {
                StoreContract.query(Self.key($0), isHashed: false, at: 1_000)
            }
            _ = try await store.answer(batch)
        }
    }

    /// A plain key as TPRT 0.9.3 has it.
    static func key(_ number: Int) -> String {
        "192.0.\(number % 256).0/24/sender\(number)@example.org/user@example.com"
    }

    /// How many of the entries that `fill` put in are still waiting.
    func known(to store: some Store, _ numbers: Range<Int>) async throws -> Int {
        let batch = numbers.map { StoreContract.query(Self.key($0), isHashed: false, at: 1_010) }
        return try await store.answer(batch).count { $0.judgement?.verdict == .early(wait: 290, delay: 10) }
    }
}
