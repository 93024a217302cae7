import ArgumentParser
import Control
import JSONText
import Programs

/// `tprtctl status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the daemon is: what it is made of, what is degraded, and what it has decided.",
        discussion: """
            Counts of the last hour and day come from the history. Times are in UTC. Ends with status 1 where something is \
            degraded, and with 69 where no daemon answers.
            """)

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        let client = try daemon.client()
        guard let status = DaemonStatus(try client.carryOut(ControlRequest(DaemonStatus.verb))) else {
            throw client.misunderstanding
        }
        try say(daemon.json ? status.json.text : status.text)
        if !status.problems.isEmpty { throw ExitCode(1) }
    }
}

extension DaemonStatus {
    /// For people.
    var text: String {
        var lines = [
            "tprtd \(version) on \(host), process \(process), since \(utcTime(startedAt))"
                + (isObserving ? "; it only observes: all mail passes" : "")
        ]
        lines.append(problems.isEmpty ? "all is well" : "degraded:")
        for problem in problems {
            lines.append("  - \(problem.sentence)" + (problem.remedy.isEmpty ? "" : " \(problem.remedy)"))
        }
        lines.append("")
        let rows = parts.map { [$0.name, $0.condition.rawValue, $0.summary, $0.place] }
        lines.append(TextTable(head: ["part", "state", "what", "where"], rows: rows, texts: 4).text)
        let times = [("last hour", lastHour), ("last day", lastDay)].compactMap { name, decisions in
            decisions.map { (name, $0) }
        }
        if !times.isEmpty {
            lines.append("")
            lines.append(
                TextTable(
                    head: ["decisions", "passed at once", "passed after waiting", "deferred"],
                    rows: times.map { name, decisions in
                        [
                            name, grouped(decisions.passedAtOnce), grouped(decisions.passedAfterWaiting),
                            grouped(decisions.deferred),
                        ]
                    }
                ).text)
        }
        if let pending {
            lines.append("")
            lines.append("first attempts that wait for their retry: \(grouped(pending))")
        }
        return lines.joined(separator: "\n")
    }
}
