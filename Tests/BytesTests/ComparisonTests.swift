import Bytes
import TestSupport
import Testing

struct ComparisonTests {
    private static let texts: [StaticString] = [
        "", "a", "abc", "abcd", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghijklmno", "abcdefghijklmnop",
        "abcdefghijklmnopq", "client_address",
    ]

    /// Each text is itself, and none that differs in a byte, wherever that is, or in length.
    @Test(arguments: texts.indices)
    func text(_ index: Int) {
        let text = Self.texts[index]
        let bytes = Array("\(text)".utf8)
        #expect(equals(bytes, text))
        #expect(equals(bytes, lowercase: text))
        #expect(!equals(bytes + [0], text))
        #expect(!equals(bytes + [0], lowercase: text))
        for place in bytes.indices {
            var other = bytes
            other[place] ^= 0x80
            #expect(!equals(other, text))
            #expect(!equals(other, lowercase: text))
            #expect(!equals(other, bytes))
            other[place] = bytes[place] ^ 0x20
            #expect(!equals(other, text))
            // The other case of a letter, but another byte than `_`.
            #expect(equals(other, lowercase: text) == bytes[place].isLetter)
        }
    }

    @Test(arguments: 0...40)
    func randomBytes(_ count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        for _ in 0..<20 {
            // So few letters that two are often the same.
            let bytes = random.bytes(count, of: 0x40...0x42)
            var other = bytes
            if let place = other.indices.randomElement(using: &random) {
                other[place] = random.bytes(1, of: 0x40...0x42)[0]
            }
            #expect(equals(bytes, other) == (bytes == other))
            let lower = other.map(\.lowercased)
            #expect(equals(bytes, lowercase: lower) == (bytes.map(\.lowercased) == lower))
        }
    }

    /// Words are those of the lower-case bytes, each byte in one at least.
    @Test(arguments: 0...40)
    func words(_ count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        let bytes = random.bytes(count)
        let lower = bytes.map(\.lowercased)
        var taken = [UInt8](repeating: 0, count: count)
        let isWhole = bytes.span.allLowercaseWords { offset, word in
            for index in offset..<min(offset + 8, count) {
                taken[index] = UInt8(truncatingIfNeeded: word.littleEndian >> UInt64(8 * (index - offset)))
            }
            return true
        }
        #expect(isWhole)
        #expect(taken == lower)
    }

    @Test func wordsEndWhereAskedTo() {
        var offsets: [Int] = []
        let bytes = [UInt8](repeating: 0, count: 20)
        let isWhole = bytes.span.allLowercaseWords { offset, _ in
            offsets.append(offset)
            return offset < 8
        }
        #expect(!isWhole)
        #expect(offsets == [0, 8])
    }

    private func equals(_ bytes: [UInt8], _ text: StaticString) -> Bool { bytes.span.equals(text) }
    private func equals(_ bytes: [UInt8], _ other: [UInt8]) -> Bool { bytes.span.equals(other.span) }
    private func equals(_ bytes: [UInt8], lowercase text: StaticString) -> Bool { bytes.span.equals(lowercase: text) }
    private func equals(_ bytes: [UInt8], lowercase other: [UInt8]) -> Bool {
        bytes.span.equals(lowercase: other.span)
    }
}
