import Foundation
import JSONText
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import Web

/// The page in Debian's headless Chromium.
///
/// With `TPRT_SCREENSHOTS` set to a directory, what is looked at is kept there as pictures: `docs/page.png` is
/// `typical-1280-light.png`.
@Suite(.serialized) struct PageBrowserTests {
    /// A data set, and how it is looked at.
    struct Sight: Sendable, CustomTestStringConvertible {
        var name: String
        var source: PageSource
        var looks: PageTab.Looks

        var testDescription: String { "\(name), \(looks)" }
    }

    static let sights: [Sight] = [
        ("empty", PageSamples.empty), ("typical", PageSamples.typical), ("huge", PageSamples.huge),
        ("hostile", PageSamples.hostile),
    ].flatMap { name, source in
        [(360, false), (360, true), (1_280, false), (1_280, true)].map { width, isDark in
            Sight(name: name, source: source, looks: PageTab.Looks(width: width, isDark: isDark))
        }
    }

    private static let shots = ProcessInfo.processInfo.environment["TPRT_SCREENSHOTS"]

    /// Runs `body` with a tab of a browser and a server of a page.
    private func withTab(
        _ source: PageSource, _ looks: PageTab.Looks = PageTab.Looks(width: 1_280),
        isAuthorized: @escaping @Sendable () -> Bool = { true },
        _ body: (PageTab, PageServer) async throws -> Void
    ) async throws {
        let server = try await PageServer(Page(source), isAuthorized: isAuthorized)
        let browser = try await PageBrowser()
        do {
            let tab = try await browser.tab()
            try await tab.look(looks)
            try await body(tab, server)
        } catch {
            await browser.close()
            try await server.close()
            throw error
        }
        await browser.close()
        try await server.close()
    }

    /// What stands further to the right than the window is wide; what scrolls by itself, or is hidden, may.
    private static func overflowing(_ width: Int) -> String {
        """
        [...document.querySelectorAll("body *")].filter((one) => {
          const isWide = (other) => other.getBoundingClientRect().right > \(width) + 0.5;
          const isCut = (other) => getComputedStyle(other).overflowX !== "visible" && !isWide(other);
          if (!isWide(one) || one.closest(".hidden, thead")) return false;
          for (let other = one.parentElement; other; other = other.parentElement) if (isCut(other)) return false;
          return true;
        }).map((one) => one.outerHTML.slice(0, 120))
        """
    }

    @Test("it fits its window, without a complaint", arguments: sights) func sight(_ sight: Sight) async throws {
        try await withTab(sight.source, sight.looks) { tab, server in
            for (suffix, path) in [("", ""), ("-search", "?q=utility")] {
                try await tab.open(server.url + path)
                #expect(
                    try await tab.evaluate("document.scrollingElement.scrollWidth <= \(sight.looks.width)")
                        == .bool(true))
                let wide = try await tab.evaluate(Self.overflowing(sight.looks.width))
                #expect(wide == .array([]), "\(wide)")
                let ground = try await tab.evaluate("getComputedStyle(document.body).backgroundColor")
                #expect(ground == .string(sight.looks.isDark ? "rgb(19, 23, 26)" : "rgb(247, 247, 244)"))
                if let directory = Self.shots {
                    let file =
                        "\(directory)/\(sight.name)\(suffix)-\(sight.looks.testDescription.replacing(" ", with: "-")).png"
                    try await tab.screenshot().write(to: URL(fileURLWithPath: file))
                }
            }
            #expect(try await tab.complaints() == [])
        }
    }

    /// The document without what only the script adds.
    private static let document = """
        (() => {
          const copy = document.documentElement.cloneNode(true);
          copy.classList.remove("scripted");
          if (copy.className === "") copy.removeAttribute("class");
          return copy.outerHTML;
        })()
        """

    /// Makes the script refresh the page, and waits until it has: then it says so in the last line.
    private func refresh(_ tab: PageTab) async throws {
        try await tab.evaluate(
            """
            new Promise((done) => {
              const note = document.getElementById("refreshed");
              new MutationObserver(() => done(null)).observe(note, { childList: true });
              document.dispatchEvent(new Event("visibilitychange"));
            })
            """)
    }

    @Test("what the script builds is what the server wrote") func refreshing() async throws {
        let hostile = PageHostileTests.payloads.joined()
        for source in [PageSamples.typical, PageSamples.empty, PageSamples.huge, PageHostileTests.source(hostile)] {
            try await withTab(source) { tab, server in
                try await tab.open(server.url + "?q=utility")
                let written = try await tab.evaluate(Self.document).string
                // Everything is built from scratch.
                try await tab.evaluate(
                    "document.querySelectorAll('main section').forEach((one) => one.replaceChildren())")
                #expect(try await tab.evaluate(Self.document).string != written)
                try await refresh(tab)
                let built = try await tab.evaluate(Self.document).string
                #expect(built == written, "\(Self.difference(built ?? "", written ?? ""))")
                #expect(try await tab.complaints() == [])
            }
        }
    }

    private static func difference(_ left: String, _ right: String) -> String {
        let common = zip(left.unicodeScalars, right.unicodeScalars).prefix { $0 == $1 }.count
        func part(_ text: String) -> String {
            String(String.UnicodeScalarView(text.unicodeScalars.dropFirst(max(0, common - 80)).prefix(200)))
        }
        return "built: \(part(left))\nwritten: \(part(right))"
    }

    @Test("what changed is shown, and what is read stays") func changes() async throws {
        let clock = NIOLockedValueBox(PageSamples.now)
        let waiting = NIOLockedValueBox(PageSamples.waiting)
        var source = PageSamples.source(now: { clock.withLockedValue { $0 } })
        source.waiting = { _ in waiting.withLockedValue { $0 } }
        try await withTab(source) { tab, server in
            try await tab.open(server.url)
            try await tab.evaluate("document.querySelector('.numbers').open = true, null")
            clock.withLockedValue { $0 += 60 }
            waiting.withLockedValue { list in
                list.elements.removeFirst()
                list.total = 6
            }
            try await refresh(tab)
            #expect(try await tab.evaluate("document.querySelectorAll('#waiting tbody tr').length") == .int(6))
            #expect(
                try await tab.evaluate("document.querySelector('#waiting .note').textContent")
                    == .string("6, oldest first"))
            #expect(
                try await tab.evaluate("document.getElementById('refreshed').textContent")
                    == .string("As of 2026-11-30 14:33:05."))
            #expect(try await tab.evaluate("document.querySelector('.numbers').open") == .bool(true))
            // With the focus on a row, the rows stay.
            try await tab.evaluate("document.querySelector('#waiting a').focus()")
            waiting.withLockedValue { list in
                list.elements.removeAll()
                list.total = 0
            }
            try await refresh(tab)
            #expect(try await tab.evaluate("document.querySelectorAll('#waiting tbody tr').length") == .int(6))
            try await tab.evaluate("document.activeElement.blur()")
            try await refresh(tab)
            #expect(
                try await tab.evaluate("document.querySelector('#waiting .what').textContent")
                    == .string("Nothing is waiting"))
        }
    }

    @Test("a page that isn't refreshed says so") func stale() async throws {
        let mayShow = NIOLockedValueBox(true)
        let allow = { @Sendable in mayShow.withLockedValue { $0 } }
        try await withTab(PageSamples.typical, isAuthorized: allow) { tab, server in
            try await tab.open(server.url)
            mayShow.withLockedValue { $0 = false }
            try await refresh(tab)
            let note = "document.getElementById('refreshed').textContent"
            #expect(
                try await tab.evaluate(note)
                    == .string(
                        "As of 2026-11-30 14:32:05. This browser may no longer see addresses: type tprtctl web again."))
            mayShow.withLockedValue { $0 = true }
            try await refresh(tab)
            #expect(try await tab.evaluate(note) == .string("As of 2026-11-30 14:32:05."))
        }
    }

    @Test("what senders wrote does nothing", arguments: [true, false]) func hostile(hasScripts: Bool) async throws {
        let payloads = PageHostileTests.payloads.joined(separator: " ")
        let looks = PageTab.Looks(width: 1_280, hasScripts: hasScripts)
        try await withTab(PageHostileTests.source(payloads), looks) { tab, server in
            for query in ["", "?q=" + PageHostileTests.payloads[0].percentEncoded] {
                try await tab.open(server.url + query)
                if hasScripts { try await refresh(tab) }
                #expect(try await tab.evaluate("document.scripts.length") == .int(1))
                #expect(try await tab.evaluate("document.title.startsWith('TPRT on <script>')") == .bool(true))
                #expect(
                    try await tab.evaluate("document.querySelectorAll('img, base, iframe, svg svg, [onload]').length")
                        == .int(0))
                #expect(try await tab.evaluate("location.origin + location.pathname") == .string(server.url))
            }
            #expect(try await tab.complaints() == [])
        }
    }

    @Test("the policy forbids scripts in the document, and the tests would see it") func policy() async throws {
        try await withTab(PageSamples.typical) { tab, server in
            try await tab.open(server.url)
            try await tab.evaluate(
                "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }))"
            )
            try await tab.evaluate("document.body.setAttribute('style', 'color: red')")
            #expect(try await tab.evaluate("window.ran === undefined") == .bool(true))
            try await waitUntil("a complaint") { try await tab.complaints().count >= 2 }
            #expect(try await tab.complaints().allSatisfy { $0.contains("Content Security Policy") })
        }
    }

    @Test("without scripts everything is there, and the search works", arguments: [360, 1_280])
    func withoutScripts(width: Int) async throws {
        try await withTab(PageSamples.typical, PageTab.Looks(width: width, hasScripts: false)) { tab, server in
            try await tab.open(server.url)
            #expect(try await tab.evaluate("document.querySelectorAll('#waiting tbody tr').length") == .int(7))
            #expect(try await tab.evaluate("document.querySelectorAll('.bars rect.once').length") == .int(48))
            try await tab.evaluate("document.getElementById('q').focus()")
            try await tab.type("stadt werke")
            try await tab.loading { try await tab.press("Enter") }
            #expect(try await tab.evaluate("location.href") == .string(server.url + "?q=stadt+werke"))
            #expect(try await tab.evaluate("document.querySelectorAll('.story').length") == .int(2))
            #expect(
                try await tab.evaluate("getComputedStyle(document.querySelector('.copy')).display") == .string("none"))
            #expect(try await tab.complaints() == [])
        }
    }

    @Test("by keyboard: the way to the content, the search, a command") func keyboard() async throws {
        try await withTab(PageSamples.typical) { tab, server in
            try await tab.open(server.url + "?q=utility")
            try await tab.press("Tab")
            let focus = "document.activeElement.textContent || document.activeElement.id"
            #expect(try await tab.evaluate(focus) == .string("Skip to the content"))
            #expect(try await tab.evaluate("document.activeElement.getBoundingClientRect().top >= 0") == .bool(true))
            #expect(
                try await tab.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2")
                    == .bool(true))
            try await tab.press("Enter")
            #expect(try await tab.evaluate("location.hash + document.activeElement.id") == .string("#mainmain"))
            try await tab.press("/")
            #expect(try await tab.evaluate(focus) == .string("q"))
            // In the field it is a character.
            try await tab.press("/")
            #expect(try await tab.evaluate("document.getElementById('q').value") == .string("/"))
            try await tab.evaluate("document.querySelector('.copy').focus()")
            try await tab.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }, null")
            try await tab.press("Enter")
            try await waitUntil("the button to say so") {
                try await tab.evaluate("document.activeElement.textContent") == .string("Copied")
            }
            #expect(
                try await tab.evaluate("window.copied")
                    == .string("tprtctl release -- invoices@utility.example.org accounts@example.com"))
        }
    }

    @Test("what can be used has a name, and the parts of the page are known") func accessibility() async throws {
        for width in [360, 1_280] {
            try await withTab(PageSamples.typical, PageTab.Looks(width: width)) { tab, server in
                try await tab.open(server.url + "?q=utility")
                let tree = try await tab.call("Accessibility.getFullAXTree")["nodes"]
                guard case .array(let nodes) = tree else { throw TestError("no tree") }
                let named = nodes.filter { $0["ignored"] == .bool(false) }
                    .map { (role: $0["role"]["value"].string ?? "", name: $0["name"]["value"].string ?? "") }
                for role in ["link", "button", "searchbox", "image", "table", "columnheader", "heading"] {
                    let ones = named.filter { $0.role == role }
                    #expect(!ones.isEmpty, "\(role)")
                    if role != "table" { #expect(ones.allSatisfy { !$0.name.isEmpty }, "\(role)") }
                }
                for role in ["banner", "main", "contentinfo", "search", "status", "region"] {
                    #expect(named.contains { $0.role == role }, "\(role)")
                }
                #expect(named.first { $0.role == "searchbox" }?.name == "Search for an address")
                let chart = named.first { $0.role == "image" }?.name ?? ""
                #expect(chart.hasPrefix("Requests of the last 24 hours: passed at once 1,518"))
            }
        }
    }

    @Test("without a cookie there is no address, and nothing else is asked for") func withoutCookie() async throws {
        let refuse = { @Sendable in false }
        try await withTab(PageSamples.typical, isAuthorized: refuse) { tab, server in
            try await tab.open(server.url + "?q=anna@example.com")
            try await refresh(tab)
            let text = try await tab.evaluate("document.documentElement.outerHTML").string ?? ""
            #expect(text.contains("tprtctl web") && !text.contains("@"))
            #expect(try await tab.complaints() == [])
            if let directory = Self.shots {
                try await tab.screenshot().write(to: URL(fileURLWithPath: "\(directory)/open-1280-light.png"))
            }
        }
    }
}
