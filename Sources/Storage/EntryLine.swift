import Greylist

/// An entry as a line of text: `KEY PASSES FIRST LAST`, the bytes of the key in hexadecimal, the times in seconds.
extension Entry {
    /// The line, without an end.
    public var line: String {
        var text: [UInt8] = []
        let bytes = key.bytes
        text.reserveCapacity(2 * bytes.count + 36)
        for byte in bytes {
            text.append(hexadecimalDigit(byte >> 4))
            text.append(hexadecimalDigit(byte & 0xf))
        }
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
        guard digits.count.isMultiple(of: 2), digits.count >= 4 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes.withUnsafeBytes { Key(bytes: $0) }
    }
}
