import Foundation
import Greylist
import TestSupport
import Testing

@testable import Import

/// Whom our users wrote to, by Postfix' log.
struct PostfixLogTests {
    /// What was read of logs.
    struct LogReading {
        var mails: [SentMail] = []
        var counts = SentMailCounts()

        /// Reads logs in pieces of some bytes; `our.example` is ours.
        init(_ logs: [[UInt8]], piece: Int = 1 << 16, mostOpen: Int = PostfixLog.mostOpen, utcOffset: Int64 = 0) {
            var log = PostfixLog(ImportOptions(now: now, utcOffset: utcOffset), mostOpen: mostOpen) {
                $0 == Array("our.example".utf8)
            }
            for bytes in logs {
                log.begin(written: now)
                for start in stride(from: 0, to: bytes.count, by: piece) {
                    log.feed(bytes.span.extracting(start..<min(start + piece, bytes.count)))
                    mails += log.takeMails()
                }
                log.end()
                mails += log.takeMails()
            }
            counts = log.counts
        }

        init(_ text: String, mostOpen: Int = PostfixLog.mostOpen, utcOffset: Int64 = 0) {
            self.init([Array(text.utf8)], mostOpen: mostOpen, utcOffset: utcOffset)
        }

        /// Each as `SENDER RECIPIENT`, in their order.
        var texts: [String] { mails.map { "\(text($0.sender)) \(text($0.recipient))" } }
    }

    private static let stamp = "Nov 29 22:13:20 mx"
    private static let from =
        "\(stamp) postfix/qmgr[9]: 4ABC12DEF: from=<a@our.example>, size=812, nrcpt=1 (queue active)\n"
    private static let end =
        "relay=mx.b.example[192.0.2.7]:25, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok)"

    private static func sent(_ recipient: String) -> String {
        "\(stamp) postfix/smtp[8]: 4ABC12DEF: to=<\(recipient)>, \(end)\n"
    }

    // MARK: What a real Postfix wrote

    /// Logs of Postfix 3.7: several recipients, one of them here, a bounce, a deferral, aliases, quoted addresses.
    static let realLogs = ["short-ids", "long-ids"]

    private static func log(_ name: String) throws -> [UInt8] {
        let directory = URL(filePath: #filePath).deletingLastPathComponent()
        return try Array(Data(contentsOf: directory.appending(path: "PostfixLogs/\(name).txt")))
    }

    @Test(arguments: realLogs)
    func realLog(_ name: String) throws {
        let bytes = try Self.log(name)
        let reading = LogReading([bytes])
        #expect(
            reading.texts.sorted()
                == [
                    "an na@our.example one@a.example", #"anna@our.example a"\>, relay=x, status=sent (y@c.example"#,
                    "anna@our.example Three+x@B.Example", "anna@our.example a b@c.example",
                    "anna@our.example later@deferred.example", "anna@our.example new@b.example",
                    "anna@our.example one@a.example", "anna@our.example one@a.example",
                    "anna@our.example two@b.example",
                    "anna@our.example x@relay.example",
                ].sorted())
        #expect(reading.counts.leftOut == [.nullSender: 1, .senderElsewhere: 1, .forwarded: 1])
        #expect(reading.counts.mails == 5 && reading.counts.recipients == 10)
        #expect(reading.counts.lines == bytes.count { $0 == UInt8(ascii: "\n") })
        #expect(reading.counts.forgotten == 0 && reading.counts.longLines == 0)
    }

    @Test("A log is read the same in pieces of any size, with CRLF, and without the end of its last line")
    func pieces() throws {
        let bytes = try Self.log("short-ids")
        let whole = LogReading([bytes])
        for piece in [1, 2, 3, 7, 16, 17, 64] {
            let reading = LogReading([bytes], piece: piece)
            #expect(reading.mails == whole.mails && reading.counts == whole.counts)
        }
        let returns = bytes.flatMap { $0 == UInt8(ascii: "\n") ? [UInt8(ascii: "\r"), $0] : [$0] }
        #expect(LogReading([returns]).mails == whole.mails)
        #expect(LogReading([bytes.dropLast()]).mails == whole.mails)
    }

    @Test("Two logs that were one give the same, and so does a second reading")
    func rotated() throws {
        let bytes = try Self.log("short-ids")
        let whole = LogReading([bytes])
        for (place, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            let parts = [Array(bytes[...place]), Array(bytes[(place + 1)...])]
            #expect(LogReading(parts).mails == whole.mails)
        }
        #expect(LogReading([bytes, bytes]).mails == whole.mails + whole.mails)
    }

    // MARK: Lines

    /// A recipient line after one that names `a@our.example` as the sender, and who is learnt.
    static let recipients: [(line: String, recipient: String?)] = [
        ("to=<b@b.example>, \(end)", "b@b.example"),
        (
            "to=<b@b.example>, relay=mx[192.0.2.7]:25, conn_use=3, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250)",
            "b@b.example"
        ),
        ("to=<b@b.example>, relay=/run/x[/run/x], delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent", "b@b.example"),
        // Forms of addresses.
        (#"to=<"b b"@b.example>, \#(end)"#, "b b@b.example"),
        (#"to=<"b>, relay=x, status=sent (y"@b.example>, \#(end)"#, "b>, relay=x, status=sent (y@b.example"),
        (#"to=<"b\"\\@c"@b.example>, \#(end)"#, #"b"\@c@b.example"#),
        (#"to=<"">, \#(end)"#, nil),
        (#"to=<"b"c@b.example>, \#(end)"#, nil),
        ("to=<b b@b.example>, \(end)", "b b@b.example"),
        ("to=<jörg@bücher.example>, \(end)", "jörg@bücher.example"),
        ("to=<B+x@B.Example.>, \(end)", "B+x@B.Example."),
        ("to=<b@[192.0.2.9]>, \(end)", "b@[192.0.2.9]"),
        ("to=<b\u{7f}@b.example>, \(end)", nil),
        ("to=<>, \(end)", nil),
        // Ours.
        ("to=<b@our.example>, \(end)", nil),
        ("to=<b@OUR.Example.>, \(end)", nil),
        ("to=<b>, \(end)", nil),
        ("to=<b@b.example>, orig_to=<list@our.example>, \(end)", nil),
        ("to=<b@b.example>, orig_to=<root>, \(end)", nil),
        ("to=<b@b.example>, orig_to=<b@old.example>, \(end)", "b@b.example"),
        (#"to=<b@b.example>, orig_to=<"x>, status=sent (@our.example"@old.example>, \#(end)"#, "b@b.example"),
        // Whatever else was said.
        ("to=<b@b.example>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (connect: timed out)", nil),
        (
            "to=<b@b.example>, relay=x[192.0.2.7]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (550 x, status=sent (y))",
            nil
        ),
        (
            "to=<b@b.example>, relay=x[192.0.2.7]:25, delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred (a to=<c@c.example>, \(end))",
            nil
        ),
        ("to=<b@b.example>, relay=x[192.0.2.7]:25, delay=1, delays=1/0/0/0, dsn=2.1.5, status=deliverable (250)", nil),
        ("to=<b@b.example>, relay=x[192.0.2.7]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sen", nil),
        ("host mx[192.0.2.7] said: 450 to=<b@b.example>, \(end) (in reply to RCPT)", nil),
        ("to=<b@b.example", nil), ("to=<b@b.example>, status", nil), ("to=<b@b.example>, relay=x", nil),
        ("to=<b@b.example>, other=x, status=sent (250)", nil),
    ]

    @Test(arguments: recipients)
    func aRecipient(_ line: String, _ recipient: String?) {
        let reading = LogReading(Self.from + "\(Self.stamp) postfix/smtp[8]: 4ABC12DEF: \(line)\n")
        #expect(reading.texts == [recipient].compactMap { $0.map { "a@our.example \($0)" } })
        #expect(reading.counts.lines == 2)
        #expect(reading.counts.recipients == reading.mails.count && reading.counts.mails == reading.mails.count)
    }

    static let senders: [(sender: String, learnt: String?, reason: UnlearntReason?)] = [
        ("a@our.example", "a@our.example", nil), ("A@OUR.example.", "A@OUR.example.", nil),
        (#""a b"@our.example"#, "a b@our.example", nil), ("a b@our.example", "a b@our.example", nil),
        (#""a>, size=1, nrcpt=1 (queue active)"@our.example"#, "a>, size=1, nrcpt=1 (queue active)@our.example", nil),
        ("a>, size=1, b@our.example", "a>, size=1, b@our.example", nil),
        ("", nil, .nullSender), ("a@x.our.example", nil, .senderElsewhere), ("a@b.example", nil, .senderElsewhere),
        ("root", nil, .senderElsewhere), (#""a@our.example"#, nil, .mailbox), ("a\u{1}@our.example", nil, .mailbox),
        (String(repeating: "a", count: 1_013) + "@our.example", nil, .mailbox),
    ]

    @Test(arguments: senders)
    func aSender(_ sender: String, _ learnt: String?, _ reason: UnlearntReason?) {
        let reading = LogReading(Self.from.replacing("a@our.example", with: sender) + Self.sent("b@b.example"))
        #expect(reading.texts == [learnt].compactMap { $0.map { "\($0) b@b.example" } })
        #expect(reading.counts.leftOut == (reason.map { [$0: 1] } ?? [:]))
    }

    /// The programs' tags, before and behind which anything may stand.
    static let tags: [(queue: String, client: String, isRead: Bool)] = [
        ("postfix/qmgr[9]", "postfix/smtp[8]", true), ("postfix/qmgr", "postfix/smtp", true),
        ("postfix-out/qmgr[9]", "postfix-out/relay/smtp[8]", true), ("postfix/oqmgr[9]", "postfix/out/smtp[8]", true),
        ("mail.info postfix/qmgr[9]", "mail.info postfix/smtp[8]", true),
        ("postfix/qmgr[9]", "postfix/lmtp[8]", false), ("postfix/qmgr[9]", "postfix/local[8]", false),
        ("postfix/qmgr[9]", "postfix/smtpd[8]", false), ("postfix/qmgr[9]", "smtp[8]", false),
        ("postfix/qmgr[9]", "x/smtp y[8]", false), ("postfix/cleanup[9]", "postfix/smtp[8]", false),
    ]

    @Test(arguments: tags)
    func aTag(_ queue: String, _ client: String, _ isRead: Bool) {
        let text = (Self.from + Self.sent("b@b.example")).replacing("postfix/qmgr[9]", with: queue)
            .replacing("postfix/smtp[8]", with: client)
        #expect(LogReading(text).texts == (isRead ? ["a@our.example b@b.example"] : []))
    }

    /// Times at the beginning of a line, and how many seconds they lie before now; nil where they aren't any.
    static let times: [(time: String, ago: Int64?)] = [
        ("Nov 29 22:13:20", 9_600), ("Nov  9 22:13:20", 1_737_600), ("Dec  2 00:00:00", 31_366_400),
        ("Nov 29 22:13:20.123456", 9_600), ("2026-11-29T22:13:20.123456+00:00", 9_600), ("2026-11-29T22:13:20Z", 9_600),
        ("2026-11-29T23:13:20+0100", 9_600), ("2026-11-29 22:13:20", 9_600),
        // A clock that is ahead.
        ("2026-11-30T01:53:20Z", 0), ("2026-12-01T01:53:20Z", nil), ("1999-11-30T01:53:20Z", nil),
        ("Nov 31 22:13:20", nil), ("2026-13-29T22:13:20Z", nil), ("2026-11-29T2x:13:20Z", nil),
    ]

    @Test(arguments: times)
    func aTime(_ time: String, _ ago: Int64?) {
        let text = (Self.from + Self.sent("b@b.example")).replacing("Nov 29 22:13:20", with: time)
        let reading = LogReading(text)
        #expect(reading.mails.map { now.seconds - $0.time.seconds } == [ago].compactMap { $0 })
        #expect(reading.counts.leftOut == (ago == nil ? [.time: 1] : [:]))
    }

    @Test("Times without a zone are local")
    func localTime() {
        let reading = LogReading(Self.from + Self.sent("b@b.example"), utcOffset: 3_600)
        #expect(reading.mails.map { now.seconds - $0.time.seconds } == [13_200])
    }

    @Test("The year of a line follows from when its log was written")
    func oldLog() {
        var log = PostfixLog(ImportOptions(now: now)) { $0 == Array("our.example".utf8) }
        log.begin(written: Timestamp(seconds: now.seconds - 300 * 86_400))
        log.feed(Array((Self.from + Self.sent("b@b.example")).utf8).span)
        #expect(log.takeMails().map { now.seconds - $0.time.seconds } == [9_600 + 365 * 86_400])
        // A whole date counts, whatever the file's own is.
        log.feed(Array(Self.sent("c@c.example").replacing("Nov 29 22:13:20", with: "2026-11-29T22:13:20Z").utf8).span)
        #expect(log.takeMails().map { now.seconds - $0.time.seconds } == [9_600])
    }

    // MARK: Queue ids

    @Test("A queue id is used again when its mail is removed; nobody is taken for its sender before that is named")
    func usedAgain() {
        let removed = "\(Self.stamp) postfix/qmgr[9]: 4ABC12DEF: removed\n"
        let reading = LogReading(
            Self.from + Self.sent("b@b.example") + Self.sent("c@c.example") + removed + Self.sent("d@d.example")
                + Self.from.replacing("<a@", with: "<e@") + Self.sent("f@f.example"))
        #expect(
            reading.texts == ["a@our.example b@b.example", "a@our.example c@c.example", "e@our.example f@f.example"])
        #expect(reading.counts.mails == 2)
        #expect(reading.counts.leftOut == [.unknownSender: 1])
    }

    @Test("The same id on two hosts is two mails; long ids are read as short ones are")
    func ids() {
        let text = Self.from + Self.from.replacing("<a@", with: "<e@").replacing(" mx ", with: " mx2 ")
        let one = LogReading(
            text + Self.sent("b@b.example") + Self.sent("c@c.example").replacing(" mx ", with: " mx2 "))
        #expect(one.texts == ["a@our.example b@b.example", "e@our.example c@c.example"])
        #expect(one.counts.mails == 2)
        let long = (Self.from + Self.sent("b@b.example")).replacing("4ABC12DEF", with: "4hLmZy1w0Vz9vXk")
        #expect(LogReading(long).texts == ["a@our.example b@b.example"])
        let tooLong = (Self.from + Self.sent("b@b.example")).replacing(
            "4ABC12DEF", with: String(repeating: "A", count: 33))
        #expect(LogReading(tooLong).mails.isEmpty)
    }

    @Test("A mail that was deferred counts once, and its retries name its sender again")
    func deferred() {
        let reading = LogReading(
            Self.from + Self.sent("b@b.example") + Self.from + Self.sent("c@c.example") + Self.from
                + Self.sent("d@d.example"))
        #expect(reading.mails.count == 3 && reading.counts.mails == 1)
    }

    @Test("Of more mails on their way than are kept the oldest are forgotten, and counted")
    func bounded() {
        func from(_ number: Int) -> String { Self.from.replacing("4ABC12DEF", with: "F\(number)") }
        func sent(_ number: Int) -> String {
            Self.sent("b\(number)@b.example").replacing("4ABC12DEF", with: "F\(number)")
        }
        let text = (1...10).map(from).joined() + from(1) + (11...12).map(from).joined() + (1...12).map(sent).joined()
        let reading = LogReading(text, mostOpen: 10)
        // The first one came again, so the second and third are the oldest.
        #expect(reading.counts.forgotten == 2 && reading.counts.leftOut == [.unknownSender: 2])
        #expect(reading.counts.recipients == 10 && !reading.texts.contains("a@our.example b2@b.example"))
        #expect(reading.texts.contains("a@our.example b1@b.example"))
        #expect(LogReading(text, mostOpen: 12).counts.forgotten == 0)
        // What is gone makes room, and however many come, no more is kept of them.
        var mails = OpenMails<Int>(most: 10)
        for number in 0..<10_000 {
            mails.open([UInt8(number % 7)], number)
            if number % 3 == 0 { mails.close([UInt8(number % 7)]) }
        }
        #expect(mails.count <= 7 && mails.forgotten == 0 && mails.kept <= 2 * 10 + 64)
    }

    // MARK: Anything

    @Test("Lines that say nothing, or are too long, change nothing")
    func noise() {
        let noise = [
            "", "\(Self.stamp) postfix/smtp[8]: message repeated 2 times: [ 4ABC12DEF: to=<x@x.example>, \(Self.end)]",
            "\(Self.stamp) last message repeated 3 times", "-- Boot 0123456789abcdef --", "nonsense", "\u{0}\u{ff}",
            "\(Self.stamp) postfix/smtp[8]: warning: to=<x@x.example>, \(Self.end)",
            "\(Self.stamp) postfix/smtpd[8]: 4ABC12DEF: client=x, sasl_username=to=<x@x.example>, \(Self.end)",
            "\(Self.stamp) postfix/qmgr[9]: 4ABC12DEF: from=<x@our.example>, status=expired, returned to sender",
            "\(Self.stamp) x: postfix/qmgr[9]: 4ABC12DEF: removed",
            String(repeating: "x", count: LineSplitter.longest + 1),
        ]
        let text = noise.map { $0 + "\n" }.joined()
        let reading = LogReading(text + Self.from + text + Self.sent("b@b.example") + text)
        #expect(reading.texts == ["a@our.example b@b.example"])
        #expect(reading.counts.longLines == 3 && reading.counts.leftOut.isEmpty)
        #expect(reading.counts.lines == 3 * noise.count + 2)
    }

    @Test("Whatever is handed in, nothing crashes, and what is learnt is counted")
    func mutations() {
        let original = Array(
            (Self.from
                + Self.recipients.map {
                    "\(Self.stamp) postfix/smtp[8]: 4ABC12DEF: \($0.line)\n"
                }.joined()).utf8)
        var random = SeededRandom(seed: 3)
        let bytes = Array("\n\r\0 \"\\<>,:=@[]/\u{7f}09aF-".utf8) + [0xff]
        for _ in 0..<300 {
            var changed = original
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                let place = Int.random(in: 0..<changed.count, using: &random)
                let byte = bytes.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[place] = byte
                case 1: changed.insert(byte, at: place)
                default: changed.remove(at: place)
                }
            }
            let reading = LogReading([changed], piece: 1_000)
            #expect(reading.counts.recipients == reading.mails.count)
            #expect(reading.counts.lines >= changed.count { $0 == UInt8(ascii: "\n") })
            #expect(reading.mails.allSatisfy { !$0.recipient.isEmpty && $0.recipient.domain != nil && $0.time <= now })
        }
        for count in 0..<600 { _ = LogReading([Array(original[..<count])]) }
    }
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
