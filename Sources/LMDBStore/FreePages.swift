/// A list of free pages as LMDB keeps it: their count, then their numbers, the highest first.
enum FreePages {
    /// The first pages hold what leads to all others and are never free.
    private static let lowest: UInt = 2

    /// Whether the bytes can be such a list of a file with that many pages.
    static func isOne(_ bytes: UnsafeRawBufferPointer, pages: UInt) -> Bool {
        let word = MemoryLayout<UInt>.size
        guard bytes.count >= word else { return false }
        let count = bytes.loadUnaligned(as: UInt.self)
        guard count < UInt(bytes.count / word) else { return false }
        var previous = pages
        for index in 0..<Int(count) {
            let page = bytes.loadUnaligned(fromByteOffset: (index + 1) * word, as: UInt.self)
            guard page >= lowest, page < previous else { return false }
            previous = page
        }
        return true
    }
}
