import Storage

@testable import LMDBStore

/// A reader of a greylist with little room for what others add.
struct SmallReader {
    private let reader: LMDBReader

    init(path: String) throws {
        reader = try LMDBReader(path: path, spareMap: 1 << 16)
    }

    func count() async throws -> Int {
        try await reader.count(.greylist) ?? 0
    }

    func close() async {
        await reader.close()
    }
}
