import Bytes
import TestSupport
import Testing

/// What is copied by vectors is what a plain loop makes of it, at each length and behind each number of bytes.
struct CopyingTests {
    /// Lengths around one, two and three vectors.
    private static let counts = Array(0...50)

    @Test(arguments: counts)
    func lowerCase(_ count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        for before in [0, 1, 7, 16] {
            let bytes = random.bytes(count, of: 0x30...0x8f)
            let head = random.bytes(before)
            let copied = [UInt8](capacity: before + count) { target in
                for byte in head { target.append(byte) }
                target.append(lowercasing: bytes.span)
            }
            #expect(copied == head + bytes.map(\.lowercased))
            var array = head
            array.append(lowercasing: bytes.span)
            #expect(array == copied)
        }
    }

    @Test(arguments: counts)
    func asTheyAre(_ count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        let bytes = random.bytes(count)
        let copied = [UInt8](capacity: count + 1) { target in
            target.append(0)
            target.append(copying: bytes.span)
        }
        #expect(copied == [0] + bytes)
    }

    @Test(arguments: counts)
    func printable(_ count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        // What is all printable, hardly any of it, and some.
        for alphabet: ClosedRange<UInt8> in [0x20...0x7e, 0...0xff, 0x1e...0x80] {
            let bytes = random.bytes(count, of: alphabet)
            #expect(printable(bytes) == [0] + bytes.map { $0.isPrintable ? $0 : UInt8(ascii: "?") })
        }
    }

    private func printable(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { storage in
            var target = OutputRawSpan(buffer: storage, initializedCount: 0)
            target.append(0)
            target.append(printable: bytes.span)
            let count = target.finalize(for: storage)
            return Array(storage[..<count])
        }
    }

    @Test func text() {
        var bytes = Array("a".utf8)
        bytes.append("é")
        #expect(bytes == [0x61, 0xc3, 0xa9])
    }
}
