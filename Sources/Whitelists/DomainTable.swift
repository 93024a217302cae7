/// Domains with the numbers of their entries.
struct DomainTable: Sendable {
    private var names = LiteralTable()

    mutating func add(_ domain: Domain, number: Int) {
        names.add(domain.bytes, number: number)
    }

    /// How many entries this domain has.
    func count(of domain: Domain) -> Int { names.count(of: domain.bytes.span) }

    /// The lowest accepted number below `limit` among the domains that a name is in: one look for each of its labels.
    func first(_ name: Span<UInt8>, below limit: Int, where accepts: (Int) -> Bool) -> Int? {
        guard !names.isEmpty else { return nil }
        let end = name.countWithoutFinalDot
        var best = limit
        var start = 0
        while start < end {
            // Nothing longer is a domain; and a sender may make names of thousands of labels.
            if end - start <= Domain.limit,
                let number = names.first(name.extracting(start..<end), below: best, where: accepts)
            {
                best = number
            }
            while start < end, name[start] != UInt8(ascii: ".") { start += 1 }
            start += 1
        }
        return best < limit ? best : nil
    }
}
