import Glibc

/// The two first pages of an LMDB file, each of which leads to a state of it.
///
/// A commit writes one of them: transaction N that of N's last bit, while the other one still has N − 1. LMDB goes by the
/// higher number, whatever it is: where a number is damaged it would go on with an older state and not say so.
enum MetaPages {
    /// Where a page has its transaction's number, behind 16 bytes that every page begins with.
    private static let numberOffset = 144
    /// Where the first page has the size of pages.
    private static let sizeOffset = 40
    /// How often to read them: a writer may be between the two.
    private static let tries = 5

    /// Whether the numbers of both are what LMDB writes; true as well where there are no two pages to be read.
    static func agree(at path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        return (0..<tries).contains { _ in agree(descriptor) }
    }

    private static func agree(_ descriptor: CInt) -> Bool {
        guard let size = number(descriptor, UInt32.self, at: sizeOffset), size >= 256, size <= 65_536,
            let first = number(descriptor, UInt64.self, at: numberOffset),
            let second = number(descriptor, UInt64.self, at: Int(size) + numberOffset)
        else { return true }
        guard first & 1 == 0, second & 1 == 1 else { return first == 0 && second == 0 }
        return max(first, second) - min(first, second) == 1
    }

    private static func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ descriptor: CInt, _ type: Number.Type, at offset: Int
    ) -> Number? {
        var number = Number.zero
        let count = pread(descriptor, &number, MemoryLayout<Number>.size, off_t(offset))
        return count == MemoryLayout<Number>.size ? number : nil
    }
}
