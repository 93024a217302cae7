import Testing

@testable import Whitelists

/// The ids of the patterns that match.
private func ids(_ set: PatternSet, _ text: [UInt8]) -> [Int] {
    var ids: [Int] = []
    set.forEachMatch(text.span) { ids.append($0) }
    return ids
}

/// Whether one pattern matches.
private func matches(_ set: PatternSet, _ id: Int, _ text: [UInt8]) -> Bool { set.matches(id, text.span) }

private func patterns(_ texts: [String], isAnchored: Bool = false) throws -> [TextPattern] {
    try texts.map { text throws in try TextPattern(text, isAnchored: isAnchored) }
}

@Suite struct PatternSetTests {
    struct Match: Sendable {
        var pattern: String
        var isAnchored = false
        var text: [UInt8]
        var matches: Bool

        init(_ pattern: String, anchored isAnchored: Bool, _ text: String, _ matches: Bool) {
            self.init(pattern, anchored: isAnchored, bytes: Array(text.utf8), matches)
        }

        init(_ pattern: String, anchored isAnchored: Bool, bytes: [UInt8], _ matches: Bool) {
            (self.pattern, self.isAnchored, self.text, self.matches) = (pattern, isAnchored, bytes, matches)
        }
    }

    @Test(arguments: [
        // Anchoring.
        Match("news", anchored: true, "news@example.com", true),
        Match("news", anchored: true, "old-news@example.com", false),
        Match("news", anchored: false, "old-news@example.com", true),
        Match("^news", anchored: false, "old-news@example.com", false),
        Match("old|news", anchored: true, "my-news", false),
        Match("old|news", anchored: true, "news", true),
        Match("news$", anchored: true, "news@", false),
        Match("example\\.com$", anchored: false, "a@example.com", true),
        Match("example\\.com$", anchored: false, "a@example.com.invalid", false),
        Match(".*@example\\.com$", anchored: true, "a@example.com", true),
        // Case.
        Match("NeWs[a-c]", anchored: true, "nEwSB", true),
        Match("news", anchored: true, "NEWS", true),
        Match("(?-i)news", anchored: true, "NEWS", false),
        Match("(?-i)NEWS", anchored: true, "NEWS", true),
        // No atoms.
        Match("[0-9]+$", anchored: true, "12", true),
        Match("[0-9]+$", anchored: true, "1a", false),
        Match(".", anchored: false, "", false),
        Match("", anchored: false, "anything", true),
        Match("ab", anchored: true, "abc", true),
        // NUL, line feed and high bytes.
        Match("a\\x00b", anchored: true, bytes: [0x61, 0, 0x62], true),
        Match("a.b$", anchored: true, bytes: [0x61, 0, 0x62], true),
        Match("a\u{0}bcd", anchored: false, bytes: [0, 0x61, 0, 0x62, 0x63, 0x64], true),
        Match("a\u{0}bcd", anchored: false, bytes: [0x61, 0, 0x62], false),
        Match("tail", anchored: false, bytes: [0, 0] + Array("tail".utf8), true),
        Match("a.b", anchored: false, "a\nb", false),
        Match("\\xff\\xfe\\xfd", anchored: true, bytes: [0xff, 0xfe, 0xfd], true),
        Match("a.b$", anchored: true, bytes: [0x61, 0xff, 0x62], true),
        Match("caf\u{e9}", anchored: true, "Caf\u{e9}", true),
        Match("caf.$", anchored: true, "caf\u{e9}", false),
        Match("caf..$", anchored: true, "caf\u{e9}", true),
    ]) func aPatternMatchesAloneAndInASet(_ match: Match) throws {
        let pattern = try TextPattern(match.pattern, isAnchored: match.isAnchored)
        let others = try patterns(["nothing of the kind", "^$x", "other"])
        let set = PatternSet(others + [pattern])
        #expect(matches(set, 3, match.text) == match.matches)
        #expect(ids(set, match.text).contains(3) == match.matches)
        #expect(ids(PatternSet([pattern]), match.text) == (match.matches ? [0] : []))
    }

    @Test func allMatchingIdsAreFoundInAscendingOrder() throws {
        let set = PatternSet(
            try patterns([
                "example", "[0-9]", "news", "xample\\.", "ample", "ews", "absent", "n.*m$", "news", "^[a-z]+$",
            ]))
        #expect(ids(set, Array("news7@EXAMPLE.com".utf8)) == [0, 1, 2, 3, 4, 5, 7, 8])
        #expect(ids(set, Array("example".utf8)) == [0, 4, 9])
        #expect(ids(set, []) == [])
    }

    @Test(arguments: [1, 63, 64, 65, 1_000]) func thereMayBeManyMatches(_ count: Int) throws {
        let set = PatternSet(Array(repeating: try TextPattern("news", isAnchored: false), count: count))
        #expect(ids(set, Array("news".utf8)) == Array(0..<count))
    }

    @Test func aSearchMayBeginWithinAnotherOne() throws {
        let outer = PatternSet(try patterns(["news", "example", "com"]))
        let inner = PatternSet(try patterns(["example", "nothing", "[0-9]", "news"]))
        let text = Array("news@example.com".utf8)
        var found: [[Int]] = []
        outer.forEachMatch(text.span) { found.append([$0] + ids(inner, text)) }
        #expect(found == [[0, 0, 3], [1, 0, 3], [2, 0, 3]])
    }

    @Test func anEmptySetMatchesNothing() {
        let set = PatternSet([])
        #expect(ids(set, []) == [])
        #expect(ids(set, Array("text".utf8)) == [])
        #expect(set.unfiltered == 0)
        #expect(set.count == 0)
    }

    @Test(arguments: [
        (["news", "example"], 0),
        (["news", "[0-9]+", ".*", "ab"], 3),
        (["news|[0-9]+"], 1),
        (["^bounce-[0-9]+@news7\\.example\\.com$", ".*@(mail\\.)*example\\.com$"], 0),
        (["", "x*"], 2),
    ]) func patternsWithoutAStringToLookForAreCounted(_ texts: [String], _ count: Int) throws {
        #expect(PatternSet(try patterns(texts)).unfiltered == count)
    }

    @Test(arguments: [
        ("", true), ("x*", true), ("^$", true), ("(news)?", true), (".*", true), (".", false), ("news", false),
        (".+@", false),
    ]) func patternsThatMatchTheEmptyTextAreToldApart(_ text: String, _ isMatch: Bool) throws {
        for isAnchored in [true, false] {
            let pattern = try TextPattern(text, isAnchored: isAnchored)
            #expect(pattern.matchesEmptyText == isMatch)
            #expect(PatternSet([pattern]).matchesEmptyText(0) == isMatch)
            #expect(matches(PatternSet([pattern]), 0, []) == isMatch)
        }
    }

    @Test(arguments: [
        (String(repeating: "a", count: 2_048), true),
        (String(repeating: "a", count: 2_048) + "b", false),
    ]) func nestedRepetitionIsAnswered(_ text: String, _ matches: Bool) throws {
        let set = PatternSet([try TextPattern("(a+)+$", isAnchored: true)])
        #expect(ids(set, Array(text.utf8)) == (matches ? [0] : []))
    }
}
