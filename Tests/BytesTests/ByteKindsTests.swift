import Bytes
import Testing

/// Each of the 256 bytes, against what Unicode says of the ASCII characters.
struct ByteKindsTests {
    private static let lower = "abcdefghijklmnopqrstuvwxyz"
    private static let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    private static let digits = "0123456789"

    @Test(arguments: 0...UInt8.max)
    func kind(of byte: UInt8) {
        let character = byte < 0x80 ? Character(Unicode.Scalar(byte)) : nil
        func isOne(of text: String) -> Bool { character.map(text.contains) ?? false }
        #expect(byte.isDigit == isOne(of: Self.digits))
        #expect(byte.isLetter == isOne(of: Self.lower + Self.upper))
        #expect(byte.isLetterOrDigit == isOne(of: Self.lower + Self.upper + Self.digits))
        #expect(byte.isHexadecimal == isOne(of: Self.digits + "abcdefABCDEF"))
        #expect(byte.isLowercaseHexadecimal == isOne(of: Self.digits + "abcdef"))
        #expect(byte.isPrintable == (byte >= UInt8(ascii: " ") && byte <= UInt8(ascii: "~")))
    }

    @Test func lowerCase() {
        let letters = zip(Self.upper.utf8, Self.lower.utf8)
        let expected = [UInt8: UInt8](uniqueKeysWithValues: letters.map { ($0, $1) })
        for byte in 0...UInt8.max { #expect(byte.lowercased == expected[byte] ?? byte) }
    }
}
