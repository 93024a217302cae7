import Engine
import Greylist
import TestSupport
import Testing
import Whitelists

@testable import History

/// What decisions become in the tables.
struct CaseTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("history.sqlite") }

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// The cases of what was said, the first one first, as words.
    private func cases(
        _ said: [Said], foldsRecipient: Bool = false, window: Int64 = 172_800, at: Int64 = 3_600
    ) throws -> [String] {
        var writer = try HistoryWriter(.sample(path, foldsRecipient: foldsRecipient), at: noon)
        #expect(writer.write(try DecisionBatch(said), dropped: 0, at: noon) == nil)
        writer.close()
        let found = try HistoryReader(path: path).search("", limit: 100)
        let now = Timestamp(seconds: noon.seconds + at)
        return found.cases.reversed().map { $0.words(at: now, window: window) }
    }

    @Test func aMailThatWaitsAndPasses() throws {
        let said = [
            Said(.new(wait: 300)), Said(.early(wait: 200, delay: 100), after: 100) { $0.client = "192.0.2.77" },
            Said(.retried(delay: 900), after: 900), Said(.known, after: 86_400), Said(.known, after: 86_401),
        ]
        #expect(
            try cases(said) == [
                "bob@example.org ann@example.com 5 attempts 2 deferrals passedAfterWaiting 900 triplet found promised 300"
            ])
        let story = try HistoryReader(path: path).story(
            sender: "bob@example.org", recipient: "ann@example.com", limit: 9)
        #expect(story.map(\.isWhole) == [true])
        let attempts = story.flatMap(\.attempts)
        #expect(attempts.map(\.reason) == [.new, .early, .retried, .known])
        #expect(attempts.map(\.count) == [1, 1, 1, 2])
        #expect(attempts.map(\.isDeferral) == [true, true, false, false])
        #expect(attempts.map { $0.time.seconds - noon.seconds } == [0, 100, 900, 86_400])
        #expect(attempts.last.map { $0.lastTime.seconds - noon.seconds } == 86_401)
        #expect(attempts.map(\.wait) == [300, 200, nil, nil])
        #expect(attempts.map(\.delay) == [nil, 100, 900, nil])
        #expect(attempts[1].clientAddress == "192.0.2.77")
        #expect(story.first?.mail.waitedBeyondDelay == 600)
    }

    static let single: [(Said, String)] = [
        (Said(.new(wait: 300)), "1 attempts 1 deferrals waiting promised 300"),
        (Said(.pendingLimitReached(wait: 300)) { $0.isDeferral = true }, "1 attempts 1 deferrals waiting"),
        (Said(.pendingLimitReached(wait: 300)), "1 attempts 0 deferrals passedAtOnce too many pending"),
        (Said(.storeFailed) { $0.isDeferral = true }, "1 attempts 1 deferrals waiting"),
        (Said(.storeFailed), "1 attempts 0 deferrals passedAtOnce store unavailable"),
        (Said(.retried(delay: 400)), "2 attempts 1 deferrals passedAfterWaiting 400 triplet found"),
        (Said(.early(wait: 200, delay: 100)), "2 attempts 2 deferrals waiting promised 300"),
        (Said(.known), "1 attempts 0 deferrals passedAtOnce triplet found"),
        (Said(.autoWhitelisted), "1 attempts 0 deferrals passedAtOnce client AWL"),
        (Said(.carried), "1 attempts 0 deferrals passedAtOnce carried"),
        (Said(.spared(.correspondent)), "1 attempts 0 deferrals passedAtOnce correspondent"),
        (Said(.spared(.earned)), "1 attempts 0 deferrals passedAtOnce identity earned"),
        (Said(.released), "1 attempts 0 deferrals passedAtOnce released"),
        (Said(.whitelisted(nil)), "1 attempts 0 deferrals passedAtOnce whitelist"),
        (Said(.whitelisted(.client)), "1 attempts 0 deferrals passedAtOnce client whitelist"),
        (
            Said(.notOurs(.nullSender)) { $0.client = "not an address" },
            "1 attempts 0 deferrals passedAtOnce null sender"
        ),
        (Said(.new(wait: 300)) { $0.isObserved = true }, "1 attempts 1 deferrals observed promised 300"),
    ]

    @Test(arguments: single)
    func eachDecisionBeginsACase(_ said: Said, _ expected: String) throws {
        #expect(try cases([said]) == ["bob@example.org ann@example.com \(expected)"])
    }

    @Test(
        "a second decision joins the case of the first, or begins one",
        arguments: [
            ("a retry from elsewhere, by the time of the first attempt", elsewhere, 300, .retried(delay: 300), 1),
            ("clocks are cut to seconds", elsewhere, 301, .retried(delay: 300), 1),
            ("a retry of another first attempt", elsewhere, 303, .retried(delay: 300), 2),
            ("a known one from the network", sameNetwork, 500, .known, 1),
            ("a known one of the organisation", sameOrganisation, 500, .known, 1),
            ("a known one from elsewhere", elsewhere, 500, .known, 2),
            ("another new one", sameNetwork, 500, .new(wait: 300), 2),
            ("spared while it waits", sameOrganisation, 500, .spared(.earned), 1),
            ("spared days later: another mail", sameOrganisation, 90_000, .spared(.earned), 2),
            ("known days later: another mail", sameOrganisation, 90_000, .known, 2),
            ("carried from elsewhere", elsewhere, 500, .carried, 2),
            ("too many pending", sameNetwork, 500, .pendingLimitReached(wait: 300), 1),
        ] as [(String, @Sendable (inout Said) -> Void, Int64, Verdict, Int)])
    func joining(
        _ what: String, _ change: @Sendable (inout Said) -> Void, _ after: Int64, _ verdict: Verdict, _ count: Int
    ) throws {
        let first = Said(.new(wait: 300)) {
            $0.proof = .host
            $0.organisation = "example.org"
        }
        #expect(try cases([first, Said(verdict, after: after, change)]).count == count, "\(what)")
    }

    @Sendable private static func elsewhere(_ said: inout Said) { said.client = "203.0.113.5" }
    @Sendable private static func sameNetwork(_ said: inout Said) { said.client = "192.0.2.200" }
    @Sendable private static func sameOrganisation(_ said: inout Said) {
        (said.client, said.organisation, said.proof) = ("203.0.113.5", "example.org", .spf)
    }

    @Test func othersAreOthers() throws {
        let said = [
            Said(.new(wait: 300)), Said(.known) { $0.sender = "eve@example.org" },
            Said(.known) { $0.recipient = "eve@example.com" }, Said(.known) { $0.recipient = "ann+x@example.com" },
        ]
        #expect(try cases(said).count == 4)
    }

    @Test func aSenderIsCleanedAndARecipientFolded() throws {
        let said = [
            Said(.new(wait: 300)) { ($0.sender, $0.recipient) = ("News-17@Example.org", "Ann+News@example.com") },
            Said(.early(wait: 1, delay: 200), after: 200) {
                ($0.sender, $0.recipient) = ("news-18@example.org", "ann@example.com")
            },
        ]
        #expect(try cases(said, foldsRecipient: true).count == 1)
        let story = try HistoryReader(path: path).story(
            sender: "news-99@example.org", recipient: "ann+other@example.com", limit: 9)
        #expect(story.first?.mail.sender == "news-17@example.org")
        #expect(story.first?.attempts.map(\.sender) == ["news-17@example.org", "news-18@example.org"])
        #expect(story.first?.attempts.map(\.recipient) == ["ann+news@example.com", "ann@example.com"])
    }

    @Test func anUnrememberedMailGoesOn() throws {
        let said = [
            Said(.pendingLimitReached(wait: 300)) { $0.isDeferral = true }, Said(.new(wait: 300), after: 600),
            Said(.retried(delay: 400), after: 1_000),
        ]
        #expect(
            try cases(said) == [
                "bob@example.org ann@example.com 3 attempts 2 deferrals passedAfterWaiting 1000 triplet found promised 900"
            ])
    }

    @Test func aCaseThatWasFoundIsDescribedByItsBestProof() throws {
        let said = [
            Said(.new(wait: 300)) { $0.proof = .network },
            Said(.early(wait: 1, delay: 100), after: 100) { ($0.proof, $0.organisation) = (.spf, "example.org") },
            Said(.retried(delay: 400), after: 400) {
                ($0.proof, $0.matched, $0.name) = (.network, .organisation, "UNKNOWN.example.org")
            },
        ]
        _ = try cases(said)
        let mail = try HistoryReader(path: path).search("", limit: 1).cases.first
        #expect(mail?.proof == .spf)
        #expect(mail?.organisation == "example.org")
        #expect(mail?.matched == .organisation)
        #expect(mail?.names == ["mail.example.org", "unknown.example.org"])
    }

    /// A retry that isn't recorded isn't taken for a long wait.
    @Test func aPassThatWasMissedHasNoWait() throws {
        #expect(
            try cases([Said(.new(wait: 300)), Said(.known, after: 7_200)]) == [
                "bob@example.org ann@example.com 2 attempts 1 deferrals passedAfterWaiting triplet found promised 300"
            ])
    }

    @Test func whatNeverCameBack() throws {
        #expect(try cases([Said(.new(wait: 300))], window: 100, at: 100).first?.contains("waiting") == true)
        #expect(try cases([], window: 100, at: 101).first?.contains("neverCameBack") == true)
    }

    /// A server that tries again and again fills no table: its attempts are counted by the day.
    @Test func attemptsOfACaseAreBounded() throws {
        var said = [Said(.new(wait: 300_000))]
        for second in 1...5_000 { said.append(Said(.early(wait: 1, delay: Int64(second)), after: Int64(second))) }
        _ = try cases(said)
        let story = try HistoryReader(path: path).story(
            sender: "bob@example.org", recipient: "ann@example.com", limit: 9)
        #expect(story.first?.mail.attempts == 5_001)
        #expect(story.first?.attempts.count == Int(DecisionRecorder.singleRows) + 1)
        #expect(story.first?.attempts.map(\.count).reduce(0, +) == 5_001)
    }

    @Test func networksAndNamesOfACaseAreBounded() throws {
        var said: [Said] = []
        for number in 0..<100 {
            said.append(
                Said(.known, after: Int64(number)) {
                    ($0.client, $0.name) = ("10.0.\(number).1", "m\(number).example.org")
                    ($0.proof, $0.organisation) = (.spf, "example.org")
                })
        }
        _ = try cases(said)
        let mail = try HistoryReader(path: path).search("", limit: 2).cases
        #expect(mail.count == 1)
        #expect(mail.first?.networks == (0..<SeenTexts.limit).map { "10.0.\($0).0/24" })
        #expect(mail.first?.names == (0..<SeenTexts.limit).map { "m\($0).example.org" })
    }

    /// However many cases a flood makes of one sender and recipient, a retry finds its own.
    @Test func aFloodDoesNotHideAFirstAttempt() throws {
        var said = [Said(.new(wait: 300)) { $0.client = "203.0.113.5" }]
        for number in 1...300 {
            said.append(
                Said(.new(wait: 300), after: Int64(10 * number)) { $0.client = "10.\(number / 200).\(number % 200).1" })
        }
        said.append(Said(.retried(delay: 4_000), after: 4_000) { $0.client = "198.51.100.1" })
        _ = try cases(said)
        let story = try HistoryReader(path: path).story(
            sender: "bob@example.org", recipient: "ann@example.com", limit: 1_000)
        #expect(story.count == 301)
        #expect(story.last?.mail.waited == 4_000)
    }

    @Test func decisionsOfSeveralLoopsAreSortedByTime() throws {
        let said = [
            Said(.retried(delay: 400), after: 400), Said(.early(wait: 1, delay: 200), after: 200),
            Said(.new(wait: 300)),
        ]
        #expect(try cases(said).count == 1)
    }
}

extension HistoryCase {
    func words(at now: Timestamp, window: Int64) -> String {
        var words =
            "\(sender) \(recipient) \(attempts) attempts \(deferrals) deferrals \(state(at: now, window: window))"
        if let waited { words += " \(waited)" }
        if let reason { words += " \(reason.text)" }
        if let mayPassAt { words += " promised \(mayPassAt.since(firstAttempt))" }
        return words
    }
}
