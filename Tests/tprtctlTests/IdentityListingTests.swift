import ArgumentParser
import Control
import Import
import JSONText
import Programs
import TestSupport
import Testing

@testable import tprtctl

@Suite("What tprtctl shows of organisations")
struct IdentityListingTests {
    private static let time: Int64 = 1_795_000_000
    private static let shown = "2026-11-18T11:06:40Z"

    private static func status(
        _ name: String, days: Int? = nil, recipients: Int? = nil, users: Int? = nil, order: String? = nil,
        since: Int64? = nil, hasEarned: Bool? = nil, isShared: Bool = false
    ) -> IdentityStatus {
        var status = IdentityStatus(organisation: name)
        status.days = days.map { IdentityStatus.Count(number: $0, last: time) }
        status.recipients = recipients.map { IdentityStatus.Count(number: $0, last: time - 60) }
        status.users = users.map { IdentityStatus.Count(number: $0, last: time - 120) }
        (status.order, status.since, status.hasEarned, status.isShared) = (order, since, hasEarned, isShared)
        return status
    }

    private static let statuses: [(IdentityStatus, String, isKnown: Bool)] = [
        (
            status("example.org", days: 4, recipients: 2_000, users: 1, hasEarned: true),
            """
            example.org            count                  last
            days                       4  2026-11-18T11:06:40Z
            recipients             2,000  2026-11-18T11:05:40Z
            users who wrote to it      1  2026-11-18T11:04:40Z
            fast lane: earned
            """, true
        ),
        (status("a.example", hasEarned: false), "nothing is known of a.example\nfast lane: not earned", false),
        (
            status("a.example", isShared: true),
            "nothing is known of a.example\nfast lane: never: many senders have it in common", false
        ),
        (
            status("a.example", order: "deny", since: time, hasEarned: false),
            "fast lane: kept out by an order, since \(shown)", true
        ),
        (
            status("a.example", order: "allow", since: time, hasEarned: true),
            "fast lane: in it by an order, since \(shown)", true
        ),
        (
            status("a.example", order: "allow", since: time, hasEarned: false),
            "fast lane: allowed, since \(shown), but service.fast_lane lets no organisation pass", true
        ),
        (
            status("a.example", since: time, hasEarned: false),
            "fast lane: not earned; what was known until \(shown) is forgotten", true
        ),
        (
            status("a\u{1b}[2J\u{202e}", hasEarned: false),
            "nothing is known of \"a\\u001b[2J\\u202e\"\nfast lane: not earned", false
        ),
    ]

    @Test("an organisation", arguments: statuses)
    func status(status: IdentityStatus, text: String, isKnown: Bool) {
        #expect(status.text == text)
        #expect(status.isKnown == isKnown)
    }

    private func listing(_ kind: IdentityListing.Kind) -> IdentityListing {
        var listing = IdentityListing(kind)
        listing.add(
            IdentityList(
                next: "01", correspondences: 1_200,
                entries: [
                    Self.status("z.example", days: 4, recipients: 2, hasEarned: true),
                    Self.status("denied.example", days: 9, order: "deny", since: Self.time, hasEarned: false),
                    Self.status("changed.example", days: 4, recipients: 2, hasEarned: true),
                ]))
        listing.add(
            IdentityList(
                next: "", correspondences: 34,
                entries: [
                    // The table has changed meanwhile.
                    Self.status("changed.example", users: 1, order: "deny", since: Self.time, hasEarned: false),
                    Self.status("allowed\u{7}.example", order: "allow", since: Self.time, hasEarned: false),
                    Self.status("z.example", days: 4, recipients: 2, users: 7, hasEarned: true),
                ]))
        return listing
    }

    @Test("lists of slices that overlap, by name, and what was said last holds")
    func lists() {
        #expect(
            listing(.earned).text() == """
                organisation             days  recipients  users                  last  order
                "allowed\\u0007.example"     -           -      -                     -  allow
                z.example                   4           2      7  \(Self.shown)      -
                """)
        #expect(
            listing(.denied).text() == """
                organisation                    since  days  recipients  users
                changed.example  \(Self.shown)     -           -      1
                denied.example   \(Self.shown)     9           -      -
                """)
        #expect(
            listing(.learned).text() == """
                organisation     users                  last
                changed.example      1  2026-11-18T11:04:40Z
                z.example            7  2026-11-18T11:04:40Z
                entries of who wrote to whom: 1,234
                """)
        #expect(
            listing(.earned).text(limit: 1) == """
                organisation             days  recipients  users  last  order
                "allowed\\u0007.example"     -           -      -     -  allow
                and 1 more
                """)
        #expect(
            listing(.learned).json(limit: 1).text
                == #"{"correspondences": 1234, "organisations": [{"earned": false, "order": "deny", "#
                + #""organisation": "changed.example", "since": 1795000000, "#
                + #""users": {"count": 1, "last": 1794999880}}], "total": 2}"#)
    }

    @Test("nothing of a kind is said to be nothing")
    func nothing() {
        for kind in IdentityListing.Kind.allCases {
            var listing = IdentityListing(kind)
            #expect(listing.isEmpty && listing.text().hasPrefix("no organisation is \(kind.rawValue)"))
            listing.add(IdentityList(next: "", correspondences: 1, entries: [Self.status("a.example", days: 1)]))
            #expect(listing.isEmpty == (kind != .learned))
        }
        #expect(IdentityListing(.denied).json().text == #"{"organisations": [], "total": 0}"#)
    }

    @Test(
        "what can't be asked is a usage error",
        arguments: [
            ["list"], ["list", "earned", "--limit", "0"], ["learn"], ["learn", "a@example.com"],
            ["learn", "a", "b@example.org"], ["learn", "a@example.com", "b@"], ["learn", "a@example.com", ""],
            ["learn", "a@example.com", "b@example.org", "--from-log", "x"], ["learn", "--from-log"],
            ["learn", "--from-log", "-", "-"], ["identity", "show"], ["identity", "deny", "a", "b"],
        ])
    func usage(words: [String]) throws {
        let error = try #require(throws: (any Error).self) { try Tprtctl.parseAsRoot(words) }
        #expect(Tprtctl.exitCode(for: error) == .validationFailure)
    }

    @Test("several logs may be named, and options behind them")
    func logs() throws {
        let words = ["learn", "--from-log", "a", "-", "b.gz", "--json", "--socket", "s"]
        let command = try #require(try Tprtctl.parseAsRoot(words) as? LearnCommand)
        #expect(command.fromLog == ["a", "-", "b.gz"] && command.daemon.json && command.daemon.socket == "s")
        #expect(command.sender == nil && command.recipient == nil)
    }

    @Test("without own domains a log teaches nothing, and the remedy is named")
    func withoutDomains() throws {
        let directory = try TemporaryDirectory()
        let words = ["learn", "--from-log", "a", "--socket", "s", "-c", try directory.write("{}", to: "tprt.conf")]
        let command = try #require(try Tprtctl.parseAsRoot(words) as? LearnCommand)
        let error = try #require(throws: ProgramError.self) { try command.run() }
        #expect(error.status == .usage)
        #expect(error.messages.first?.hasPrefix("service.local_domains is empty") == true)
        #expect(error.messages.first?.contains(#"set it in the daemon's configuration, as in "local_domains""#) == true)
    }

    @Test("what a log taught")
    func learnt() {
        var summary = LearnSummary()
        (summary.taught, summary.written, summary.refused, summary.otherCharacters) = (1_200, 9, 1, 2)
        (summary.logs, summary.seconds) = (2, 1.5)
        #expect(
            summary.text == """
                logs  lines  mails  recipients  learnt from  new entries
                2         0      0           0        1,200            9
                left out: 3 recipients
                  2: an address is not UTF-8
                  1: of a domain that the daemon knows as yours, or sent by postmaster, abuse or mailer-daemon
                """)
        summary.faults = ["x"]
        #expect(
            summary.json.text
                == #"{"faults": ["x"], "forgotten_mails": 0, "learnt_from": 1200, "left_out": ["#
                + #"{"count": 2, "message": "an address is not UTF-8", "reason": "characters"}, {"count": 1, "#
                + #""message": "of a domain that the daemon knows as yours, or sent by postmaster, abuse or mailer-daemon", "#
                + #""reason": "daemon"}], "lines": 0, "logs": 2, "long_lines": 0, "mails": 0, "milliseconds": 1500, "#
                + #""new_entries": 9, "recipients": 0}"#)
        #expect(LearnSummary().text.split(separator: "\n").count == 2)
    }
}
