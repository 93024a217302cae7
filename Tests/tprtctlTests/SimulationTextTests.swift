import ArgumentParser
import Engine
import Greylist
import History
import Import
import JSONText
import Programs
import Settings
import TestSupport
import Testing

@testable import tprtctl

/// What people and programs are told of a simulation.
@Suite("What tprtctl simulate says")
struct SimulationTextTests {
    private func report(_ new: [String], today: [String] = [], _ record: (inout RecordedHistory) throws -> Void)
        throws -> SimulationReport
    {
        var history = try RecordedHistory()
        try record(&history)
        let simulation = try HistorySimulationTests.replay(history, today: today, new, until: 86_400 * 6)
        return SimulationReport(
            simulation, try HistorySimulationTests.settings(today + new), named: ["/etc/tprt/new.conf"],
            beside: ["/etc/tprt/tprt.conf"], from: RecordedHistory.at(-86_400), until: RecordedHistory.at(86_400 * 6),
            beginning: RecordedHistory.start, limit: 10)
    }

    private func record(_ history: inout RecordedHistory) throws {
        try history.addPool()
        for (number, sender) in ["a@shop.example", "b@shop.example"].enumerated() {
            let start = 10_000 * Int64(number)
            try history.add(start, .judged(.new(wait: 300)), client: ("198.51.100.77", "unknown"), sender: sender)
            try history.add(
                start + 400, .judged(.retried(delay: 400)), client: ("198.51.100.77", "unknown"), sender: sender)
        }
        for number in 1...3 as ClosedRange<Int64> {
            try history.add(
                number * 1_000, .judged(.known), client: ("203.0.113.99", "unknown"), sender: "c@news.example")
        }
        try history.add(60, .judged(.new(wait: 300)), client: ("203.0.113.9", "unknown"), sender: "win@lottery.example")
    }

    @Test("tables for people, and what is to be known of them")
    func text() throws {
        let report = try report(["service.grey_delay=10m"], today: ["service.identity=spf"], record)
        #expect(
            SimulationText(report).text == """
                Mail from 2026-11-29 14:00 UTC to 2026-12-06 14:00 UTC (7 days), under
                /etc/tprt/new.conf

                mails                           recorded  simulated
                passed at once                         3          3
                passed after waiting                   3          1
                waits, for how long is unknown         -          2
                never came back                        1          1
                all                                    7          7

                wait, where it is known    recorded   simulated
                median                   6 min 40 s  12 min 4 s
                95 % within              12 min 4 s  12 min 4 s

                what would change  mails
                would wait longer      2

                senders: would wait longer  mails
                shop.example                    2

                - 2 mails would have to come back once more than recorded, a new one after 10
                  min at the earliest. When they would is up to their senders, and nobody
                  knows. They are taken to come back as soon as they may, so that later mail
                  of their senders counts as known.
                - 2 of them might pass all the same: what SPF says of their senders, or a list
                  in the DNS of their clients, is not recorded.
                - 1 time something was taken as known that was learnt before the history
                  begins (2026-11-30 14:00 UTC), or that it does not have, such as your users'
                  own mail: both under today's settings and under these.
                """)
    }

    @Test("one JSON object for programs")
    func json() throws {
        let report = try report(["service.grey_delay=10m"], today: ["service.identity=spf"], record)
        #expect(
            report.json.text == """
                {"changes": [{"change": "passes_at_once", "mails": 0, "senders": []}, {"change": \
                "waits_less", "mails": 0, "senders": []}, {"change": "passes_instead_of_never", "mails": 0, \
                "senders": []}, {"change": "has_to_wait", "mails": 0, "senders": []}, {"change": \
                "waits_longer", "mails": 2, "senders": [{"mails": 2, "name": "shop.example"}]}], "delay": \
                600, "doubtful": 2, "history": {"assumed": 1, "attempts": 9, "beginning": 1796047200, \
                "explained": 9, "today": ["/etc/tprt/tprt.conf"], "unreadable": 0, "untrusted": 0, \
                "without_addresses": 0, "without_clients": 0}, "observe": false, "observed": 0, "recorded": \
                {"all": 7, "median_wait": 400, "never_came_back": 1, "passed_after_waiting": 3, \
                "passed_at_once": 3, "percentile_95_wait": 724, "waiting": 0, "waits_unknown": 0}, \
                "settings": ["/etc/tprt/new.conf"], "simulated": {"all": 7, "median_wait": 724, \
                "never_came_back": 1, "passed_after_waiting": 1, "passed_at_once": 3, "percentile_95_wait": \
                724, "waiting": 0, "waits_unknown": 2}, "since": 1795960800, "until": 1796565600}
                """)
    }

    @Test("It says where nothing changes, and where nothing is recorded")
    func nothing() throws {
        let same = SimulationText(try report([]) { try $0.add(0, .judged(.new(wait: 300))) }).text
        #expect(same.contains("These settings would have changed nothing."))
        let none = try report([]) { _ in }
        #expect(SimulationText(none).text.hasPrefix("Nothing is recorded of mail from 2026-11-29 14:00 UTC"))
        let observing = try report(["service.mode=observe"]) { try $0.add(0, .judged(.new(wait: 300))) }
        #expect(SimulationText(observing).text.contains("These settings only observe, so all mail would pass."))
    }

    @Test("Of a log it says what was left out")
    func logs() throws {
        let simulation = LogSimulation(try HistorySimulationTests.settings([]), from: RecordedHistory.start)
        let report = SimulationReport(
            simulation, try HistorySimulationTests.settings([]), named: [], from: nil, IncomingCounts(),
            isDamaged: false, limit: 10)
        #expect(SimulationText(report).text == "The log tells of no mail that came in.")
        #expect(report.json.text.contains(#""logs": {"accepted": 0"#))
    }

    @Test(
        "Which command lines aren't any",
        arguments: [
            [], ["--json"], ["--log", "-", "-"], ["--log", "x", "--today", "y"], ["--log", "x", "--history-db", "y"],
            ["-c", "x", "--limit", "0"], ["-c", "x", "--since", "nonsense"],
        ])
    func usage(_ words: [String]) {
        #expect(throws: (any Error).self) { try SimulateCommand.parse(words) }
    }

    @Test("Settings that are wrong are named with their file, key and line")
    func wrongSettings() throws {
        let directory = try TemporaryDirectory()
        for (text, message) in [
            ("{\"service\": {\n\"grey_delay\": \"soon\"}}", ":2: service.grey_delay: "),
            ("{\"service\": {\n\n\"nat64_prefixes\": [\"nonsense\"]}}", ":3: service.nat64_prefixes: "),
            ("{\"service\": {\n\"wl_sources\": [\"nonsense://x\"]}}", ":2: service.wl_sources: "),
            ("{\"service\": {\n\"grey_text\": \"{nonsense}\"}}", ":2: service.grey_text: "),
            ("{\"service\": ", ":1"),
        ] {
            let path = try directory.write(text, to: "new.conf")
            do {
                _ = try SimulatedSettings(files: [path], environment: [:])
                Issue.record("\(text) was taken")
            } catch {
                #expect(error.status == .configuration, "\(text)")
                #expect(error.messages.first?.hasPrefix("\(path)\(message)") == true, "\(error.messages)")
            }
        }
        let missing = directory.file("missing.conf")
        let error = #expect(throws: ProgramError.self) {
            try SimulatedSettings(files: [missing], environment: [:])
        }
        #expect(error?.messages == ["\(missing): cannot be read: file does not exist"])
    }
}
