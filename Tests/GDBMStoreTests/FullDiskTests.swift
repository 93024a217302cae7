import Foundation
import Greylist
import Storage
import StoreContract
import Testing

@testable import GDBMStore

struct FullDiskTests {
    let stage: Stage

    init() throws {
        stage = try Stage()
    }

    static let faults: [(Int, CInt, StoreError.Code)] = [
        (6, EIO, .unavailable), (4, ENOSPC, .writeRefused), (4, EDQUOT, .writeRefused), (3, EACCES, .denied),
        (4, EIO, .unavailable), (38, EIO, .unavailable), (7, 0, .corrupt), (29, 0, .corrupt), (1, 0, .unavailable),
    ]

    @Test(arguments: faults)
    func aFaultHasItsConsequence(_ code: Int, _ system: CInt, _ expected: StoreError.Code) {
        #expect(GDBMError(code, system: system).storeError(url: "gdbm:///x").code == expected)
    }

    /// At whatever byte the disk is full: what is there stays known, and goes on when there is room again.
    @Test(arguments: [3_000_000, 3_500_001, 4_015_000, 4_096_000, 4_500_007])
    func aFullDiskLosesNothing(_ size: Int) async throws {
        await #expect(processExitsWith: .success) { [path = stage.path as String, size] in
            try await Self.fill(path, upTo: size)
        }
    }

    private static func fill(_ path: String, upTo size: Int) async throws {
        let (stage, reports) = (try Stage(), Reports())
        let store = try GDBMStore(path: path, holding: .greylist, at: Timestamp(seconds: 7), report: reports.add)
        limitFiles(to: size)
        var count = 0
        do {
            while count < 200_000 {
                try await stage.fill(store, count..<count + 100)
                count += 100
            }
        } catch {
            #expect((error as? StoreError)?.code == .writeRefused)
        }
        #expect((1_000..<200_000).contains(count))
        await #expect(throws: StoreError.self) { try await stage.fill(store, 1_000_000..<1_000_100) }
        #expect(try await stage.known(to: store, 0..<count) == count)
        limitFiles(to: nil)
        try await stage.fill(store, count..<count + 5_000)
        #expect(try await stage.known(to: store, 0..<count + 5_000) == count + 5_000)
        await store.close()
        #expect(reports.all.isEmpty)
    }
}

/// A limit on the length of files is like a full disk, for one process.
private func limitFiles(to size: Int?) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    limit.rlim_cur = size.map { rlim_t($0) } ?? limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
}
