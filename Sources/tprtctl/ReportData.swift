import Engine
import Greylist
import History
import JSONText

/// A report for programs.
extension SiteReport {
    /// One JSON object: times are seconds since 1970, durations are seconds.
    var json: JSONValue {
        let cases = report.cases
        return .object([
            "since": JSONValue(report.since), "until": JSONValue(report.until), "delay": JSONValue(delay),
            "mails": .object([
                "all": .int(cases.all), "passed_at_once": .int(cases.passedAtOnce),
                "passed_after_waiting": .int(cases.passedAfterWaiting),
                "never_came_back": .int(cases.neverCameBack), "waiting": .int(cases.waiting),
                "observed": .int(cases.observed),
            ]),
            "wait": report.wait.json, "beyond_delay": report.beyondDelay.json,
            "reasons": .array(report.reasons.map(\.json)),
            "proofs": .array(
                report.byProof.map { count in
                    .object([
                        "proof": JSONValue(count.proof.map { "\($0.word)" }), "mails": .int(count.cases),
                        "never_came_back": .int(count.neverCameBack),
                    ])
                }),
            "networks": .array(
                report.neverCameBack.map { count in
                    .object([
                        "network": .string(count.network), "mails": .int(count.cases), "senders": .int(count.senders),
                    ])
                }),
            "senders": .array(senders.map(\.json)), "spared": .array(report.spared.map(\.json)),
        ])
    }
}

extension SiteReport.Sender {
    fileprivate var json: JSONValue {
        .object([
            "name": .string(sufferer.name), "kind": .string(sufferer.kind.word), "shared": .bool(isShared),
            "mails": .int(sufferer.cases), "total": JSONValue(sufferer.total), "median": JSONValue(sufferer.median),
            "client_names": .array(sufferer.clientNames.map { .string($0) }),
            "sender_domains": .array(sufferer.senderDomains.map { .string($0) }),
            "entry": JSONValue(entry?.line), "command": JSONValue(entry?.command),
        ])
    }
}

extension Sufferer.Kind {
    /// The kind in a word.
    fileprivate var word: String {
        switch self {
        case .organisation: "organisation"
        case .domain: "domain"
        case .network: "network"
        }
    }
}

extension WaitTimes {
    fileprivate var json: JSONValue {
        .object(["mails": .int(count), "median": JSONValue(median), "percentile_95": JSONValue(percentile95)])
    }
}

extension ReasonCount {
    fileprivate var json: JSONValue {
        .object([
            "reason": .string("\(reason.text)"), "first_pass": .bool(reason == .retried), "passed": .int(passed),
            "deferred": .int(deferred),
        ])
    }
}

/// A report as comma-separated values (RFC 4180), a figure a line.
struct ReportCSV {
    private var rows: [[String]] = [["section", "name", "measure", "value"]]

    /// The figures of a report.
    init(_ site: SiteReport) {
        let (report, cases) = (site.report, site.report.cases)
        add("period", "", ("since", utcTime(report.since.seconds)), ("until", utcTime(report.until.seconds)))
        add(
            "mails", "", ("all", cases.all), ("passed at once", cases.passedAtOnce),
            ("passed after waiting", cases.passedAfterWaiting), ("never came back", cases.neverCameBack),
            ("waiting", cases.waiting), ("observed", cases.observed))
        for (section, times) in [("wait", report.wait), ("beyond delay", report.beyondDelay)] {
            add(section, "", ("mails", times.count))
            if let median = times.median { add(section, "", ("median seconds", median)) }
            if let most = times.percentile95 { add(section, "", ("95th percentile seconds", most)) }
        }
        for count in report.reasons {
            let name = "\(count.reason.text)" + (count.reason == .retried ? ", first pass" : "")
            add("reason", name, ("passed", count.passed), ("deferred", count.deferred))
        }
        for count in report.byProof {
            let name = count.proof.map { "\($0.word)" } ?? "unknown"
            add("proof", name, ("mails", count.cases), ("never came back", count.neverCameBack))
        }
        for count in report.neverCameBack {
            add("network", count.network, ("never came back", count.cases), ("senders", count.senders))
        }
        for sender in site.senders {
            let sufferer = sender.sufferer
            add(
                "sender", sufferer.name, ("mails", Int64(sufferer.cases)), ("median seconds", sufferer.median),
                ("total seconds", sufferer.total))
            if let entry = sender.entry { add("sender", sufferer.name, ("entry", entry.line)) }
        }
        for count in report.spared { add("fast lane", "\(count.reason.text)", ("passed", count.passed)) }
    }

    private mutating func add<Value: CustomStringConvertible>(
        _ section: String, _ name: String, _ measures: (name: String, value: Value)...
    ) {
        for measure in measures { rows.append([section, name, measure.name, "\(measure.value)"]) }
    }

    /// The lines, each with its end.
    var text: String {
        rows.map { $0.map(Self.cell).joined(separator: ",") + "\n" }.joined()
    }

    /// A value in quotes where it needs them.
    ///
    /// A text that a spreadsheet would take for a formula gets an apostrophe before it: a sender may have written it.
    private static func cell(_ value: String) -> String {
        let isFormula = value.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        let shown = isFormula ? "'" + value : value
        guard shown.contains(where: { ",\"\n\r".contains($0) }) else { return shown }
        return "\"\(shown.replacing("\"", with: "\"\""))\""
    }
}
