import Bytes
import TestSupport
import Testing

/// What is found by vectors is what a plain loop finds, wherever it is looked for.
struct SearchTests {
    @Test(arguments: 0...70)
    func firstIndex(_ count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        for rarity in [3, 20, 200] {
            let bytes = random.bytes(count, with: UInt8(ascii: "="), onceIn: rarity)
            for _ in 0..<20 {
                let start = Int.random(in: 0...count, using: &random)
                let range = start..<Int.random(in: start...count, using: &random)
                let expected = range.first { bytes[$0] == UInt8(ascii: "=") }
                #expect(firstIndex(of: UInt8(ascii: "="), in: range, of: bytes) == expected, "\(bytes), \(range)")
            }
        }
    }

    /// The one place where it is, at each distance from the beginning and the end.
    @Test(arguments: [1, 15, 16, 17, 31, 32, 33, 64])
    func eachPlace(_ count: Int) {
        for place in 0..<count {
            var bytes = [UInt8](repeating: 0, count: count)
            bytes[place] = 1
            #expect(firstIndex(of: 1, in: 0..<count, of: bytes) == place)
            #expect(firstIndex(of: 1, in: place..<count, of: bytes) == place)
            #expect(firstIndex(of: 1, in: 0..<place, of: bytes) == nil)
            #expect(firstIndex(of: 1, in: place + 1..<count, of: bytes) == nil)
        }
    }

    @Test(arguments: 0...150)
    func lineFeeds(_ count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        for rarity in [2, 30] {
            let bytes = random.bytes(count, with: UInt8(ascii: "\n"), onceIn: rarity)
            for start in 0..<count {
                var expected: UInt64 = 0
                for index in start..<min(start + 64, count) where bytes[index] == UInt8(ascii: "\n") {
                    expected |= 1 << UInt64(index - start)
                }
                #expect(lineFeeds(in: bytes, from: start) == expected, "\(bytes) from \(start)")
            }
        }
        #expect(lineFeeds(in: [UInt8(ascii: "\n")], from: 1) == 0)
    }

    private func firstIndex(of byte: UInt8, in range: Range<Int>, of bytes: [UInt8]) -> Int? {
        bytes.span.firstIndex(of: byte, in: range)
    }

    private func lineFeeds(in bytes: [UInt8], from start: Int) -> UInt64 {
        bytes.span.lineFeeds(from: start)
    }
}
