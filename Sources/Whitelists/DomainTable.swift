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
