import Testing

@testable import JSONText

@Suite("Texts of other people")
struct QuotingTests {
    @Test(
        "what steers a terminal or hides something is escaped",
        arguments: [
            ("a\u{202e}b", #"a\u202eb"#), ("\u{1b}[2J", #"\u001b[2J"#), ("a\u{200b}", #"a\u200b"#),
            ("\u{feff}a", #"\ufeffa"#),
            ("\u{2066}a\u{2069}", #"\u2066a\u2069"#), ("a\u{ad}", #"a\u00ad"#), ("\u{e0041}", #"\udb40\udc41"#),
            ("\u{200e}", #"\u200e"#), ("\u{61c}", #"\u061c"#), ("\u{2028}", #"\u2028"#), ("a\u{9b}b", #"a\u009bb"#),
            ("\u{3164}", #"\u3164"#), ("a\nb", "a\nb"), ("bücher é 中 ☃", "bücher é 中 ☃"),
        ])
    func escapes(text: String, shown: String) throws {
        #expect(printable(text) == shown)
        if shown == text { return }
        #expect(bareOrQuoted(text) == "\"\(shown)\"")
        #expect(quoted(text) == "\"\(shown)\"")
        // What is written is read as it was.
        #expect(try JSONParser.parse(Array(quoted(text).utf8)).value == .string(text))
    }

    @Test("numbers with their nouns")
    func plural() {
        #expect([0, 1, 2].map { counted($0, "entry", "entries") } == ["0 entries", "1 entry", "2 entries"])
    }
}
