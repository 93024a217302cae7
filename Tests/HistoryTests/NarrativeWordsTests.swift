import Engine
import Greylist
import Testing

@testable import History

/// Durations, times, clients and reasons in words.
@Suite("The words of stories")
struct NarrativeWordsTests {
    @Test(
        "a duration has two units at most",
        arguments: [
            (-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (372, "6 min 12 s"), (3_600, "1 h"),
            (7_530, "2 h 5 min"), (172_799, "47 h 59 min"), (172_800, "2 days"), (273_700, "3 days 4 h"),
        ])
    func duration(seconds: Int64, text: String) {
        #expect(HistoryWords.duration(seconds) == text)
    }

    @Test("a moment is told to the second, to the minute, and to the minute by which it is over")
    func moments() {
        let moment = Timestamp(seconds: SampleStory.start.seconds + 301)
        #expect(HistoryWords.time(moment) == "2026-11-30 14:05:01")
        #expect(HistoryWords.minute(moment) == "2026-11-30 14:05 UTC")
        #expect(HistoryWords.minute(after: moment, at: SampleStory.start) == "14:06 UTC")
        #expect(HistoryWords.minute(after: SampleStory.start, at: moment) == "14:00 UTC")
        #expect(
            HistoryWords.minute(after: moment, at: Timestamp(seconds: moment.seconds - 86_400))
                == "2026-11-30 14:06 UTC")
    }

    @Test("a client")
    func clients() {
        #expect(HistoryWords.client("192.0.2.7", "unknown") == "192.0.2.7")
        #expect(HistoryWords.client("192.0.2.7", "") == "192.0.2.7")
        #expect(HistoryWords.client("2001:db8::1", "mx.a.example") == "2001:db8::1 (mx.a.example)")
        #expect(HistoryWords.client("192.0.2.0/24", "") == "a client in 192.0.2.0/24")
        #expect(HistoryWords.client(String(repeating: "x", count: 99), "").utf8.count == 80)
    }

    /// A clause for each, so that none is forgotten when there are more.
    private static let clauses: [ReasonCode: String] = [
        .noRequest: "Postfix said nothing that greylisting could go by",
        .otherState: "Postfix wasn't asking about a recipient",
        .authenticated: "the client was logged in",
        .outgoing: "it is mail of your own users",
        .noAddress: "the client's address could not be read",
        .noSender: "Postfix named no sender",
        .noRecipient: "Postfix named no recipient",
        .nullSender: "it is a bounce, and bounces need not wait here (greylist_null_sender)",
        .clientWhitelist: "the whitelist entry wl.json:1(l) is about this client",
        .heloWhitelist: "the whitelist entry wl.json:1(l) is about the name with which this client greets",
        .recipientWhitelist: "the whitelist entry wl.json:1(l) is about this recipient",
        .senderWhitelist: "the whitelist entry wl.json:1(l) is about this sender",
        .whitelist: "the whitelist entry wl.json:1(l) matches",
        .new: "no mail of this sender to this recipient was known yet",
        .early: "it came too soon",
        .retried: "it had waited long enough",
        .known: "mail of this sender to this recipient had passed before",
        .autoWhitelisted: "so much mail of this client had passed that it no longer waits (awl_client_count)",
        .carried: "another recipient of the same message passed",
        .correspondent: "the recipient had written to this sender, or to its organisation",
        .earned: "a.example has earned not to wait",
        .released: "an administrator had released it",
        .pendingLimitReached: "too many first attempts were waiting, so it could not be remembered (max_pending)",
        .storeUnavailable: "the database could not be asked (on_store_error)",
    ]

    @Test("each reason has its words", arguments: ReasonCode.allCases)
    func reasons(reason: ReasonCode) {
        let text = HistoryWords.explanation(of: reason, organisation: "a.example", entry: "wl.json:1(l)")
        #expect(text == Self.clauses[reason])
    }

    @Test("without an entry or an organisation the words go without")
    func withoutNames() {
        func text(_ reason: ReasonCode) -> String { HistoryWords.explanation(of: reason, organisation: "", entry: "") }
        #expect(text(.whitelist) == "a whitelist entry matches")
        #expect(text(.earned) == "its organisation has earned not to wait")
    }
}
