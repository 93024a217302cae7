import Testing

@testable import Web

@Suite struct PageRenderingTests {
    /// The texts of a document, one after the other.
    private static func texts(_ source: PageSource, query: String? = nil, isAuthorized: Bool = true) async throws
        -> [String]
    {
        let document = try await Page(source).text("/", query: query, isAuthorized: isAuthorized)
        return try PageMarkup(document).texts
    }

    @Test("a document names its language and its parts") func landmarks() async throws {
        let document = try await Page(PageSamples.typical).text("/", query: "q=x")
        #expect(document.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\""))
        for part in [
            "<header class=\"top\">", "<main id=\"main\"", "<footer>", "role=\"search\"", "href=\"#main\"", "<title>",
        ] {
            #expect(document.contains(part), "\(part)")
        }
        #expect(document.matches(of: /<h1/).count == 1)
        #expect(!document.contains("style="))
        #expect(!document.contains("<style"))
        #expect(document.matches(of: /<script/).count == 1)
        #expect(document.matches(of: /\son[a-z]+=/).isEmpty)
        let ids = document.matches(of: /\sid="([a-z-]+)"/).map { String($0.1) }
        #expect(Set(ids).count == ids.count)
        for label in document.matches(of: /aria-labelledby="([a-z-]+)"/) { #expect(ids.contains(String(label.1))) }
    }

    @Test("sections come in the order of their use") func order() async throws {
        let texts = try await Self.texts(PageSamples.typical, query: "q=utility")
        let heads = [
            "Everything works", "Search for ", "The last 24 hours", "Who waits now", "Newest earned identities",
        ]
        #expect(texts.filter(heads.contains) == heads)
        #expect(try await !Self.texts(PageSamples.typical).contains("Search for "))
        #expect(try await !Self.texts(PageSamples.typical, query: "q=+&x=1").contains("Search for "))
    }

    @Test("the state is one line")
    func state() async throws {
        var status = PageSamples.status
        func line() async throws -> [String] {
            let texts = try await Self.texts(PageSamples.source(status: status))
            return Array(texts[(try #require(texts.firstIndex(of: "Search")) + 1)...].prefix(2))
        }
        #expect(try await line() == ["Everything works", "7 mails are waiting."])
        status.isObserving = true
        status.waiting = 1
        #expect(try await line() == ["Only observing: no mail has to wait", "1 mail is waiting."])
        status.problems = [PageProblem("The store is unavailable.", remedy: "Look at it.")]
        status.waiting = 0
        #expect(try await line() == ["Degraded: 1 problem", "Nothing is waiting."])
        status.problems.append(PageProblem("The DNS doesn't answer."))
        status.waiting = nil
        #expect(try await line() == ["Degraded: 2 problems", "Running for 12 days, since "])
        let texts = try await Self.texts(PageSamples.source(status: status))
        #expect(texts.contains("The store is unavailable.") && texts.contains("Look at it."))
        #expect(texts.contains("The DNS doesn&#39;t answer."))
    }

    @Test("a part that is degraded or off says so") func parts() async throws {
        var status = PageSamples.status
        status.parts = PagePart.Condition.allCases.map { PagePart("Part", $0, "a \($0.rawValue) part") }
        let texts = try await Self.texts(PageSamples.source(status: status))
        let first = try #require(texts.firstIndex(of: "Part"))
        #expect(
            texts[first..<first + 8] == [
                "Part", "a working part", "Part", "degraded", "a degraded part", "Part", "off", "a off part",
            ])
    }

    @Test("a mail that waits is a row") func waitingRow() async throws {
        let texts = try await Self.texts(PageSamples.typical)
        let first = try #require(texts.firstIndex(of: "Attempts"))
        let bounce = try #require(texts.firstIndex(of: "&lt;&gt;"))
        #expect(
            texts[first - 6...first] == [
                "Sender", "Recipient", "Waiting since", "May pass", "Client", "Identity", "Attempts",
            ])
        #expect(
            texts[bounce..<bounce + 17] == [
                "&lt;&gt;", "anna@", "example", ".com", "36 min ago", "2026-11-30 13:55", "at its next try",
                "2026-11-30 14:00", "mail", ".plumber", ".example", ".net", "203", ".0", ".113", ".7", "plumber",
            ])
        #expect(texts.contains("in 2 min"))
    }

    @Test("a story has its attempts, sentences and commands") func story() async throws {
        let document = try await Page(PageSamples.typical).text("/", query: "q=utility")
        let texts = try PageMarkup(document).texts
        for text in [
            "Waiting: passes at its next try", "Passed 23 h ago, after 6 min 52 s", "deferred: new",
            "deferred: early-retry",
            "passed: triplet found", "matched=O, delay=412", "The retry came 120 s later: too early.",
            "tprtctl release -- invoices@utility.example.org accounts@example.com", "by spf",
        ] {
            #expect(texts.contains(text), "\(text)")
        }
        #expect(document.contains("value=\"utility\""))
        #expect(document.contains("href=\"/?q=invoices%40utility.example.org\""))
    }

    @Test("the figures of the day, and its table") func day() async throws {
        let texts = try await Self.texts(PageSamples.typical)
        let first = try #require(texts.firstIndex(of: "Passed at once"))
        #expect(texts[first..<first + 3] == ["Passed at once", "1,518", "61 %"])
        #expect(texts.contains("6 min 12 s") && texts.contains("498 of 641 first attempts") && texts.contains("78 %"))
        #expect(texts.contains("The same as a table"))
    }

    @Test("where there is nothing, that is said") func nothing() async throws {
        let texts = try await Self.texts(PageSamples.empty, query: "q=nobody@example.org")
        for text in ["Nothing was found", "No mail yet", "Nothing is waiting", "None yet"] {
            #expect(texts.contains(text), "\(text)")
        }
        #expect(!texts.contains("Sender"))
    }

    @Test("where the history is off or can't be read, that is said") func failures() async throws {
        let off = PageSamples.source(
            day: .failure(.historyOff), waiting: .failure(.historyOff), stories: .failure(.historyOff),
            identities: .failure(.historyOff))
        let said = try await Self.texts(off, query: "q=a").filter { $0.hasPrefix("The history is off") }
        #expect(said.count == 4)
        let broken = PageError.unavailable("The history can't be read: it is locked.")
        let unreadable = PageSamples.source(
            day: .failure(broken), waiting: .failure(broken), stories: .failure(broken), identities: .failure(broken))
        let texts = try await Self.texts(unreadable, query: "q=a")
        #expect(texts.filter { $0 == "The history can&#39;t be read: it is locked." }.count == 4)
    }

    @Test("no more is shown than fits, and how much more there is") func bounds() async throws {
        let texts = try await Self.texts(PageSamples.huge, query: "q=a")
        for text in [
            "and 182,144 more: tprtctl list waiting", "and 2,991 more: search for more of the address",
            "and 4,762 more",
            "and 48,201 more: tprtctl list earned",
        ] {
            #expect(texts.contains(text), "\(text)")
        }
        // A source that gives more than it was asked for.
        let one = PageSamples.waiting.elements[0]
        let greedy = PageSamples.source(
            waiting: .success(PageList(Array(repeating: one, count: 5_000), total: 5_000)),
            identities: .success(PageList(Array(repeating: PageSamples.identities.elements[0], count: 900), total: 900))
        )
        let document = try await Page(greedy).text("/")
        #expect(document.matches(of: /data-name="Attempts"/).count == Page.rowLimit)
        #expect(document.matches(of: /data-name="Organisation"/).count == Page.identityLimit)
        #expect(document.contains("and 4,800 more"))
    }

    @Test("the longest texts make a document that a browser can take") func longest() async throws {
        let endless = String(repeating: "<&\u{202e}'", count: 2_500)
        var one = PageSamples.waiting.elements[0]
        (one.sender, one.recipient, one.clientName, one.network) = (endless, endless, endless, endless)
        (one.organisation, one.proof) = (endless, endless)
        func size(_ rows: Int, _ path: String) async throws -> Int {
            let list = PageList(Array(repeating: one, count: rows), total: rows)
            return try await Page(PageSamples.source(waiting: .success(list))).text(path).utf8.count
        }
        #expect(try await size(2, "/") - size(1, "/") < 120_000)
        #expect(try await size(2, "/api/waiting") - size(1, "/api/waiting") < 60_000)
    }

    @Test("only its own paths are the page's") func paths() async throws {
        let page = Page(PageSamples.typical)
        for path in ["", "/x", "/api", "/api/", "/app.css/", "//", "/metrics", "/API/status"] {
            #expect(await page.reply(to: path, search: "", isAuthorized: true) == nil, "\(path)")
        }
        let types = [
            "/": "text/html; charset=utf-8", "/app.css": "text/css; charset=utf-8",
            "/app.js": "text/javascript; charset=utf-8", "/api/status": "application/json; charset=utf-8",
        ]
        for (path, type) in types {
            #expect(await page.reply(to: path, search: "", isAuthorized: false)?.contentType == type)
        }
    }
}
