import TestSupport
import Testing

@testable import Whitelists

/// Random patterns and texts made of the same pieces, so that many match.
private struct Sample {
    let patterns: [TextPattern]
    let texts: [[UInt8]]

    private static let expressions = [
        "a", "B", "ab", "abc", "news", "NEWS", "ews", "bounce-", "sk", "@", "\\.", "\\x00", "\\xe9", "\\xb5\\xff",
        "[\\xe0-\\xef]", "\u{e9}", ".", ".*", ".+", "[0-9]+", "[a-c]", "x?", "(abc|news)", "(ab|c)*", "(news)?",
        "(a+)+", "\\w", "[^@]*", "example\\.com", "(?:\\xe9t\\xe9|ete)",
    ]
    private static let pieces: [[UInt8]] =
        [
            "a", "b", "C", "ab", "abc", "ABC", "news", "NeWs", "bounce-", "sk", "SK", "@", ".", "7", "42", "x",
            "\u{e9}",
            "example.com", "ete",
        ].map { Array($0.utf8) } + [[0], [0xe9], [0xc9], [0xe3, 0xa9], [0xb5, 0xff], [0xe9, 0x74, 0xc9], [0x8a]]

    init(seed: UInt64, patterns: Int, texts: Int) throws {
        var random = SeededRandom(seed: seed)
        self.patterns = try (0..<patterns).map { _ in
            var text = Int.random(in: 0..<6, using: &random) == 0 ? "^" : ""
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                text += Self.expressions[Int.random(in: 0..<Self.expressions.count, using: &random)]
            }
            if Int.random(in: 0..<6, using: &random) == 0 { text += "$" }
            return try TextPattern(text, isAnchored: Bool.random(using: &random))
        }
        self.texts = (0..<texts).map { _ in
            (0..<Int.random(in: 0...8, using: &random)).flatMap { _ in
                Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)]
            }
        }
    }
}

private func all(_ set: PatternSet, _ text: [UInt8]) -> [Int] {
    var ids: [Int] = []
    set.forEachMatch(text.span) { ids.append($0) }
    return ids
}

@Suite struct PatternSetAgreementTests {
    @Test(arguments: 1...20) func aSetFindsWhatItsPatternsMatchAlone(_ seed: Int) throws {
        let sample = try Sample(seed: UInt64(seed), patterns: 150, texts: 100)
        let set = PatternSet(sample.patterns)
        #expect(set.unfiltered < set.count)
        var matches = 0
        for text in sample.texts {
            let alone = (0..<set.count).filter { set.matches($0, text.span) }
            #expect(all(set, text) == alone, "\(text)")
            matches += alone.count
        }
        #expect(matches > 100)
    }

    @Test func manyThreadsMayMatchWithTheSameSets() async throws {
        let sample = try Sample(seed: 99, patterns: 150, texts: 100)
        let texts = sample.texts
        // The sets differ in size, as the threads' memory is shared by all sets.
        let sets = [PatternSet(sample.patterns), PatternSet(Array(sample.patterns.prefix(20)))]
        let agreeing = await withTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    var agreeing = 0
                    for (index, text) in texts.enumerated() {
                        let set = sets[(index + task) % 2]
                        let alone = (0..<set.count).filter { set.matches($0, text.span) }
                        if all(set, text) == alone { agreeing += 1 }
                    }
                    return agreeing
                }
            }
            return await group.reduce(0, +)
        }
        #expect(agreeing == 8 * texts.count)
    }
}
