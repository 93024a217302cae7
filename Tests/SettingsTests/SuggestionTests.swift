import Testing

@testable import Settings

@Suite("Suggestions")
struct SuggestionTests {
    @Test(
        "the nearest word",
        arguments: [
            ("grey_dely", "grey_delay"), ("gery_delay", "grey_delay"), ("grey_de", "grey_delay"), ("on", nil),
            ("xyz", nil), ("", nil),
        ])
    func nearestWord(word: String, found: String?) {
        #expect(nearest(to: word, among: ["grey_delay", "no", "grey_action"]) == found)
    }
}
