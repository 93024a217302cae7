/// How earlier versions spelt the key of a triplet, by which its entry is looked for where it isn't under ours.
///
/// Nothing is written so any more. What it takes: the client's address as it was sent, mapped addresses apart; a `prvs=`
/// tag told by its length alone; no other tag; nothing escaped; the final dot of a domain kept.
extension Span<UInt8> {
    /// What was kept of a sender's local part.
    func legacyCleaned(localCount: Int) -> Range<Int> {
        var local = 0..<localCount
        if let inner = insideLegacyTag(local) { local = inner }
        if let plus = firstIndex(of: UInt8(ascii: "+"), in: local) { local = local.lowerBound..<plus }
        return local
    }

    /// In `prvs=A=B` the place of B where A begins with ten or more letters or digits, else of A.
    private func insideLegacyTag(_ local: Range<Int>) -> Range<Int>? {
        let first = local.lowerBound + 5
        guard first < local.upperBound, extracting(local.lowerBound..<first).isLegacyTagWord else { return nil }
        guard let equals = firstIndex(of: UInt8(ascii: "="), in: first..<local.upperBound) else { return nil }
        var tagEnd = first
        while tagEnd < equals, self[tagEnd].isLetterOrDigit { tagEnd += 1 }
        let inner = tagEnd - first >= 10 ? equals + 1..<local.upperBound : first..<equals
        return inner.isEmpty ? nil : inner
    }

    private var isLegacyTagWord: Bool {
        let word: StaticString = "prvs="
        return word.withUTF8Buffer { word in
            for index in 0..<word.count where self[index] != word[index] { return false }
            return true
        }
    }
}

extension OutputSpan<UInt8> {
    /// Appends the key of a triplet as the last version spelt it, or TPRT 0.9.3.
    ///
    /// - Parameters:
    ///   - kept: what was kept of the sender's local part
    ///   - localCount: how long that was
    ///   - hidesNumbers: whether whole numbers are `#`, as in the last version, or stay, as in TPRT 0.9.3
    mutating func append(
        legacyTripletOf network: Network, _ sender: Span<UInt8>, _ kept: Range<Int>, _ localCount: Int,
        _ recipient: Span<UInt8>, hidesNumbers: Bool
    ) {
        append(network)
        append(UInt8(ascii: "/"))
        if hidesNumbers {
            append(numbersHidden: sender.extracting(kept), escapes: false)
        } else {
            append(copying: sender.extracting(kept))
        }
        append(copying: sender.extracting(localCount..<sender.count))
        append(UInt8(ascii: "/"))
        append(copying: recipient)
    }
}
