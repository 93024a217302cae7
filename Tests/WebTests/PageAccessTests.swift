import JSONText
import NIOConcurrencyHelpers
import Testing

@testable import Web

/// Without a cookie there are counts and the state, and no address.
@Suite struct PageAccessTests {
    private static let paths: [(path: String, query: String?, status: Int)] = [
        ("/", nil, 200), ("/", "q=planted@secret.example", 200), ("/app.css", nil, 200), ("/app.js", nil, 200),
        ("/api/status", nil, 200), ("/api/day", nil, 200), ("/api/waiting", nil, 403),
        ("/api/search", "q=planted@secret.example", 403), ("/api/search", nil, 403), ("/api/identities", nil, 403),
    ]

    /// A page whose addresses are all the planted one; places of parts, too.
    private static func source(_ asked: NIOLockedValueBox<Int> = NIOLockedValueBox(0)) -> PageSource {
        var source = PageHostileTests.source("planted@secret.example")
        let mails = source
        var status = PageSamples.status
        status.parts = [PagePart("Store", .working, "LMDB", place: "planted@secret.example")]
        let state = status
        source.status = { state }
        source.waiting = { limit throws(PageError) in
            asked.withLockedValue { $0 += 1 }
            return try await mails.waiting(limit)
        }
        source.search = { text, limit throws(PageError) in
            asked.withLockedValue { $0 += 1 }
            return try await mails.search(text, limit)
        }
        source.identities = { limit throws(PageError) in
            asked.withLockedValue { $0 += 1 }
            return try await mails.identities(limit)
        }
        return source
    }

    @Test("no open reply has an address in it, and no address is even asked for") func open() async throws {
        let asked = NIOLockedValueBox(0)
        let page = Page(Self.source(asked))
        for (path, query, status) in Self.paths {
            let text = try await page.text(path, query: query, isAuthorized: false, status: status)
            #expect(!text.contains("planted") && !text.contains("secret"), "\(path)?\(query ?? "")")
        }
        #expect(asked.withLockedValue { $0 } == 0)
    }

    @Test("with a cookie there are addresses") func authorized() async throws {
        let page = Page(Self.source())
        for (path, query, status) in Self.paths where status == 403 && query != nil || path == "/api/status" {
            #expect(try await page.text(path, query: query).contains("planted@secret.example"), "\(path)")
        }
        for path in ["/api/waiting", "/api/identities"] {
            #expect(try await page.text(path).contains("planted@secret.example"), "\(path)")
        }
        #expect(try await page.text("/").contains("planted@<span class=\"domain\">secret"))
    }

    @Test("the open page has state, chart and counts, and says what gives access") func openPage() async throws {
        let document = try await Page(PageSamples.typical).text("/", isAuthorized: false)
        let texts = try PageMarkup(document).texts
        for text in ["Everything works", "7 mails are waiting.", "1,518", "tprtctl web", "LMDB, 182,340 entries"] {
            #expect(texts.contains(text), "\(text)")
        }
        #expect(document.contains("data-access=\"no\""))
        #expect(!document.contains("role=\"search\""))
        #expect(!document.contains("/var/lib/tprt"))
        #expect(!document.contains("Who waits now"))
    }

    @Test("what is refused says how to get it") func refused() async throws {
        let error = try await Page(PageSamples.typical).json("/api/waiting", isAuthorized: false, status: 403)["error"]
        #expect(error["code"] == .string("forbidden"))
        #expect(error["message"] == .string("addresses need a cookie: tprtctl web"))
    }
}
