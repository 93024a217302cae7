import Bytes
import Greylist

/// Texts as a history keeps them: printable ASCII, every other byte and the backslash written `\xHH` as in the log, so that
/// each can be turned back into its very bytes.
extension String {
    /// The text of any bytes.
    ///
    /// - Parameter isLowercased: whether letters A to Z become lower case
    init(shown bytes: ArraySlice<UInt8>, isLowercased: Bool = false) {
        var extra = 0
        for byte in bytes where !byte.isPrintable || byte == UInt8(ascii: "\\") { extra += 3 }
        let (hasEscapes, capacity) = (extra > 0, bytes.count + extra)
        self.init(unsafeUninitializedCapacity: capacity) { text in
            var count = 0
            for byte in bytes {
                if hasEscapes, !byte.isPrintable || byte == UInt8(ascii: "\\") {
                    text[count] = UInt8(ascii: "\\")
                    text[count + 1] = UInt8(ascii: "x")
                    text[count + 2] = UInt8(hexadecimalDigitOf: byte >> 4)
                    text[count + 3] = UInt8(hexadecimalDigitOf: byte & 0xf)
                    count += 4
                } else {
                    text[count] = isLowercased ? byte.lowercased : byte
                    count += 1
                }
            }
            return count
        }
    }

    /// The bytes that such a text of a history stands for; where somebody wrote a backslash without a pair of digits, it is
    /// one.
    public var shownBytes: [UInt8] {
        let text = Array(utf8)
        guard text.contains(UInt8(ascii: "\\")) else { return text }
        var bytes: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "\\"), index + 3 < text.count, text[index + 1] == UInt8(ascii: "x"),
                let high = text[index + 2].hexadecimalValue, let low = text[index + 3].hexadecimalValue
            {
                bytes.append(high << 4 | low)
                index += 4
            } else {
                bytes.append(text[index])
                index += 1
            }
        }
        return bytes
    }
}

/// Texts that were seen: the first one, and as JSON, which sqlite3 can take apart, all of them where there are more.
///
/// The first ones stay, so that it is bounded.
struct SeenTexts: Equatable {
    /// How many are kept.
    static let limit = 16

    /// The first one; empty where there is none, or it stands in the list alone.
    let first: String
    /// The list, such as `["a","b"]`; nil where the first one says all.
    private(set) var json: String?

    /// Those of a row.
    init(json: String?, first: String) {
        (self.json, self.first) = (json, first)
    }

    /// A list of one text; none where it is empty.
    init(listing text: String) {
        self.init(json: text.isEmpty ? nil : Self.list([text]), first: "")
    }

    /// Whether it is among them.
    func contains(_ text: String) -> Bool {
        if text.isEmpty { return false }
        guard let json else { return text == first }
        return json == Self.list([text]) || texts.contains(text)
    }

    /// Adds one, unless it is empty, among them, or one too many; returns whether it did.
    mutating func insert(_ text: String) -> Bool {
        guard !text.isEmpty, !contains(text) else { return false }
        let known = texts
        guard known.count < Self.limit else { return false }
        json = Self.list(known + [text])
        return true
    }

    /// The texts.
    var texts: [String] {
        guard let json else { return first.isEmpty ? [] : [first] }
        var (texts, current, isEscaped): ([String], [UInt8]?, Bool) = ([], nil, false)
        for byte in json.utf8 {
            if current == nil {
                if byte == UInt8(ascii: "\"") { current = [] }
            } else if isEscaped || byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
                current?.append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                texts.append(String(decoding: current ?? [], as: UTF8.self))
                current = nil
            }
        }
        return texts
    }

    /// The texts, which are printable ASCII, as JSON.
    private static func list(_ texts: [String]) -> String {
        var list: [UInt8] = [UInt8(ascii: "[")]
        for text in texts {
            list.append(list.count > 1 ? ",\"" : "\"")
            for byte in text.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { list.append(UInt8(ascii: "\\")) }
                list.append(byte)
            }
            list.append(UInt8(ascii: "\""))
        }
        list.append(UInt8(ascii: "]"))
        return String(decoding: list, as: UTF8.self)
    }
}
