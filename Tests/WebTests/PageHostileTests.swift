import JSONText
import Testing

@testable import Web

/// What senders write stays text.
@Suite struct PageHostileTests {
    /// Texts that mean something to HTML, JavaScript, a URL, a terminal or a reader.
    static let payloads = [
        "<script>document.title='owned'</script>", "\"><img src=x onerror=alert(1)>", "'onmouseover='alert(1)",
        "</title></textarea></details><svg onload=alert(1)>", "<!--", "]]><![CDATA[", "&lt;b&gt;&#x3c;",
        "javascript:alert(1)",
        "\u{202e}gro.elpmaxe@anna", "a\u{0}b\u{1b}]0;owned\u{7}", "{{7*7}}${7*7}",
        "z" + String(repeating: "\u{337}\u{489}", count: 60) + "algo@example.org", "\u{2028}\u{2029}",
        "<base href=//evil.example>", "<meta http-equiv=refresh content=0;url=//evil.example>",
        String(repeating: "<b>\"'&", count: 1_700),
    ]

    /// A page on which each text that can come from outside is that one.
    static func source(_ text: String) -> PageSource {
        let waiting = PageWaitingCase(
            firstAttempt: PageSamples.now - 60, mayPassFrom: PageSamples.now + 240, sender: text, recipient: text,
            clientName: text, network: text, organisation: text, proof: text, attempts: 1)
        let attempt = PageAttempt(
            time: PageSamples.now, isDeferral: true, reason: text, detail: text, clientName: text, clientAddress: text,
            organisation: text, proof: text)
        let story = PageStory(
            sender: text, recipient: text, outcome: .neverCameBack, attempts: [attempt], totalAttempts: 1,
            sentences: [text], commands: [PageCommand(text, ["tprtctl", "why", "--", text])])
        let status = PageStatus(
            host: text, version: text, startedAt: 0, problems: [PageProblem(text, remedy: text)],
            parts: [PagePart(text, .working, text, place: text)], waiting: 1)
        return PageSamples.source(
            status: status, waiting: .success(PageList([waiting], total: 1)),
            stories: .success(PageList([story], total: 1)),
            identities: .success(PageList([PageIdentity(organisation: text, earnedAt: 0, merit: text)], total: 1)))
    }

    /// The same text with everything taken out that means something, but for what a page divides addresses at.
    private static func harmless(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                visible(text).unicodeScalars.map { "@.\\".unicodeScalars.contains($0) ? $0 : "x" }))
    }

    @Test("a text can't add, end or change an element", arguments: payloads) func structure(_ payload: String)
        async throws
    {
        let text = "x\(payload.prefix(100))"
        let query = "q=\(text.percentEncoded)"
        let hostile = try await Page(Self.source(payload)).text("/", query: query)
        let plain = try await Page(Self.source(Self.harmless(payload)))
            .text("/", query: "q=\(Self.harmless(text).percentEncoded)")
        let (one, other) = (try PageMarkup(hostile), try PageMarkup(plain))
        #expect(one.tags == other.tags)
        #expect(one.tags.filter { $0.hasPrefix("script") }.count == 1)
        // The only values that lead anywhere lead to the page itself.
        for match in hostile.matches(of: /(?:href|src|action)="([^"]*)"/) {
            #expect(
                match.1.hasPrefix("/") && !match.1.hasPrefix("//") || match.1 == "#main"
                    || match.1.hasPrefix("data:image/"))
        }
        #expect(!hostile.unicodeScalars.contains { breaksLine($0) && $0 != "\n" })
    }

    @Test("a text stays in its JSON string", arguments: payloads) func json(_ payload: String) async throws {
        let page = Page(Self.source(payload))
        #expect(visible(visible(payload)) == visible(payload))
        let shown = JSONValue.string(visible(payload))
        #expect(try await page.json("/api/waiting")["waiting"][0]["sender"] == shown)
        #expect(try await page.json("/api/search", query: "q=a")["stories"][0]["attempts"][0]["reason"] == shown)
        #expect(try await page.json("/api/identities")["identities"][0]["merit"] == shown)
        #expect(try await page.json("/api/status")["problems"][0]["remedy"] == shown)
    }

    @Test("a command that is too long to be typed isn't shown") func longCommand() async throws {
        let fits = String(repeating: "a", count: Page.commandLimit - "tprtctl why -- ".utf8.count)
        #expect(try await Page(Self.source(fits)).text("/", query: "q=a").contains("class=\"command\""))
        #expect(try await !Page(Self.source(fits + "a")).text("/", query: "q=a").contains("class=\"command\""))
        let commands = try await Page(Self.source(fits + "a")).json("/api/search", query: "q=a")["stories"][0][
            "commands"]
        #expect(commands == .array([]))
    }

    @Test("a link that searches leads to that text") func links() async throws {
        let document = try await Page(Self.source("a&b=<\"ü'#%@x.example")).text("/")
        #expect(document.contains("href=\"/?q=a%26b%3D%3C%22%C3%BC&#39;%23%25%40x.example\""))
    }

    @Test("no link for what can't be typed, nor for what is long") func noLinks() async throws {
        for text in ["a\\xff@x.example", "\u{202e}@x.example", String(repeating: "a", count: 61) + "@x.example"] {
            #expect(try await !Page(Self.source(text)).text("/").contains("/?q="), "\(text)")
        }
    }
}
