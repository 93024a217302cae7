/// A mail address, or part of one, as whitelist entries name it.
///
/// The forms are `user@domain`, `user` and `user@` (any domain), `@domain` (any user). Case doesn't count; `user` also
/// stands for `user+extension`.
public struct AddressLiteral: Sendable, Equatable {
    let bytes: [UInt8]

    /// Reads a literal; nil where it is empty, names neither a user nor a domain, or holds a blank or control character.
    public init?(_ text: String) {
        var bytes: [UInt8] = []
        bytes.append(lowercasing: Array(text.utf8).span)
        guard !bytes.isEmpty, bytes != [UInt8(ascii: "@")] else { return nil }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        if !bytes.contains(UInt8(ascii: "@")) { bytes.append(UInt8(ascii: "@")) }
        self.bytes = bytes
    }
}

/// Address literals with a number for each.
struct AddressTable: Sendable {
    private var literals = LiteralTable()
    private(set) var isEmpty = true

    mutating func add(_ literal: AddressLiteral, number: Int) {
        literals.add(literal.bytes, number: number)
        isEmpty = false
    }

    /// The lowest number among the literals that match an address: whole, plain, its user, its domain.
    func lowestNumber(matching whole: Span<UInt8>, plain: Span<UInt8>) -> Int? {
        var lowest = literals.number(of: whole)
        func look(_ form: Span<UInt8>) {
            if let number = literals.number(of: form) { lowest = min(lowest ?? number, number) }
        }
        look(plain)
        let wholeLocal = whole.localPart
        guard wholeLocal.count < whole.count else { return lowest }
        look(whole.extracting(0..<wholeLocal.count + 1))
        look(plain.extracting(0..<plain.localPart.count + 1))
        look(whole.extracting(wholeLocal.count..<whole.count))
        return lowest
    }
}
