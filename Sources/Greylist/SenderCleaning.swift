extension Span<UInt8> {
    /// What triplets know of a sender's local part: all but what changes from one message to the next.
    ///
    /// It loses its BATV tag (`prvs=TAG=user` and `prvs=user=TAG`) and what follows the first `+`.
    ///
    /// - Parameter localCount: how long the part before the last `@` is
    func cleaned(localCount: Int) -> Range<Int> {
        var local = 0..<localCount
        if let inner = insideBATV(local) { local = inner }
        if let plus = firstIndex(of: UInt8(ascii: "+"), in: local) { local = local.lowerBound..<plus }
        return local
    }
}

extension OutputSpan<UInt8> {
    /// Appends a local part with its whole numbers as `#`, since mailing lists put the message's number there.
    ///
    /// So it gets no longer. Returns whether there was such a number.
    mutating func append(numbersHidden local: Span<UInt8>) -> Bool {
        guard local.hasNumber else {
            append(copying: local)
            return false
        }
        var index = 0
        while index < local.count {
            let end = local.endOfWord(from: index)
            if end == index {
                append(local[index])
                index += 1
            } else {
                let word = local.extracting(index..<end)
                if word.isNumber { append(UInt8(ascii: "#")) } else { append(copying: word) }
                index = end
            }
        }
        return true
    }
}

extension Span<UInt8> {
    /// Whether one of the words is a number.
    fileprivate var hasNumber: Bool {
        var (isInWord, isNumber) = (false, false)
        for index in indices {
            let byte = self[index]
            if byte.isDigit {
                if !isInWord { isNumber = true }
                isInWord = true
            } else {
                if isNumber, !byte.isWordByte { return true }
                isNumber = false
                isInWord = byte.isWordByte
            }
        }
        return isNumber
    }

    fileprivate func endOfWord(from start: Int) -> Int {
        var end = start
        while end < count, self[end].isWordByte { end += 1 }
        return end
    }

    fileprivate var isNumber: Bool {
        for index in indices where !self[index].isDigit { return false }
        return true
    }
}

extension Span<UInt8> {
    /// The place of the part before the last `@`; everything where there is none.
    package var localPart: Range<Int> {
        var end = count
        while end > 0, self[end - 1] != UInt8(ascii: "@") { end -= 1 }
        return 0..<(end > 0 ? end - 1 : count)
    }

    @inline(__always)
    func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound {
            if self[index] == byte { return index }
            index &+= 1
        }
        return nil
    }

    /// In `prvs=A=B` the place of B where A begins with ten or more letters or digits (then it is the tag), else of A.
    ///
    /// Source: draft-levine-smtp-batv, and the swapped spelling of some appliances.
    private func insideBATV(_ local: Range<Int>) -> Range<Int>? {
        let first = local.lowerBound + 5
        guard first < local.upperBound, extracting(local.lowerBound..<first).isPRVS else { return nil }
        guard let equals = firstIndex(of: UInt8(ascii: "="), in: first..<local.upperBound) else { return nil }
        var tagEnd = first
        while tagEnd < equals, self[tagEnd].isLetterOrDigit { tagEnd += 1 }
        let inner = tagEnd - first >= 10 ? equals + 1..<local.upperBound : first..<equals
        return inner.isEmpty ? nil : inner
    }

    private var isPRVS: Bool {
        let prefix: StaticString = "prvs="
        return prefix.withUTF8Buffer { prefix in
            for index in 0..<prefix.count where self[index] != prefix[index] { return false }
            return true
        }
    }
}

extension UInt8 {
    /// Whether it belongs to a word, as regular expressions count words: letters (those of UTF-8 too), digits, `_`.
    @inline(__always)
    fileprivate var isWordByte: Bool {
        // A bit for each of the digits among the first 64, and for each of the letters and `_` among the next.
        let words: UInt64 = self < 64 ? 0x03ff_0000_0000_0000 : 0x07ff_fffe_87ff_fffe
        return self >= 0x80 || words &>> UInt64(self) & 1 == 1
    }
}
