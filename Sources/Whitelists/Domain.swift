import Bytes
import Domains
import Greylist

/// A domain name, which stands for itself and all names below it.
///
/// Case doesn't count, nor does a dot at the beginning or the end. A name beyond ASCII stands for its spelling in the DNS,
/// too, and the other way round.
public struct Domain: Sendable, Hashable {
    /// The most bytes that a name has (RFC 1035, section 2.3.4, in text form).
    static let limit = 253

    /// In lower case.
    let bytes: [UInt8]
    /// The same name in its other spelling, where there are two.
    let otherBytes: [UInt8]?

    /// Reads a name; nil where it is empty, has an empty label, or holds anything but letters, digits, `-`, `_`, dots
    /// and what a name beyond ASCII may hold.
    public init?(_ text: String) {
        self.init(bytes: text.utf8)
    }

    /// Reads a name from its bytes.
    public init?(bytes text: some Collection<UInt8>) {
        var bytes = text.map(\.lowercased)
        let dot = UInt8(ascii: ".")
        if bytes.first == dot { bytes.removeFirst() }
        if bytes.last == dot { bytes.removeLast() }
        guard let spellings = DomainSpellings(bytes) else { return nil }
        bytes = spellings.written
        guard !bytes.isEmpty, bytes.count <= Self.limit else { return nil }
        var previous = dot
        for byte in bytes {
            if byte == dot {
                guard previous != dot else { return nil }
            } else {
                let isPlain = byte.isLetterOrDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                guard isPlain || byte >= 0x80 else { return nil }
            }
            previous = byte
        }
        guard previous != dot else { return nil }
        self.bytes = bytes
        otherBytes = spellings.other
    }

    /// The name in all its spellings, in lower case.
    package var spellings: [String] {
        ([bytes] + (otherBytes.map { [$0] } ?? [])).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether it is a single label, such as `com`.
    public var isTopLevel: Bool { !bytes.contains(UInt8(ascii: ".")) }

    /// Whether a name is this domain or below it.
    func holds(_ name: Span<UInt8>) -> Bool {
        if Self.holds(bytes, name) { return true }
        guard let otherBytes else { return false }
        return Self.holds(otherBytes, name)
    }

    /// Whether that is this domain and none below it, in either spelling; in lower case.
    func isWritten(_ name: [UInt8]) -> Bool { bytes == name || otherBytes == name }

    private static func holds(_ bytes: [UInt8], _ name: Span<UInt8>) -> Bool {
        let start = name.countWithoutFinalDot - bytes.count
        guard start >= 0 else { return false }
        guard start == 0 || name[start - 1] == UInt8(ascii: ".") else { return false }
        return name.extracting(start..<start + bytes.count).equals(lowercase: bytes.span)
    }
}

extension Domain: CustomStringConvertible {
    /// The name in lower case.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension Span<UInt8> {
    /// How long a name is without the dot that may end it.
    var countWithoutFinalDot: Int {
        count > 0 && self[count - 1] == UInt8(ascii: ".") ? count - 1 : count
    }
}

/// Domains with the numbers of their entries.
struct DomainTable: Sendable {
    /// The table while it is filled.
    struct Draft {
        fileprivate var names = LiteralTable.Draft()
        fileprivate var labelCounts = LabelCounts()

        /// Adds a domain; the same one may come again, with a higher number.
        mutating func add(_ domain: Domain, number: Int) {
            labelCounts.insert(domain.bytes.count { $0 == UInt8(ascii: ".") } + 1)
            names.add(domain.bytes, number: number)
            if let other = domain.otherBytes { names.add(other, number: number) }
        }
    }

    private let names: LiteralTable
    /// How many labels the domains have: others needn't be looked up.
    private let labelCounts: LabelCounts

    init(_ draft: Draft) {
        names = LiteralTable(draft.names)
        labelCounts = draft.labelCounts
    }

    var isEmpty: Bool { names.isEmpty }

    /// The lowest accepted number below `limit` among the domains that a name is in, else `limit`.
    func first(_ name: Span<UInt8>, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        let end = name.countWithoutFinalDot
        var best = limit
        var start = end
        var labels = 0
        // Nothing longer is a domain; and a sender may make names of thousands of labels.
        while start > 0, end - start < Domain.limit {
            start -= 1
            guard start == 0 || name[start - 1] == UInt8(ascii: ".") else { continue }
            labels += 1
            guard labelCounts.contains(labels) else { continue }
            best = names.first(name.extracting(start..<end), below: best, where: accepts)
        }
        return best
    }
}

/// Numbers of labels; those from 63 on are one.
private struct LabelCounts: Sendable {
    private var bits: UInt64 = 0

    mutating func insert(_ count: Int) { bits |= 1 &<< UInt64(min(count, 63)) }

    func contains(_ count: Int) -> Bool { bits & 1 &<< UInt64(min(count, 63)) != 0 }
}
