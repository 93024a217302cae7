import TestSupport

@testable import Web

/// What pages in tests show.
enum PageSamples {
    /// The time of day: 2026-11-30T14:32:05Z.
    static let now: Int64 = 1_796_049_125

    /// A source of these data.
    static func source(
        status: PageStatus = PageSamples.status, day: Result<PageDay, PageError> = .success(PageSamples.day),
        waiting: Result<PageList<PageWaitingCase>, PageError> = .success(PageSamples.waiting),
        stories: Result<PageList<PageStory>, PageError> = .success(PageSamples.stories),
        identities: Result<PageList<PageIdentity>, PageError> = .success(PageSamples.identities),
        now: @escaping @Sendable () -> Int64 = { PageSamples.now }
    ) -> PageSource {
        PageSource(
            now: now, status: { status }, day: { () throws(PageError) in try day.get() },
            waiting: { (_) throws(PageError) in try waiting.get() },
            search: { (_, _) throws(PageError) in try stories.get() },
            identities: { (_) throws(PageError) in try identities.get() })
    }

    /// A daemon that was just installed.
    static var empty: PageSource {
        let status = PageStatus(
            host: "mx1.example.com", version: "1.1.0", startedAt: now - 40,
            parts: [
                PagePart("Store", .working, "LMDB, no entries", place: "/var/lib/tprt/db"),
                PagePart("DNS", .working, "not asked yet", place: "127.0.0.1"),
                PagePart("Listeners", .working, "1", place: "unix:/run/tprt/policy.sock"),
                PagePart("Whitelists", .working, "212 entries"),
                PagePart("History", .working, "14 days, 0.1 MiB", place: "/var/lib/tprt/history.sqlite"),
            ], waiting: 0)
        let buckets = (0..<48).map { piece in
            PageDay.Bucket(
                start: now / 1_800 * 1_800 - Int64(47 - piece) * 1_800, passedAtOnce: 0, passedAfterWaiting: 0,
                deferred: 0)
        }
        return source(
            status: status,
            day: .success(
                PageDay(bucketSeconds: 1_800, buckets: buckets, medianWait: nil, firstAttempts: 0, neverCameBack: 0)),
            waiting: .success(PageList([], total: 0)), stories: .success(PageList([], total: 0)),
            identities: .success(PageList([], total: 0)))
    }

    /// A daemon of a site with some mail.
    static var typical: PageSource { source() }

    /// More of everything than is shown, and long texts.
    static var huge: PageSource {
        let long = String(repeating: "bounce-and-a-very-long-local-part.", count: 12) + "@mailing.example.net"
        let cases = (0..<Page.rowLimit).map { number in
            var one = waiting.elements[number % waiting.elements.count]
            one.firstAttempt = now - 170_000 + Int64(number) * 800
            one.attempts = number * 37 + 1
            if number % 3 == 0 { one.sender = long }
            // As long as a text may be that isn't cut, and around that.
            if number < 4 { one.recipient = String(repeating: "a", count: PageHTML.shortText - 2 + number) }
            if number % 5 == 0 {
                one.clientName = String(repeating: "a-host-with-a-long-name.", count: 9) + "example.net"
            }
            return one
        }
        var status = status
        status.waiting = 182_344
        status.problems = [
            PageProblem(
                "The store has been unavailable since 14:02 UTC: mail passes without greylisting.",
                remedy: "Look at systemctl status redis-server; nothing has to be done here once it answers."),
            PageProblem(
                "The DNS has not answered since 14:25 UTC: senders are known by network and name alone.",
                remedy: "Look at the servers in dns_servers."),
        ]
        status.parts[0] = PagePart(
            "Store", .degraded, "Redis, unavailable",
            place: "redis://redis-a-name-that-is-rather-long.example.com:6379/0")
        status.parts[1] = PagePart("DNS", .degraded, "no answer for 7 min", place: "192.0.2.53, 2001:db8::53")
        let buckets = (0..<96).map { piece in
            PageDay.Bucket(
                start: now / 900 * 900 - Int64(95 - piece) * 900, passedAtOnce: 120_000 + piece * piece * 97 % 81_000,
                passedAfterWaiting: 9_000 + piece * 83 % 4_000, deferred: 230_000 + piece * 7_919 % 90_000)
        }
        let story = PageStory(
            sender: long, recipient: "anna@example.com", outcome: .neverCameBack,
            attempts: (0..<Page.attemptLimit).map { number in
                PageAttempt(
                    time: now - 90_000 + Int64(number) * 61, isDeferral: true,
                    reason: number == 0 ? "new" : "early-retry",
                    detail: "12s missing", clientName: "out\(number).mailing.example.net",
                    clientAddress: "2001:db8:aaaa:bbbb:cccc:dddd:eeee:\(number)", organisation: "mailing.example.net",
                    proof: "spf")
            }, totalAttempts: 4_812, sentences: stories.elements[0].sentences, commands: stories.elements[0].commands)
        return source(
            status: status,
            day: .success(
                PageDay(
                    bucketSeconds: 900, buckets: buckets, medianWait: 12_345, firstAttempts: 1_204_332,
                    neverCameBack: 1_204_001)),
            waiting: .success(PageList(cases, total: 182_344)),
            stories: .success(PageList((0..<Page.storyLimit).map { _ in story }, total: 3_011)),
            identities: .success(
                PageList((0..<Page.identityLimit).map { identities.elements[$0 % 4] }, total: 48_221)))
    }

    /// Mails of which each text is a trick, one after the other.
    static var hostile: PageSource {
        let tricks = PageHostileTests.payloads
        let rows = tricks.indices.map { number in
            PageWaitingCase(
                firstAttempt: now - 60, mayPassFrom: now + 240, sender: tricks[number],
                recipient: tricks[(number + 1) % tricks.count], clientName: tricks[(number + 2) % tricks.count],
                network: tricks[(number + 3) % tricks.count], organisation: tricks[(number + 4) % tricks.count],
                proof: "spf", attempts: 1)
        }
        var source = PageHostileTests.source(tricks.joined())
        source.status = { status }
        source.waiting = { _ in PageList(rows, total: rows.count) }
        return source
    }

    static let status = PageStatus(
        host: "mx1.example.com", version: "1.1.0", startedAt: now - 1_065_900,
        parts: [
            PagePart("Store", .working, "LMDB, 182,340 entries", place: "/var/lib/tprt/db"),
            PagePart("DNS", .working, "answers in 4 ms", place: "127.0.0.1"),
            PagePart(
                "Listeners", .working, "2, 14 connections", place: "unix:/run/tprt/policy.sock, inet:127.0.0.1:10023"),
            PagePart("Whitelists", .working, "1,212 entries, read 2 days ago"),
            PagePart("History", .working, "14 days, 41 MiB", place: "/var/lib/tprt/history.sqlite"),
        ], waiting: 7)

    static var day: PageDay {
        // A day of a mid-sized site: little at night, most before noon.
        let shape = [
            34, 31, 33, 28, 26, 22, 19, 17, 14, 12, 11, 9, 9, 8, 7, 8, 9, 8, 10, 9, 8, 11, 10, 12, 13, 14, 18, 22, 25,
            31, 44,
            58, 67, 72, 69, 74, 78, 70, 66, 61, 48, 44, 51, 57, 55, 49, 46, 21,
        ]
        let buckets = shape.enumerated().map { piece, height in
            PageDay.Bucket(
                start: now / 1_800 * 1_800 - Int64(47 - piece) * 1_800, passedAtOnce: height,
                passedAfterWaiting: (height * 7 + piece * 5 % 11) / 60, deferred: 9 + piece * 7 % 10 + height / 9)
        }
        return PageDay(
            bucketSeconds: 1_800, buckets: buckets, medianWait: 372, firstAttempts: 641, neverCameBack: 498)
    }

    static let waiting = PageList(
        [
            PageWaitingCase(
                firstAttempt: now - 5_410, mayPassFrom: now - 5_110, sender: "newsletter@club.example.org",
                recipient: "board@example.com", clientName: "", network: "198.51.100.0/24", organisation: "",
                proof: "net", attempts: 1),
            PageWaitingCase(
                firstAttempt: now - 2_204, mayPassFrom: now - 1_904, sender: "", recipient: "anna@example.com",
                clientName: "mail.plumber.example.net", network: "203.0.113.7", organisation: "plumber.example.net",
                proof: "name", attempts: 1),
            PageWaitingCase(
                firstAttempt: now - 840, mayPassFrom: now - 540, sender: "invoices@utility.example.org",
                recipient: "accounts@example.com", clientName: "out3.utility.example.org",
                network: "192.0.2.0/24", organisation: "utility.example.org", proof: "spf", attempts: 2),
            PageWaitingCase(
                firstAttempt: now - 312, mayPassFrom: now - 12, sender: "no-reply@bank.example.org",
                recipient: "it@example.com", clientName: "a4-17.smtp-out.mailer.example.net", network: "192.0.2.0/24",
                organisation: "mailer.example.net", proof: "host", attempts: 1),
            PageWaitingCase(
                firstAttempt: now - 214, mayPassFrom: now + 86, sender: "jürgen@müller.example",
                recipient: "anna@example.com", clientName: "mx.müller.example", network: "2001:db8:17::/48",
                organisation: "xn--mller-kva.example", proof: "spf", attempts: 3),
            PageWaitingCase(
                firstAttempt: now - 95, mayPassFrom: now + 205, sender: "ben@partner.example.org",
                recipient: "it@example.com", clientName: "mail.partner.example.org", network: "198.51.100.0/24",
                organisation: "partner.example.org", proof: "spf", attempts: 1),
            PageWaitingCase(
                firstAttempt: now - 8, mayPassFrom: now + 292, sender: "winner@lottery.example",
                recipient: "info@example.com", clientName: "host-203-0-113-99.dyn.isp.example",
                network: "203.0.113.0/24", organisation: "", proof: "net", attempts: 1),
        ], total: 7)

    static let stories = PageList(
        [
            PageStory(
                sender: "invoices@utility.example.org", recipient: "accounts@example.com",
                outcome: .waiting(mayPassFrom: now - 540),
                attempts: [
                    PageAttempt(
                        time: now - 840, isDeferral: true, reason: "new", clientName: "out1.utility.example.org",
                        clientAddress: "192.0.2.17", organisation: "utility.example.org", proof: "spf"),
                    PageAttempt(
                        time: now - 720, isDeferral: true, reason: "early-retry", detail: "180s missing",
                        clientName: "out3.utility.example.org", clientAddress: "192.0.2.19",
                        organisation: "utility.example.org", proof: "spf"),
                ], totalAttempts: 2,
                sentences: [
                    "The first attempt of utility.example.org to this recipient was deferred for 300 s.",
                    "The retry came 120 s later: too early.",
                    "Since then its server has not tried again; when it does is up to the sender.",
                ],
                commands: [
                    PageCommand(
                        "Let the next attempt pass",
                        ["tprtctl", "release", "--", "invoices@utility.example.org", "accounts@example.com"]),
                    PageCommand(
                        "Let this organisation never wait", ["tprtctl", "identity", "allow", "utility.example.org"]),
                    PageCommand(
                        "The same story on a terminal",
                        ["tprtctl", "why", "--", "invoices@utility.example.org", "accounts@example.com"]),
                ]),
            PageStory(
                sender: "outages@utility.example.org", recipient: "it@example.com",
                outcome: .passed(at: now - 86_000, wait: 412),
                attempts: [
                    PageAttempt(
                        time: now - 86_412, isDeferral: true, reason: "new", clientName: "out1.utility.example.org",
                        clientAddress: "192.0.2.17", organisation: "utility.example.org", proof: "spf"),
                    PageAttempt(
                        time: now - 86_000, isDeferral: false, reason: "triplet found", detail: "matched=O, delay=412",
                        clientName: "out2.utility.example.org", clientAddress: "192.0.2.18",
                        organisation: "utility.example.org", proof: "spf"),
                ], totalAttempts: 2,
                sentences: ["The retry came from another address of the same organisation, and was recognised by it."],
                commands: [
                    PageCommand(
                        "The same story on a terminal",
                        ["tprtctl", "why", "--", "outages@utility.example.org", "it@example.com"])
                ]),
        ], total: 2)

    static let identities = PageList(
        [
            PageIdentity(
                organisation: "partner.example.org", earnedAt: now - 4_000,
                merit: "mail accepted on 4 days, by 2 recipients"),
            PageIdentity(
                organisation: "shop.example.net", earnedAt: now - 31_000,
                merit: "mail accepted on 4 days, by 11 recipients"),
            PageIdentity(organisation: "lawyers.example", earnedAt: now - 90_000, merit: "3 users wrote to it"),
            PageIdentity(
                organisation: "school.example.org", earnedAt: now - 200_000,
                merit: "mail accepted on 5 days, by 3 recipients"),
        ], total: 57)
}
