import Testing
import Whitelists

@Suite struct TextPatternTests {
    @Test(arguments: [
        ("(a)\\1", "back-references are not supported (RE2): invalid escape sequence: \\1"),
        ("(?P<n>a)(?P=n)", "back-references are not supported (RE2): invalid perl operator: (?P"),
        ("(?P<n>a)\\k<n>", "back-references are not supported (RE2): invalid escape sequence: \\k"),
        ("a(?=b)", "look-ahead is not supported (RE2): invalid perl operator: (?="),
        ("a(?!b)", "look-ahead is not supported (RE2): invalid perl operator: (?!"),
        ("(?<=b)a", "look-behind is not supported (RE2): invalid perl operator: (?<"),
        ("(?<!b)a", "look-behind is not supported (RE2): invalid perl operator: (?<"),
        ("(?>a)", "this is not supported (RE2): invalid perl operator: (?>"),
        ("a\\Z", "this is not supported (RE2): invalid escape sequence: \\Z"),
        ("(abc", "the parentheses are not balanced (RE2): missing ): (abc"),
        ("abc)", "the parentheses are not balanced (RE2): unexpected ): abc)"),
        ("a)|(b", "the parentheses are not balanced (RE2): unexpected ): a)|(b"),
        ("[abc", "a bracket is not closed (RE2): missing ]: [abc"),
        ("*a", "the pattern can't be read (RE2): no argument for repetition operator: *"),
        ("a++", "the pattern can't be read (RE2): bad repetition operator: ++"),
        ("a\\", "the pattern can't be read (RE2): trailing \\"),
        ("((a{1000}){1000}){1000}", "the pattern is too large (RE2): invalid repetition size: {1000}"),
        (
            String(repeating: "[a-z0-9]{1000}", count: 50),
            "the pattern is too large (RE2): pattern too large - compile failed"
        ),
        (String(repeating: "a", count: 1_001), "the pattern has 1001 bytes; at most 1000 are allowed"),
        (String(repeating: "\u{e9}", count: 501), "the pattern has 1002 bytes; at most 1000 are allowed"),
        ("(a\n\u{0}\u{2028}b", "the parentheses are not balanced (RE2): missing ): (a???b"),
        (
            "(" + String(repeating: "a", count: 900),
            "the parentheses are not balanced (RE2): missing ): (" + String(repeating: "a", count: 108) + "..."
        ),
    ]) func aPatternIsRefusedWithASentence(_ text: String, _ message: String) {
        for isAnchored in [true, false] {
            let refusal = #expect(throws: TextPattern.PatternError.self) {
                try TextPattern(text, isAnchored: isAnchored)
            }
            #expect(refusal?.description == message)
        }
    }

    @Test func theLongestPatternIsAllowed() throws {
        let text = String(repeating: "a", count: TextPattern.maximumLength)
        let pattern = try TextPattern(text, isAnchored: true)
        #expect(pattern.text == text)
        #expect(pattern.isAnchored)
    }
}
