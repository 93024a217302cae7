import JSONText
import NIOConcurrencyHelpers
import Testing

@testable import Web

@Suite struct PageJSONTests {
    private static func keys(_ value: JSONValue) -> [String] {
        if case .object(let members) = value { members.keys.sorted() } else { [] }
    }

    @Test("the state") func status() async throws {
        let status = try await Page(PageSamples.typical).json("/api/status")
        #expect(
            Self.keys(status) == [
                "host", "line", "parts", "problems", "running_words", "started_at", "started_words", "state", "time",
                "version", "waiting", "waiting_words",
            ])
        #expect(status["time"] == .string("2026-11-30T14:32:05Z"))
        #expect(status["state"] == .string("working"))
        #expect(status["waiting"] == .int(7))
        #expect(
            status["parts"][0]
                == .object([
                    "name": .string("Store"), "condition": .string("working"), "place": .string("/var/lib/tprt/db"),
                    "summary": .string("LMDB, 182,340 entries"),
                ]))
    }

    @Test("the day") func day() async throws {
        let day = try await Page(PageSamples.typical).json("/api/day")
        #expect(
            Self.keys(day) == [
                "bucket_seconds", "buckets", "figures", "first_attempts", "median_wait_seconds", "never_came_back",
                "note",
                "scale", "summary",
            ])
        #expect(day["bucket_seconds"] == .int(1_800))
        #expect(day["median_wait_seconds"] == .int(372))
        #expect(
            Self.keys(day["buckets"][47]) == ["deferred", "passed_after_waiting", "passed_at_once", "start", "words"])
        #expect(day["buckets"][47]["start"] == .string("2026-11-30T14:30:00Z"))
        #expect(day["buckets"][48] == .null)
        #expect(try await Page(PageSamples.empty).json("/api/day")["median_wait_seconds"] == .null)
    }

    @Test("what waits, and what was earned") func lists() async throws {
        let page = Page(PageSamples.huge)
        let waiting = try await page.json("/api/waiting")
        #expect(waiting["total"] == .int(182_344))
        #expect(waiting["waiting"][Page.rowLimit - 1] != .null && waiting["waiting"][Page.rowLimit] == .null)
        let one = try await Page(PageSamples.typical).json("/api/waiting")["waiting"][2]
        #expect(
            one
                == .object([
                    "first_attempt": .object([
                        "time": .string("2026-11-30T14:18:05Z"), "words": .string("14 min ago"),
                        "date": .string("2026-11-30 14:18"),
                    ]),
                    "may_pass_from": .object([
                        "time": .string("2026-11-30T14:23:05Z"), "words": .string("at its next try"),
                        "date": .string("2026-11-30 14:23"),
                    ]),
                    "sender": .string("invoices@utility.example.org"),
                    "recipient": .string("accounts@example.com"),
                    "client_name": .string("out3.utility.example.org"), "network": .string("192.0.2.0/24"),
                    "organisation": .string("utility.example.org"), "proof": .string("spf"), "attempts": .int(2),
                ]))
        let identities = try await page.json("/api/identities")
        #expect(identities["total"] == .int(48_221))
        #expect(identities["identities"][Page.identityLimit] == .null)
    }

    @Test("stories") func stories() async throws {
        let asked = NIOLockedValueBox("")
        var source = PageSamples.typical
        source.search = { text, limit in
            asked.withLockedValue { $0 = "\(text) \(limit)" }
            return PageSamples.stories
        }
        let found = try await Page(source).json("/api/search", query: "x=1&q=+stadt%20werke%0a")
        #expect(asked.withLockedValue { $0 } == "stadt werke 20")
        #expect(found["text"] == .string("stadt werke"))
        #expect(found["total"] == .int(2))
        let story = found["stories"][1]
        #expect(
            Self.keys(story) == [
                "attempts", "commands", "outcome", "recipient", "sender", "sentences", "total_attempts",
            ])
        #expect(story["attempts"][1]["reason"] == .string("triplet found"))
        #expect(story["attempts"][1]["deferred"] == .bool(false))
        #expect(
            story["commands"][0]["command"] == .string("tprtctl why -- outages@utility.example.org it@example.com"))
    }

    @Test("a text to search for has 1 to 512 bytes") func searchBounds() async throws {
        let page = Page(PageSamples.typical)
        for query in [nil, "", "q=", "q=%20", "Q=a", "q=" + String(repeating: "a", count: Page.searchLimit + 1)] {
            let reply = try await page.json("/api/search", query: query, status: 400)
            #expect(reply["error"]["code"] == .string("bad_search"))
        }
        _ = try await page.json("/api/search", query: "q=" + String(repeating: "a", count: Page.searchLimit))
        let document = try await page.text("/", query: "q=" + String(repeating: "a", count: Page.searchLimit + 1))
        #expect(document.contains("expected a text of 1 to 512 bytes"))
    }

    @Test("what can't be said now has status 503") func failures() async throws {
        let off = Page(PageSamples.source(day: .failure(.historyOff), waiting: .failure(.unavailable("It is locked."))))
        #expect(try await off.json("/api/day", status: 503)["error"]["code"] == .string("history_off"))
        let error = try await off.json("/api/waiting", status: 503)["error"]
        #expect(error == .object(["code": .string("unavailable"), "message": .string("It is locked.")]))
    }
}
