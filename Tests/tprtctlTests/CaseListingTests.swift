import Engine
import Greylist
import History
import JSONText
import Policy
import Programs
import SampleOptions
import Testing

@testable import tprtctl

@Suite("tprtctl list waiting, and known")
struct CaseListingTests {
    private func sample() throws -> RecordedHistory {
        var history = try RecordedHistory()
        try history.addPool()
        try history.add(600, .judged(.new(wait: 300)), client: ("192.0.2.99", "unknown"), sender: "")
        try history.add(
            700, .judged(.pendingLimitReached(wait: 300)), client: ("2001:db8::1", "unknown"), sender: "x y@a.example",
            recipient: String(repeating: "r", count: 90) + "@example.com", reply: .action([]))
        try history.add(
            1_000, .judged(.spared(.earned)), sender: "bob@partner.example",
            identity: .init(proof: .name, organisation: "partner.example"))
        return history
    }

    @Test("what waits, the oldest first, with the time from which it may pass")
    func waiting() throws {
        let history = try sample()
        let listing = try CaseListing(waitingIn: history.source, at: RecordedHistory.at(800), limit: nil)
        #expect(
            listing.lines.joined(separator: "\n") == """
                first attempt         may pass from   sender           \
                recipient                                         client         attempts
                2026-11-30T14:10:00Z  14:15 UTC       <>               \
                you@example.com                                   192.0.2.0/24          1
                2026-11-30T14:11:40Z  not remembered  "x y@a.example"  \
                rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr...  2001:db8::/48         1
                """)
    }

    @Test("what has passed, the last one first")
    func known() throws {
        let history = try sample()
        let listing = try CaseListing(knownIn: history.source, at: RecordedHistory.at(1_100), limit: nil)
        #expect(
            listing.lines.joined(separator: "\n") == """
                last attempt          first passed          reason           sender                recipient        \
                client           attempts
                2026-11-30T14:16:40Z  2026-11-30T14:16:40Z  identity earned  bob@partner.example   you@example.com  \
                partner.example         1
                2026-11-30T14:12:04Z  2026-11-30T14:12:04Z  triplet found    anna@partner.example  you@example.com  \
                partner.example         3
                """)
    }

    @Test("a limit, and JSON")
    func limited() throws {
        let history = try sample()
        let listing = try CaseListing(knownIn: history.source, at: RecordedHistory.at(1_100), limit: 1)
        #expect(listing.lines.count == 3 && listing.lines.last == "and more: --limit")
        guard case .object(let members) = listing.json, case .array(let cases)? = members["cases"],
            case .object(let mail)? = cases.first
        else {
            Issue.record("another shape")
            return
        }
        #expect(members["more"] == .bool(true) && cases.count == 1)
        #expect(mail["state"] == .string("passed at once") && mail["reason"] == .string("identity earned"))
        #expect(mail["first_attempt"] == .int(1_796_048_200) && mail["waited"] == .null)
        let due = try CaseListing(waitingIn: history.source, at: RecordedHistory.at(1_000), limit: nil)
        #expect(due.lines[1].contains("  now  "))
    }

    @Test("an empty history")
    func empty() throws {
        let history = try RecordedHistory()
        let waiting = try CaseListing(waitingIn: history.source, at: RecordedHistory.start, limit: nil)
        #expect(waiting.isEmpty && waiting.lines == ["no mail is waiting"])
        #expect(waiting.json.text == #"{"cases": [], "more": false}"#)
        let known = try CaseListing(knownIn: history.source, at: RecordedHistory.start, limit: nil)
        #expect(known.isEmpty && known.lines == ["no mail has passed that the history knows of"])
    }
}
