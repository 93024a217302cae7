import Foundation
import Storage
import StoreContract

/// Many entries in the order of their plain keys, so that a test knows where in the file to look for one.
enum Plenty {
    static let count = 20_000
    static let pageSize = 4096

    static func key(_ number: Int) -> String { "entry \(100_000 + number)" }

    /// Puts the entries in, as new at second 1,000.
    static func fill(_ store: some Store) async throws {
        for start in stride(from: 0, to: count, by: 5_000) {
            _ = try await store.answer(
                (start..<start + 5_000).map { StoreContract.query(key($0), isHashed: false, at: 1_000) })
        }
    }

    /// Fills every page with noise, or something else, that has the entry.
    static func scribble(
        on number: Int, in path: String, with noise: (Int) -> UInt8 = { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    ) throws {
        let url = URL(filePath: path)
        var bytes = try Data(contentsOf: url)
        var next = bytes.range(of: Data(key(number).utf8))
        while let found = next {
            let page = found.lowerBound / pageSize * pageSize
            if isNode(found.lowerBound - page, of: bytes[page..<page + pageSize]) {
                for index in page..<page + pageSize { bytes[index] = noise(index) }
            }
            next = bytes.range(of: Data(key(number).utf8), in: page + pageSize..<bytes.count)
        }
        try bytes.write(to: url)
    }

    /// Whether a key at that offset belongs to the page: there may be remains of others between its entries.
    private static func isNode(_ offset: Int, of page: Data) -> Bool {
        let numbers = page.withUnsafeBytes { bytes in
            (0..<bytes.count / 2).map { Int(bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)) }
        }
        return numbers[8..<max(8, min(numbers[6] / 2, numbers.count))].contains(offset - 8)
    }
}
