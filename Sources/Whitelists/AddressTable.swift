import Bytes
import Greylist

/// A mail address, or part of one, as whitelist entries name it.
///
/// The forms are `user@domain`, `user` and `user@` (any domain), `@domain` (any user). Neither case nor a dot at
/// the end of the domain count; `user` also stands for `user+extension`.
public struct AddressLiteral: Sendable, Hashable {
    /// In lower case, and with an `@`.
    let bytes: [UInt8]
    /// The same with its domain in the other spelling, where there are two.
    let otherBytes: [UInt8]?
    /// Whether what follows the last `@`, if anything does, can be the domain of an address.
    package let isWellFormed: Bool

    /// Reads a literal; nil where it is empty, names neither a user nor a domain, or holds a blank or control character.
    public init?(_ text: String) {
        self.init(bytes: text.utf8)
    }

    /// Reads a literal from its bytes.
    public init?(bytes text: some Collection<UInt8>) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count + 1)
        var hasAt = false
        for byte in text {
            guard byte > 0x20, byte != 0x7f else { return nil }
            if byte == UInt8(ascii: "@") { hasAt = true }
            bytes.append(byte.lowercased)
        }
        guard !bytes.isEmpty, bytes != [UInt8(ascii: "@")] else { return nil }
        if !hasAt { bytes.append(UInt8(ascii: "@")) }
        // A final dot means nothing, and Postfix' addresses have none.
        bytes.removeLast(bytes.count - bytes.span.countWithoutRootDot)
        let at = bytes.lastIndex(of: UInt8(ascii: "@")) ?? 0
        let domain = Domain(bytes: bytes[(at + 1)...])
        let end = bytes[(at + 1)...]
        let isNumber = end.first == UInt8(ascii: "[") && end.last == UInt8(ascii: "]")
        isWellFormed = end.isEmpty || isNumber || (domain != nil && end.first != UInt8(ascii: "."))
        self.bytes = domain.map { bytes[...at] + $0.bytes } ?? bytes
        otherBytes = domain?.otherBytes.map { bytes[...at] + $0 }
    }

    /// Whether it names both a user and a domain.
    public var isWhole: Bool {
        bytes.first != UInt8(ascii: "@") && bytes.last != UInt8(ascii: "@")
    }
}

extension AddressLiteral: CustomStringConvertible {
    /// The literal in lower case, as `user@domain`, `user@` or `@domain`.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// Address literals with the numbers of their entries.
struct AddressTable: Sendable {
    /// The table while it is filled.
    struct Draft {
        fileprivate var literals = LiteralTable.Draft()
        fileprivate var forms: AddressForms = []

        /// Adds a literal; the same one may come again, with a higher number.
        mutating func add(_ literal: AddressLiteral, number: Int) {
            forms.insert(AddressForms(of: literal.bytes.span))
            literals.add(literal.bytes, number: number)
            if let other = literal.otherBytes { literals.add(other, number: number) }
        }
    }

    private let literals: LiteralTable
    /// Which forms there are: others needn't be looked up.
    private let forms: AddressForms

    init(_ draft: Draft) {
        literals = LiteralTable(draft.literals)
        forms = draft.forms
    }

    var isEmpty: Bool { literals.isEmpty }

    /// The lowest accepted number below `limit` among the literals that match an address, else `limit`.
    func first(whole: Span<UInt8>, plain: Span<UInt8>, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        var best = limit
        AddressLiteral.forms(whole: whole, plain: plain) { form in
            guard forms.contains(AddressForms(of: form)) else { return }
            best = literals.first(form, below: best, where: accepts)
        }
        return best
    }
}

/// Which parts of an address a literal names.
private struct AddressForms: OptionSet, Sendable {
    let rawValue: UInt8

    static let whole = AddressForms(rawValue: 1)
    static let user = AddressForms(rawValue: 2)
    static let domain = AddressForms(rawValue: 4)

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The form of a literal, or of a piece of an address.
    init(of bytes: Span<UInt8>) {
        let at = UInt8(ascii: "@")
        self = bytes.isEmpty || bytes[bytes.count - 1] == at ? .user : bytes[0] == at ? .domain : .whole
    }
}

extension AddressLiteral {
    /// Hands over the forms by which an address may be named: whole, without its extension, its user, its domain.
    fileprivate static func forms(
        whole: Span<UInt8>, plain: Span<UInt8>, _ body: (Span<UInt8>) -> Void
    ) {
        body(whole)
        let wholeLocal = whole.localPart
        guard wholeLocal.count < whole.count else { return body(plain) }
        body(whole.extracting(0..<wholeLocal.count + 1))
        // Without an extension both are the same.
        if plain.count < whole.count {
            body(plain)
            body(plain.extracting(0..<plain.localPart.count + 1))
        }
        body(whole.extracting(wholeLocal.count..<whole.count))
    }

    /// Whether it names that address.
    func names(whole: Span<UInt8>, plain: Span<UInt8>) -> Bool {
        var isNamed = false
        Self.forms(whole: whole, plain: plain) { form in
            if form.equals(bytes.span) || otherBytes.map({ form.equals($0.span) }) == true { isNamed = true }
        }
        return isNamed
    }
}
