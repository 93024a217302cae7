/// The regular expressions that look at one text, with the entries that are indexed by them.
struct PatternTable: Sendable {
    /// The table while it is filled.
    struct Draft {
        fileprivate var ids: [TextPattern: Int] = [:]
        fileprivate var patterns: [TextPattern] = []
        fileprivate var numbers: [[Int]] = []

        mutating func note(_ pattern: TextPattern) {
            _ = id(of: pattern)
        }

        mutating func index(_ number: Int, by pattern: TextPattern) {
            numbers[id(of: pattern)].append(number)
        }

        private mutating func id(of pattern: TextPattern) -> Int {
            if let id = ids[pattern] { return id }
            ids[pattern] = patterns.count
            patterns.append(pattern)
            numbers.append([])
            return patterns.count - 1
        }
    }

    /// The longest text that is looked at: addresses and names in mail have 320 bytes at most (RFC 5321), and a sender
    /// that makes longer ones shall not hold up the others.
    static let longestText = 1_024

    private let set: PatternSet
    private let ids: [TextPattern: Int]
    /// The entries indexed by each pattern, ascending.
    private let numbers: [[Int]]
    /// Whether any entry is indexed here; else the patterns are only asked for one by one.
    let isIndexed: Bool

    init(_ draft: Draft) {
        set = PatternSet(draft.patterns)
        ids = draft.ids
        numbers = draft.numbers
        isIndexed = draft.numbers.contains { !$0.isEmpty }
    }

    /// The lowest accepted number below `limit` among the entries whose pattern is found in the text, else `limit`.
    ///
    /// None is found in a text that is too long.
    func first(_ text: Span<UInt8>, below limit: Int, where accepts: (Int) -> Bool) -> Int {
        guard text.count <= Self.longestText else { return limit }
        var best = limit
        set.forEachMatch(text) { id in
            if let number = numbers[id].first(where: { $0 < best && accepts($0) }) { best = number }
        }
        return best
    }

    /// Whether that pattern, which must be of this table, is found in the text.
    func matches(_ pattern: TextPattern, _ text: Span<UInt8>) -> Bool {
        guard let id = ids[pattern] else { preconditionFailure("a pattern is not in its table") }
        return text.count <= Self.longestText && set.matches(id, text)
    }
}
