import Greylist
import Testing

@testable import Import

/// Who passed, by old mail logs.
struct PostgreyLogTests {
    static let lines: [(line: String, entry: String?)] = [
        (
            "2026-11-29T22:13:20.123456+00:00 mx postgrey[99]: action=pass, reason=triplet found, delay=361, "
                + "client_name=mail.example.net, client_address=192.0.2.7, sender=a@x.org, recipient=u@y.org",
            "192.0.2.7/32 <a@x.org> u@y.org 9961 9600 passed"
        ),
        (
            "Nov 29 22:13:20 mx postgrey[99]: action=pass, reason=triplet found, client_name=unknown, "
                + "client_address=2001:db8::1, recipient=u@y.org",
            "2001:db8::1/128 <> u@y.org 9600 9600 passed"
        ),
        (
            "Dec  2 00:00:00 mx postgrey[99]: 4ABC1: action=pass, reason=triplet found, client_name=a, "
                + "client_address=192.0.2.7, sender=a, b@x, recipient=u@y.org",
            "192.0.2.7/32 <a, b@x> u@y.org 31366400 31366400 passed"
        ),
        ("Nov 29 22:13:20 mx postgrey[99]: action=greylist, reason=new, client_address=192.0.2.7, recipient=u@y", nil),
        (
            "Nov 29 22:13:20 mx postgrey[99]: action=pass, reason=client AWL, client_address=192.0.2.7, recipient=u@y",
            nil
        ),
        ("Nov 29 22:13:20 mx postfix/smtpd[1]: connect from x", nil),
    ]

    @Test(arguments: lines)
    func aPassIsATriplet(_ line: String, _ entry: String?) {
        let reading = Reading(.postgreyLog, line + "\n")
        #expect(reading.texts == [entry].compactMap { $0 })
        #expect(reading.counts.skippedLines == (entry == nil ? 1 : 0))
        #expect(reading.counts.leftOutLines == 0 && reading.error == nil)
    }

    static let faults: [(time: String, fields: String, reason: LeftOutReason)] = [
        ("Foo 29 22:13:20", "client_name=a, client_address=192.0.2.7, recipient=u@y", .time),
        ("Feb 30 22:13:20", "client_name=a, client_address=192.0.2.7, recipient=u@y", .time),
        ("2026-13-29T22:13:20Z", "client_name=a, client_address=192.0.2.7, recipient=u@y", .time),
        ("2036-11-29T22:13:20Z", "client_name=a, client_address=192.0.2.7, recipient=u@y", .future),
        ("1970-01-01T00:00:00Z", "client_name=a, client_address=192.0.2.7, recipient=u@y", .past),
        ("Nov 29 22:13:20", "client_name=a, client_address=unknown, recipient=u@y", .address),
        ("Nov 29 22:13:20", "client_name=a, client_address=192.0.2.7, sender=a@x", .malformed),
        ("Nov 29 22:13:20", "client_name=a, client_address=192.0.2.7, s=a@x, recipient=u@y", .malformed),
        ("Nov 29 22:13:20", "client_name=a, client_address=192.0.2.7, recipient=", .mailbox),
        ("Nov 29 22:13:20", "delay=x, client_name=a, client_address=192.0.2.7, recipient=u@y", .malformed),
        ("Nov 29 22:13:20", "client_name=a", .malformed),
        ("Nov 29 22:13:20", "delay=999999999999999999, client_name=a, client_address=192.0.2.7, recipient=u@y", .past),
    ]

    @Test(arguments: faults)
    func aBadLineIsLeftOut(_ time: String, _ fields: String, _ reason: LeftOutReason) {
        let reading = Reading(.postgreyLog, "\(time) mx postgrey[1]: action=pass, reason=triplet found, \(fields)\n")
        #expect(reading.entries.isEmpty)
        #expect(reading.counts.leftOut == [reason: 1])
        #expect(reading.isAccounted)
    }

    @Test(arguments: ["mail.x.org\n*.y.org\n", "nonsense"])
    func somethingElseIsNoLog(_ text: String) {
        let error = Reading(.postgreyLog, text).error
        #expect(error?.code == .otherFormat && error?.description.hasPrefix("file:1: not a mail log") == true)
    }

    @Test func aLogWithoutPostgreyIsOne() {
        #expect(Reading(.postgreyLog, "").error == nil)
        let reading = Reading(.postgreyLog, "truncated\nNov 29 22:13:20 mx postfix/smtpd[9]: connect from unknown\n")
        #expect(reading.error == nil && reading.counts.skippedLines == 2)
    }

    @Test func localTimeIsTold() {
        let text =
            "Nov 29 22:13:20 mx postgrey[9]: action=pass, reason=triplet found, client_name=a, "
            + "client_address=192.0.2.7, sender=a@x, recipient=u@y\n"
        let options = ImportOptions(now: now, utcOffset: 3_600)
        #expect(Reading(.postgreyLog, text, options: options).texts == ["192.0.2.7/32 <a@x> u@y 13200 13200 passed"])
    }

    @Test func aLeapDayIsFound() {
        let text =
            "Feb 29 12:00:00 mx postgrey[9]: action=pass, reason=triplet found, client_name=a, "
            + "client_address=192.0.2.7, sender=a@x, recipient=u@y\n"
        guard case .triplet(let triplet)? = Reading(.postgreyLog, text).entries.first else {
            Issue.record("no triplet")
            return
        }
        #expect(triplet.times.last.civilDate == (2024, 2, 29))
    }
}
