import Greylist
import Testing

@testable import Import

/// What is read of the dumps of milter-greylist and spamd.
struct TextDumpTests {
    @Test func milterGreylist() {
        let text = """
            # milter-greylist database, do not edit by hand
            # version 4.5
            192.0.2.7\t<a@x.org>\t<u@y.org>\t\(before(-600)) # 2026-11-30 01:03:20
            192.0.2.8\t<>\t<u@y.org>\t\(before(-86_400)) AUTO # 2026-12-01
            2001:db8::1\t<a@x.org>\t<u@y.org>\t\(before(50)) AUTO # over

            elsewhere\t<a@x.org>\t<u@y.org>\t\(before(50))
            192.0.2.7\t<a@x.org>\t<u@y.org>
            192.0.2.7\t<a@x.org>\t<u@y.org>\tsoon
            192.0.2.7\t<a@x.org>\t<u@y.org>\t5 AUTO
            192.0.2.7\t<a@x.org>\t<>\t\(before(50)) AUTO

            """
        let reading = Reading(.milterGreylist, text)
        #expect(
            reading.texts == [
                "192.0.2.7/32 <a@x.org> u@y.org 1200 1200 pending", "192.0.2.8/32 <> u@y.org 0 0 passed",
                "192.0.2.8/32 +1 0 0", "2001:db8::1/128 <a@x.org> u@y.org 86450 86450 passed",
                "2001:db8::1/128 +1 86450 86450",
            ])
        #expect(reading.leftOut == ["7 address", "8 malformed", "9 time", "10 past", "11 mailbox"])
        #expect(reading.isAccounted && reading.error == nil)
    }

    /// What isn't known of the last use is taken from the file, so that another reading gives the same.
    @Test func milterGreylistWithALongerPeriod() {
        let text = "192.0.2.8\t<>\t<u@y.org>\t\(before(-900_000)) AUTO # 2026-12-01\n"
        for later in [0, 500] as [Int64] {
            var options = ImportOptions(now: Timestamp(seconds: now.seconds + later))
            options.taken = Timestamp(seconds: before(300))
            let reading = Reading(.milterGreylist, text, options: options)
            #expect(reading.texts == ["192.0.2.8/32 <> u@y.org 300 300 passed", "192.0.2.8/32 +1 300 300"])
        }
    }

    @Test func spamdb() {
        let text = """
            WHITE|192.0.2.7|||\(before(9_000))|\(before(8_000))|\(before(7_000 - 864 * 3_600))|2|5
            WHITE|2001:db8::1|||\(before(90))|\(before(80))|\(before(-864 * 3_600))|0|0
            GREY|192.0.2.8|mx.example|<a@x.org>|<u@y.org>|\(before(60))|\(before(-1_440))|\(before(-14_000))|1|0
            TRAPPED|192.0.2.9|\(before(-60))
            SPAMTRAP|trap@y.org
            GREY|192.0.2.8|mx|<a@x.org>
            WHITE|192.0.2.777|||\(before(90))|\(before(80))|\(before(80))|0|1
            WHITE|192.0.2.7|||x|\(before(80))|\(before(80))|0|1
            WHITE|192.0.2.7|||\(before(90))|\(before(-999_999))|\(before(80))|0|1

            """
        let reading = Reading(.spamdb, text)
        #expect(
            reading.texts == [
                "192.0.2.7/32 5 9000 7000", "2001:db8::1/128 1 90 0",
                "192.0.2.8/32 <a@x.org> u@y.org 60 60 pending",
            ])
        #expect(
            reading.leftOut == ["4 noEquivalent", "5 noEquivalent", "6 malformed", "7 address", "8 time", "9 future"])
        #expect(reading.isAccounted && reading.error == nil)
    }

    @Test(arguments: [ImportKind.milterGreylist, .spamdb])
    func somethingElseIsSaid(_ kind: ImportKind) {
        #expect(Reading(kind, "root:x:0:0:root:/root:/bin/bash\n").error?.code == .otherFormat)
        #expect(Reading(kind, "VERSION=3\nHEADER=END\n").error?.code == .otherFormat)
        // An empty database is none the less one.
        #expect(Reading(kind, "").error == nil)
    }
}
