import CRE2

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

/// Patterns that are matched at once; a pattern's id is its place in the list.
///
/// The time for a text depends little on how many patterns there are, as long as most of them contain a string of three
/// or more bytes that a text must hold to match.
///
/// `@unchecked Sendable`: the set behind `handle` is changed by nobody after `init`, and its functions for a compiled
/// set may be called by any number of threads at the same time.
final class PatternSet: @unchecked Sendable {
    private let handle: OpaquePointer
    /// How many patterns there are.
    let count: Int

    /// Compiles the patterns.
    init(_ patterns: [TextPattern]) {
        guard let handle = cre2_create() else { preconditionFailure("no memory for a pattern set") }
        for pattern in patterns {
            guard case .success = handle.add(pattern.text, isAnchored: pattern.isAnchored) else {
                preconditionFailure("a pattern that was checked is refused, or there is no memory for it")
            }
        }
        guard cre2_compile(handle) else { preconditionFailure("no memory for \(patterns.count) patterns") }
        self.handle = handle
        count = patterns.count
    }

    deinit { cre2_delete(handle) }

    /// How many patterns are run on every text, since they contain no string that a text must hold to match.
    var unfiltered: Int { withExtendedLifetime(self) { cre2_unfiltered(handle) } }

    /// Calls `body` with the id of each pattern that matches, in ascending order.
    func forEachMatch(_ text: Span<UInt8>, _ body: (Int) -> Void) {
        if count == 0 { return }
        // More than a few matches are rare enough to look a second time for.
        let total = forEachMatch(text, capacity: min(count, 64), body)
        if total > 64 { forEachMatch(text, capacity: total, body) }
    }

    /// Calls `body` if there are no more than `capacity` matches, and returns how many there are.
    @discardableResult
    private func forEachMatch(_ text: Span<UInt8>, capacity: Int, _ body: (Int) -> Void) -> Int {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: capacity) { ids in
            let total = withExtendedLifetime(self) {
                text.withUnsafeBufferPointer {
                    cre2_match(handle, $0.baseAddress, $0.count, ids.baseAddress, capacity)
                }
            }
            if total <= capacity {
                for id in ids[..<total] { body(Int(id)) }
            }
            return total
        }
    }

    /// Whether one pattern matches the text.
    func matches(_ id: Int, _ text: Span<UInt8>) -> Bool {
        precondition(0..<count ~= id, "no such pattern")
        return withExtendedLifetime(self) {
            text.withUnsafeBufferPointer { cre2_matches(handle, Int32(id), $0.baseAddress, $0.count) }
        }
    }

    /// Whether one pattern matches the empty text.
    func matchesEmptyText(_ id: Int) -> Bool {
        precondition(0..<count ~= id, "no such pattern")
        return withExtendedLifetime(self) { cre2_matches_empty(handle, Int32(id)) }
    }
}

extension TextPattern {
    /// Whether it is found in each of the texts; compiles it for that.
    public func matches(all texts: [String]) -> Bool {
        let set = PatternSet([self])
        return texts.allSatisfy { set.matches(0, Array($0.utf8).span) }
    }
}
