import Bytes
import Greylist

/// An entry as a line of text: `KEY PASSES FIRST LAST`, the bytes of the key in hexadecimal, the times in seconds.
extension Entry {
    /// The line, without an end.
    public var line: String {
        var text: [UInt8] = []
        let bytes = key.bytes
        text.reserveCapacity(2 * bytes.count + 36)
        for byte in bytes { text.append(hexadecimalPairOf: byte) }
        for number in [Int64(sighting.passes), sighting.first.seconds, sighting.last.seconds] {
            text.append(UInt8(ascii: " "))
            text.append(contentsOf: String(number).utf8)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a line; nil for anything that isn't one, or has a key that no store has.
    public init?(line: String) {
        let fields = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard fields.count == 4, let key = Self.key(fields[0]), key.hasForm,
            let passes = UInt32(Substring(fields[1])), let first = Int64(Substring(fields[2])),
            let last = Int64(Substring(fields[3])), first >= 0, first <= last
        else { return nil }
        self.init(
            key: key,
            sighting: Sighting(passes: passes, first: Timestamp(seconds: first), last: Timestamp(seconds: last)))
    }

    private static func key(_ digits: Substring.UTF8View) -> Key? {
        guard digits.count >= 4, digits.allSatisfy(\.isLowercaseHexadecimal), let bytes = [UInt8](hexadecimal: digits)
        else { return nil }
        return bytes.withUnsafeBytes { Key(bytes: $0) }
    }
}
