import TestSupport
import Testing

@testable import Web

@Suite struct PageTextTests {
    @Test(
        "nothing in a text is hidden, turned or on another line",
        arguments: [
            ("a@example.org", "a@example.org"), ("jürgen@müller.example", "jürgen@müller.example"), ("", ""),
            ("a\u{202e}gro.elpmaxe@b", "a\\u202egro.elpmaxe@b"), ("a\u{200b}b\u{feff}", "a\\u200bb\\ufeff"),
            ("a\u{0}\u{1b}[31m\r\nb", "a\\u0000\\u001b[31m\\u000d\\u000ab"), ("\n\u{301}", "\\u000a\u{301}"),
            ("a\u{e0041}", "a\\udb40\\udc41"),
        ])
    func visibility(_ text: String, _ shown: String) {
        #expect(visible(text) == shown)
    }

    @Test(
        "moments are ISO 8601, UTC",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_796_049_125, "2026-11-30T14:32:05Z"),
            (-1, "1969-12-31T23:59:59Z"), (4_102_444_799, "2099-12-31T23:59:59Z"),
        ])
    func moments(_ time: Int64, _ text: String) {
        #expect(time.iso8601 == text)
        #expect(time.dateAndMinute == "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC")
        #expect(time.timeOfDay == text.dropFirst(11).prefix(5))
    }

    @Test(
        "how far a moment is: the past rounded down, the future up",
        arguments: [
            (0, "now"), (-1, "1 s ago"), (-59, "59 s ago"), (-119, "1 min ago"), (-7_199, "1 h ago"),
            (-172_799, "47 h ago"), (-172_800, "2 days ago"), (1, "in 1 s"), (60, "in 1 min"), (61, "in 2 min"),
            (3_541, "in 1 h"), (172_800, "in 2 days"),
        ])
    func distances(_ offset: Int64, _ words: String) {
        #expect((PageSamples.now + offset).words(at: PageSamples.now) == words)
    }

    @Test(
        "durations have two units",
        arguments: [
            (0, "0 s"), (59, "59 s"), (60, "1 min"), (372, "6 min 12 s"), (3_600, "1 h"), (7_500, "2 h 5 min"),
            (86_400, "24 h"), (172_800, "2 days"), (277_300, "3 days 5 h"),
        ])
    func durations(_ seconds: Int64, _ words: String) {
        #expect(seconds.duration == words)
    }

    @Test("numbers have commas", arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")])
    func numbers(_ number: Int, _ text: String) {
        #expect(number.grouped == text)
    }

    @Test(
        "a share is 0 % or 100 % only where that is true",
        arguments: [
            (0, 0, "0 %"), (0, 9, "0 %"), (9, 9, "100 %"), (1, 1_000, "< 1 %"), (999, 1_000, "> 99 %"), (1, 3, "33 %"),
            (2, 3, "67 %"), (1, 100, "1 %"), (99, 100, "99 %"),
        ])
    func shares(_ part: Int, _ whole: Int, _ text: String) {
        #expect(part.share(of: whole) == text)
    }

    @Test("encoded and decoded again, a text is the same") func encoding() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<500 {
            let scalars = (0..<12).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x2fff, using: &random)) }
            let text = String(String.UnicodeScalarView(scalars))
            let encoded = text.percentEncoded
            #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"\"<>&#+".utf8.contains($0) })
            #expect(RequestTarget("/?q=\(encoded)")?.query["q"] == text)
        }
    }

    @Test("a long text is cut in its middle, and has an end at last") func cutting() {
        let text = String(repeating: "a", count: 50) + String(repeating: "b", count: 50)
        #expect(text.cutInMiddle.unicodeScalars.count == PageHTML.shortText - 1)
        #expect(text.cutInMiddle.hasPrefix("aaa") && text.cutInMiddle.hasSuffix("bbb"))
        #expect(visible(text) == text)
        let full = String(repeating: "x", count: PageHTML.longestText)
        #expect(visible(full) == full)
        let endless = visible(full + "yy")
        #expect(endless.hasSuffix("x… and 42 more characters"))
        #expect(endless.utf8.count < PageHTML.longestText)
        #expect(visible(endless) == endless)
    }
}

/// A command that is copied does what it says, whatever a sender wrote.
@Suite struct PageCommandTests {
    @Test(
        "words are quoted where a shell would see more in them",
        arguments: [
            ("a@example.org", "a@example.org"), ("", "''"), ("$(reboot)@x", "'$(reboot)@x'"), ("it's", "'it'\\''s'"),
            ("a\nb", "$'a\\x0ab'"), ("a\u{1b}[201~b", "$'a\\x1b\\x5b201\\x7eb'"), ("\u{202e}x", "$'\\xe2\\x80\\xaex'"),
            // To a String these are one character; to a shell the first one is a quotation mark.
            ("'\u{301};reboot", "''\\''\u{301};reboot'"), ("!x", "'!x'"), ("~root", "'~root'"),
        ])
    func quoting(_ word: String, _ text: String) {
        #expect(PageCommand("", ["tprtctl", word]).text == "tprtctl \(text)")
    }

    @Test("a shell reads the words that were meant") func shell() async throws {
        var random = SeededRandom(seed: 11)
        let alphabet = Array("ab'\"\\$`!~*?[]{}()<>|&;# \n\t\r\u{1b}\u{301}ü\u{202e}%@=-".unicodeScalars)
        let words = (0..<300).map { _ in
            String(String.UnicodeScalarView((0..<8).compactMap { _ in alphabet.randomElement(using: &random) }))
        }
        let command = PageCommand("", ["printf", "%s\\0"] + words).text
        #expect(!command.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f })
        let printed = try await run(["bash", "-c", command])
        #expect(printed == words.map { $0 + "\0" }.joined())
    }
}
