extension OutputSpan<UInt8> {
    /// Appends a sender as triplets know it: lower case, without what changes from one message to the next.
    ///
    /// The local part (all before the last `@`) loses its BATV tag (`prvs=TAG=user` and `prvs=user=TAG`) and what
    /// follows the first `+`; its whole numbers become `#`, as mailing lists put the message's number there. So it gets
    /// no longer.
    ///
    /// Returns whether there was such a number.
    @discardableResult
    mutating func append(cleaning sender: Span<UInt8>, hidingNumbers: Bool = true) -> Bool {
        var local = sender.localPart
        let domain = sender.extracting(local.upperBound..<sender.count)
        if let inner = sender.insideBATV(local) { local = inner }
        if let plus = sender.firstIndex(of: UInt8(ascii: "+"), in: local) { local = local.lowerBound..<plus }
        var hasNumber = false
        if hidingNumbers {
            hasNumber = append(numbersHidden: sender.extracting(local))
        } else {
            append(lowercasing: sender.extracting(local))
        }
        append(lowercasing: domain)
        return hasNumber
    }

    private mutating func append(numbersHidden local: Span<UInt8>) -> Bool {
        var hasNumber = false
        var index = 0
        while index < local.count {
            let start = index
            while index < local.count, local[index].isWordByte { index += 1 }
            if index == start {
                append(local[index].lowercased)
                index += 1
            } else if local.isNumber(start..<index) {
                append(UInt8(ascii: "#"))
                hasNumber = true
            } else {
                append(lowercasing: local.extracting(start..<index))
            }
        }
        return hasNumber
    }
}

extension Span<UInt8> {
    /// The place of the part before the last `@`; everything where there is none.
    package var localPart: Range<Int> {
        var end = count
        while end > 0, self[end - 1] != UInt8(ascii: "@") { end -= 1 }
        return 0..<(end > 0 ? end - 1 : count)
    }

    func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        for index in range where self[index] == byte { return index }
        return nil
    }

    /// In `prvs=A=B` the place of B where A begins with ten or more letters or digits (then it is the tag), else of A.
    ///
    /// Source: draft-levine-smtp-batv, and the swapped spelling of some appliances.
    fileprivate func insideBATV(_ local: Range<Int>) -> Range<Int>? {
        let first = local.lowerBound + 5
        guard first < local.upperBound, isPRVS(at: local.lowerBound) else { return nil }
        guard let equals = firstIndex(of: UInt8(ascii: "="), in: first..<local.upperBound) else { return nil }
        var tagEnd = first
        while tagEnd < equals, self[tagEnd].isLetterOrDigit { tagEnd += 1 }
        let inner = tagEnd - first >= 10 ? equals + 1..<local.upperBound : first..<equals
        return inner.isEmpty ? nil : inner
    }

    private func isPRVS(at start: Int) -> Bool {
        let prefix: StaticString = "prvs="
        return prefix.withUTF8Buffer { prefix in
            for index in 0..<prefix.count where self[start + index].lowercased != prefix[index] { return false }
            return true
        }
    }

    fileprivate func isNumber(_ range: Range<Int>) -> Bool {
        for index in range where !self[index].isDigit { return false }
        return true
    }
}

extension UInt8 {
    /// Whether it belongs to a word, as regular expressions count words: letters (those of UTF-8 too), digits, `_`.
    fileprivate var isWordByte: Bool {
        isLetterOrDigit || self == UInt8(ascii: "_") || self >= 0x80
    }
}
