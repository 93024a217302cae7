import Bytes

extension Span<UInt8> {
    /// Whether it is that text, letters a to z in any case where the text has them small.
    func isSame(as text: StaticString) -> Bool {
        text.utf8CodeUnitCount == count && starts(with: text)
    }

    /// Whether it begins with that text, letters a to z in any case where the text has them small.
    func starts(with text: StaticString) -> Bool {
        text.withUTF8Buffer { text in
            guard text.count <= count else { return false }
            for index in 0..<text.count where self[index].lowercased != text[index].lowercased { return false }
            return true
        }
    }

    /// Where a text begins that is in it exactly so; the first one from `start` on.
    func firstRange(of text: StaticString, from start: Int = 0) -> Range<Int>? {
        text.withUTF8Buffer { text in
            var index = start
            while index + text.count <= count {
                if holds(text, at: index) { return index..<index + text.count }
                index += 1
            }
            return nil
        }
    }

    /// Where a text begins that is in it exactly so; the last one.
    func lastRange(of text: StaticString, from start: Int = 0) -> Range<Int>? {
        text.withUTF8Buffer { text in
            var index = count - text.count
            while index >= start {
                if holds(text, at: index) { return index..<index + text.count }
                index -= 1
            }
            return nil
        }
    }

    private func holds(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        for offset in 0..<text.count where self[start + offset] != text[offset] { return false }
        return true
    }

    /// The first place of a byte from `start` on.
    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? { firstIndex(of: byte, in: start..<count) }

    /// The last place of a byte before `end`.
    func lastIndex(of byte: UInt8, before end: Int) -> Int? {
        var index = end
        while index > 0 {
            index -= 1
            if self[index] == byte { return index }
        }
        return nil
    }

    /// The words between blanks and tabs.
    var words: [Range<Int>] {
        var words: [Range<Int>] = []
        var index = 0
        while index < count {
            while index < count, self[index].isBlank { index += 1 }
            let start = index
            while index < count, !self[index].isBlank { index += 1 }
            if index > start { words.append(start..<index) }
        }
        return words
    }

    /// The place of what is left without the blanks at both ends.
    var trimmed: Range<Int> {
        var (start, end) = (0, count)
        while start < end, self[start].isBlank { start += 1 }
        while end > start, self[end - 1].isBlank { end -= 1 }
        return start..<end
    }

    /// A whole number of up to 18 decimal digits, which always fit, perhaps with a minus; nil for anything else.
    var integer: Int64? {
        let isNegative = count > 0 && self[0] == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        guard count > start, count - start <= 18 else { return nil }
        var number: Int64 = 0
        for index in start..<count {
            guard self[index].isDigit else { return nil }
            number = number * 10 + Int64(self[index] - UInt8(ascii: "0"))
        }
        return isNegative ? -number : number
    }

    /// The same as an array.
    var array: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
            }
            initialized = count
        }
    }

    /// The same as a String.
    var text: String { String(decoding: array, as: UTF8.self) }
}

extension [UInt8] {
    /// Appends bytes.
    mutating func append(copying span: Span<UInt8>) {
        span.withUnsafeBytes { append(contentsOf: $0) }
    }
}

extension UInt8 {
    /// Whether it is a blank or a tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }
}
