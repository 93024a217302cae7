import Foundation
import Greylist
import TestSupport
import Testing

@testable import Import

/// What came in, by Postfix' log.
struct IncomingLogTests {
    /// What was read of a log.
    private struct LogReading {
        var mails: [IncomingMail] = []
        var counts = IncomingCounts()

        /// Reads a log in pieces of some bytes; `our.example` is ours.
        init(_ bytes: [UInt8], piece: Int = 1 << 16, mostOpen: Int = IncomingLog.mostOpen) {
            var log = IncomingLog(ImportOptions(now: now, utcOffset: 0), mostOpen: mostOpen) {
                $0 == Array("our.example".utf8)
            }
            log.begin(written: now)
            for start in stride(from: 0, to: bytes.count, by: piece) {
                log.feed(bytes.span.extracting(start..<min(start + piece, bytes.count)))
                mails += log.takeMails()
            }
            log.end()
            mails += log.takeLastMails()
            counts = log.counts
        }

        init(_ text: String, mostOpen: Int = IncomingLog.mostOpen) {
            self.init(Array(text.utf8), mostOpen: mostOpen)
        }

        /// Each as `TIME+|- CLIENT NAME SENDER RECIPIENT`, in their order, seconds counted from 22:00.
        var texts: [String] {
            mails.map { mail in
                let seconds = mail.time.seconds - 1_795_989_600
                let fields = [mail.client, mail.clientName, mail.sender, mail.recipient].map(text)
                return "\(seconds)\(mail.isAccepted ? "+" : "-") \(fields.joined(separator: " "))"
            }
        }
    }

    private static func line(_ time: String, _ program: String, _ text: String, host: String = "mx") -> String {
        "Nov 29 22:\(time) \(host) postfix/\(program)[9]: \(text)\n"
    }

    /// The lines of a mail that is taken.
    private static func mail(
        _ id: String, at time: String, from client: String = "mx.a.example[192.0.2.7]", sender: String = "a@a.example",
        to recipients: [String] = ["b@our.example"], delivered: String? = nil, host: String = "mx"
    ) -> String {
        line(time, "smtpd", "\(id): client=\(client)", host: host)
            + line(time, "cleanup", "\(id): message-id=<1@a.example>", host: host)
            + line(time, "qmgr", "\(id): from=<\(sender)>, size=812, nrcpt=1 (queue active)", host: host)
            + recipients.map { recipient in
                line(
                    delivered ?? time, "lmtp",
                    "\(id): to=<\(recipient)>, relay=x[/run/x], delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250)",
                    host: host)
            }.joined() + line(delivered ?? time, "qmgr", "\(id): removed", host: host)
    }

    private static let greylisted =
        "450 4.2.0 <b@our.example>: Recipient address rejected: Greylisted, see http://postgrey.example/"

    // MARK: What is taken

    @Test("A mail is an attempt for each of its recipients, at the time at which it came")
    func accepted() {
        let text =
            Self.mail("4ABC1", at: "00:10", to: ["b@our.example", "c@our.example"], delivered: "00:40")
            + Self.mail("4ABC2", at: "00:20", from: "unknown[2001:db8::7]", sender: "")
            // The same recipient, tried again, and under two addresses to which it leads.
            + Self.line("00:50", "smtpd", "4ABC3: client=mx.a.example[192.0.2.7]:25841")
            + Self.line("00:50", "qmgr", "4ABC3: from=<\"a b\"@a.example>, size=1, nrcpt=2 (queue active)")
            + Self.line(
                "00:51", "smtp", "4ABC3: to=<x@x.example>, orig_to=<list@our.example>, relay=none, status=deferred (x)")
            + Self.line(
                "00:52", "local", "4ABC3: to=<y@our.example>, orig_to=<list@our.example>, relay=local, status=sent (x)")
            + Self.line(
                "01:52", "smtp", "4ABC3: to=<x@x.example>, orig_to=<list@our.example>, relay=none, status=deferred (x)")
        let reading = LogReading(text)
        #expect(
            reading.texts == [
                "10+ 192.0.2.7 mx.a.example a@a.example b@our.example",
                "10+ 192.0.2.7 mx.a.example a@a.example c@our.example",
                "20+ 2001:db8::7 unknown  b@our.example",
                "50+ 192.0.2.7 mx.a.example a b@a.example list@our.example",
            ])
        #expect(reading.counts.accepted == 4 && reading.counts.deferred == 0 && reading.counts.leftOut.isEmpty)
    }

    @Test("Times are read in both forms, and mails of several hosts are told apart")
    func forms() {
        let iso = Self.mail("4ABC1", at: "00:10").replacing("Nov 29 22:", with: "2026-11-29T22:")
            .replacing("00:10 mx", with: "00:10.123456+00:00 mx")
        #expect(LogReading(iso).texts == ["10+ 192.0.2.7 mx.a.example a@a.example b@our.example"])
        let hosts =
            Self.line("00:10", "smtpd", "4ABC1: client=one.example[192.0.2.1]", host: "mx1")
            + Self.line("00:11", "smtpd", "4ABC1: client=two.example[192.0.2.2]", host: "mx2")
            + Self.mail("4ABC9", at: "00:12", host: "mx3")
            + ["mx2", "mx1"].map { host in
                Self.line(
                    "00:12", "qmgr", "4ABC1: from=<\(host)@a.example>, size=1, nrcpt=1 (queue active)", host: host)
                    + Self.line("00:13", "pipe", "4ABC1: to=<b@our.example>, relay=x, status=sent (x)", host: host)
            }.joined()
        #expect(
            LogReading(hosts).texts == [
                "10+ 192.0.2.1 one.example mx1@a.example b@our.example",
                "11+ 192.0.2.2 two.example mx2@a.example b@our.example",
                "12+ 192.0.2.7 mx.a.example a@a.example b@our.example",
            ])
    }

    @Test("A mail that is delivered late has its place, and one that comes too late for that is taken for later")
    func order() {
        let early =
            Self.line("00:10", "smtpd", "4ABC1: client=mx.a.example[192.0.2.7]")
            + Self.line("00:10", "qmgr", "4ABC1: from=<a@a.example>, size=1, nrcpt=1 (queue active)")
        let late = Self.line("20:00", "lmtp", "4ABC1: to=<b@our.example>, relay=x, status=sent (x)")
        let between = Self.mail("4ABC2", at: "00:30", sender: "c@a.example")
        #expect(LogReading(early + between + late).texts.map { String($0.prefix(3)) } == ["10+", "30+"])
        let far = Self.mail("4ABC3", at: "15:00", sender: "d@a.example") + Self.mail("4ABC4", at: "15:01")
        #expect(
            LogReading(early + between + far + late).texts.map { String($0.prefix { $0 != "+" }) }
                == ["30", "30", "900", "901"])
    }

    // MARK: What is told to come back

    /// What somebody is told, and who that is.
    static let deferrals: [(line: String, mail: String?)] = [
        (
            "smtpd[9]: NOQUEUE: reject: RCPT from mx.a.example[192.0.2.7]: \(greylisted); from=<a@a.example> "
                + "to=<b@our.example> proto=ESMTP helo=<mx>",
            "192.0.2.7 mx.a.example a@a.example b@our.example"
        ),
        (
            "smtpd[9]: 4ABC1: reject: RCPT from unknown[2001:db8::7]: \(greylisted); from=<> to=<b@our.example> proto=SMTP helo=<>",
            "2001:db8::7 unknown  b@our.example"
        ),
        (
            "smtpd[9]: NOQUEUE: milter-reject: RCPT from x[192.0.2.7]: 451 4.7.1 Greylisting in action, come back in 00:05:00; "
                + "from=<a@a.example> to=<b@our.example> proto=ESMTP helo=<mx>", "192.0.2.7 x a@a.example b@our.example"
        ),
        (
            "postscreen[9]: NOQUEUE: reject: RCPT from [192.0.2.7]:25841: 450 4.3.2 Service currently unavailable; "
                + "from=<a@a.example>, to=<b@our.example>, proto=ESMTP, helo=<mx>",
            "192.0.2.7 unknown a@a.example b@our.example"
        ),
        (
            #"smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: \#(greylisted); from=<"a> to=<z"@a.example> "#
                + "to=<b@our.example> proto=ESMTP helo=<mx>", "192.0.2.7 x a> to=<z@a.example b@our.example"
        ),
        // Whoever is refused for good, or for another reason.
        (
            "smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: 554 5.7.1 Greylisted for ever; from=<a@a.example> "
                + "to=<b@our.example> proto=ESMTP helo=<mx>", nil
        ),
        (
            "smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: 450 4.1.8 <a@a.example>: Sender address rejected: Domain not "
                + "found; from=<a@a.example> to=<b@our.example> proto=ESMTP helo=<greylist>", nil
        ),
        ("smtpd[9]: NOQUEUE: reject: CONNECT from x[192.0.2.7]: 450 greylisted; proto=ESMTP", nil),
        ("smtpd[9]: lost connection after RCPT from x[192.0.2.7]", nil),
        ("smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7: \(greylisted); from=<a@a.example> to=<b@our.example>", nil),
        ("smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: \(greylisted); from=<a@a.example", nil),
        ("smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: \(greylisted); from=<a@a.example> to=<b@our.example", nil),
        ("smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: 4", nil),
        (
            "smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.300]: \(greylisted); from=<a@a.example> to=<b@our.example> proto=x",
            nil
        ),
        (
            "smtpd[9]: NOQUEUE: reject: RCPT from x[10.0.0.7]: \(greylisted); from=<a@a.example> to=<b@our.example> proto=x",
            nil
        ),
        (
            "smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: \(greylisted); from=<a@a.example> to=<b@x.example> proto=x",
            nil
        ),
        ("smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: \(greylisted); from=<a@a.example> to=<> proto=x", nil),
    ]

    @Test("What greylisters tell clients is an attempt, and nothing else is", arguments: deferrals)
    func deferred(_ line: String, _ mail: String?) {
        let reading = LogReading("Nov 29 22:00:10 mx postfix/\(line)\n")
        #expect(reading.texts == (mail.map { ["10- \($0)"] } ?? []))
        #expect(reading.counts.deferred == (mail == nil ? 0 : 1))
    }

    @Test("What it called itself is known of those alone")
    func helo() {
        let line = Self.deferrals[0].line
        let reading = LogReading("Nov 29 22:00:10 mx postfix/\(line)\n" + Self.mail("4ABC1", at: "05:30"))
        #expect(reading.mails.map { text($0.helo) } == ["mx", ""])
        #expect(reading.mails.map(\.isAccepted) == [false, true])
    }

    // MARK: What doesn't count

    @Test("What isn't mail of somebody else is left out, each for its reason")
    func leftOut() {
        let text =
            Self.mail("4ABC1", at: "00:01", from: "x[192.0.2.7], sasl_method=PLAIN, sasl_username=anna")
            + Self.mail("4ABC2", at: "00:02", from: "localhost[127.0.0.1]")
            + Self.mail("4ABC3", at: "00:03", from: "printer[192.168.1.9]")
            + Self.mail("4ABC4", at: "00:04", to: ["b@x.example"])
            + Self.mail("4ABC5", at: "00:05", from: "x[nonsense]")
            + Self.mail("4ABC6", at: "00:06", sender: "a\u{7f}@a.example")
            + Self.line("00:07", "smtpd", "4ABC7: client=x")
            + Self.line("00:08", "lmtp", "4ABC8: to=<b@our.example>, relay=x, status=sent (x)")
            + Self.line("00:09", "lmtp", "4ABC8: to=<b@our.example")
            + "Xxx 29 22:00:00 mx postfix/smtpd[9]: 4ABC9: client=x[192.0.2.7]\n"
        let reading = LogReading(text)
        #expect(reading.mails.isEmpty)
        #expect(
            reading.counts.leftOut == [
                .authenticated: 1, .privateClient: 2, .recipientElsewhere: 1, .address: 1, .mailbox: 1, .malformed: 2,
                .unknownClient: 1, .time: 1,
            ])
        #expect(reading.counts.lines == text.count { $0 == "\n" })
        for reason in UncountedReason.allCases { #expect(!reason.message.isEmpty) }
    }

    @Test("No more mails are kept than may be, the newest of them, and no more recipients")
    func bounded() {
        let open = (1...12).map { Self.line("00:10", "smtpd", "F\($0): client=x[192.0.2.7]") }.joined()
        let rest = (1...12).map { number in
            Self.line("00:11", "qmgr", "F\(number): from=<a\(number)@a.example>, size=1, nrcpt=1 (queue active)")
                + Self.line("00:12", "lmtp", "F\(number): to=<b@our.example>, relay=x, status=sent (x)")
        }.joined()
        let reading = LogReading(open + rest, mostOpen: 10)
        #expect(reading.counts.forgotten == 2 && reading.counts.leftOut == [.unknownClient: 2])
        #expect(reading.counts.accepted == 10 && !reading.texts.contains { $0.contains(" a2@") })
        #expect(LogReading(open + rest, mostOpen: 12).counts.forgotten == 0)
    }

    @Test("Whatever is handed in, nothing crashes, times never go back, and in pieces it is read the same")
    func mutations() {
        let original = Array(
            (Self.mail("4ABC1", at: "00:10", to: ["b@our.example", #""b>, c"@our.example"#])
                + Self.deferrals.map { "Nov 29 22:05:10 mx postfix/\($0.line)\n" }.joined()
                + Self.mail("4ABC2", at: "10:10", from: "unknown[2001:db8::7]", sender: "")).utf8)
        var random = SeededRandom(seed: 3)
        let bytes = Array("\n\r\0 \"\\<>,:;=@[]/\u{7f}09aF-".utf8) + [0xff]
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
            let reading = LogReading(changed)
            let pieces = LogReading(changed, piece: Int.random(in: 1...64, using: &random))
            #expect(reading.mails == pieces.mails && reading.counts == pieces.counts)
            #expect(reading.counts.accepted + reading.counts.deferred == reading.mails.count)
            #expect(zip(reading.mails, reading.mails.dropFirst()).allSatisfy { $0.time <= $1.time })
            #expect(reading.mails.allSatisfy { $0.time <= now && Address(client: $0.client.span) != nil })
        }
    }
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// Values in the order of their times.
struct TimeQueueTests {
    @Test("They go in the order of their times, and those of one time as they came")
    func order() {
        var random = SeededRandom(seed: 5)
        var queue = TimeQueue<Int>()
        var expected: [(time: Int64, number: Int)] = []
        for number in 0..<500 {
            let time = Int64.random(in: 0..<40, using: &random)
            queue.insert(number, at: Timestamp(seconds: time))
            expected.append((time, number))
            if number % 3 == 0 {
                expected.sort { $0 < $1 }
                #expect(queue.nextTime == Timestamp(seconds: expected[0].time))
                #expect(queue.removeFirst() == expected.removeFirst().number)
            }
        }
        expected.sort { $0 < $1 }
        var rest: [Int] = []
        while let number = queue.removeFirst() { rest.append(number) }
        #expect(rest == expected.map(\.number) && queue.count == 0 && queue.nextTime == nil)
    }
}
