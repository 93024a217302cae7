import Engine
import Greylist
import Import
import JSONText

/// What a simulation came to.
struct SimulationReport {
    /// What was replayed.
    enum Source {
        /// A history, which begins then, beside today's settings of these files.
        case history(HistorySimulation.Notes, today: [String], beginning: Timestamp?)
        /// Logs, and whether greylisters told clients to come back.
        case logs(IncomingCounts, hasDeferrals: Bool)
    }

    let source: Source
    /// The files of the settings that were tried out; none: those of a fresh installation.
    let files: [String]
    /// From when on mail counts, and until when; nil where there was none.
    let (since, until): (Timestamp?, Timestamp?)
    /// How many seconds a new sender has to wait at least.
    let delay: Int64
    /// Whether the settings only observe.
    let observesOnly: Bool
    let tally: MailTally
    /// How many mails might not have to wait if more were known of them.
    let doubtful: Int
    /// How many mails would have to wait if the site did more than observe.
    let observed: Int
    /// Whether something couldn't be read to its end.
    let isDamaged: Bool
    /// How many senders are named.
    let limit: Int

    /// That of a history.
    init(
        _ simulation: HistorySimulation, _ settings: SimulatedSettings, named files: [String], beside today: [String],
        from since: Timestamp, until: Timestamp, beginning: Timestamp?, limit: Int
    ) {
        self.init(
            .history(simulation.notes, today: today, beginning: beginning), simulation.flow, settings, files, since,
            until, isDamaged: false, limit)
    }

    /// That of logs.
    init(
        _ simulation: LogSimulation, _ settings: SimulatedSettings, named files: [String], from since: Timestamp?,
        _ counts: IncomingCounts, isDamaged: Bool, limit: Int
    ) {
        self.init(
            .logs(counts, hasDeferrals: simulation.hasDeferrals), simulation.flow, settings, files,
            since ?? simulation.times?.first, simulation.times?.last, isDamaged: isDamaged, limit)
    }

    private init(
        _ source: Source, _ flow: SimulatedFlow, _ settings: SimulatedSettings, _ files: [String], _ since: Timestamp?,
        _ until: Timestamp?, isDamaged: Bool, _ limit: Int
    ) {
        let options = settings.engine.options
        (self.source, self.files, self.since, self.until) = (source, files, since, until)
        (delay, observesOnly) = (options.rules.delay, options.observesOnly)
        (tally, doubtful, observed) = (flow.tally, flow.doubtful, flow.observed)
        (self.isDamaged, self.limit) = (isDamaged, limit)
    }
}

/// A simulation for programs.
extension SimulationReport {
    /// One JSON object: times are seconds since 1970, durations are seconds.
    var json: JSONValue {
        var members: [String: JSONValue] = [
            "settings": .array(files.map { .string($0) }), "since": JSONValue(since), "until": JSONValue(until),
            "delay": JSONValue(delay), "observe": .bool(observesOnly), "recorded": tally.recorded.json,
            "simulated": tally.simulated.json, "observed": .int(observed), "doubtful": .int(doubtful),
            "changes": .array(
                MailTally.Change.allCases.map { change in
                    .object([
                        "change": .string(change.key), "mails": .int(tally[change]),
                        "senders": .array(
                            tally.top(change, limit).map { name, mails in
                                .object(["name": .string(name), "mails": .int(mails)])
                            }),
                    ])
                }),
        ]
        switch source {
        case .history(let notes, let today, let beginning):
            members["history"] = .object([
                "beginning": JSONValue(beginning), "today": .array(today.map { .string($0) }),
                "attempts": .int(notes.attempts), "explained": .int(notes.explained), "assumed": .int(notes.assumed),
                "unreadable": .int(notes.unreadable), "without_addresses": .int(notes.withoutAddresses),
                "without_clients": .int(notes.withoutClients), "untrusted": .int(notes.untrusted),
            ])
        case .logs(let counts, _):
            members["logs"] = .object([
                "lines": .int(counts.lines), "long_lines": .int(counts.longLines), "accepted": .int(counts.accepted),
                "deferred": .int(counts.deferred), "forgotten_mails": .int(counts.forgotten),
                "left_out": .array(
                    counts.leftOutInOrder.map { reason, count in
                        .object([
                            "reason": .string(reason.rawValue), "message": .string(reason.message),
                            "count": .int(count),
                        ])
                    }),
            ])
        }
        return .object(members)
    }
}

extension IncomingCounts {
    /// How many were left out for each reason that there was.
    var leftOutInOrder: [(UncountedReason, Int)] {
        UncountedReason.allCases.compactMap { reason in leftOut[reason].map { (reason, $0) } }
    }
}

extension MailTally.Column {
    fileprivate var json: JSONValue {
        .object([
            "all": .int(all), "passed_at_once": .int(atOnce), "passed_after_waiting": .int(waited),
            "waits_unknown": .int(unknown), "never_came_back": .int(neverCameBack), "waiting": .int(mayComeBack),
            "median_wait": JSONValue(waits.percentile(50)), "percentile_95_wait": JSONValue(waits.percentile(95)),
        ])
    }
}

extension MailTally.Change {
    fileprivate var key: String {
        switch self {
        case .spared: "passes_at_once"
        case .shorter: "waits_less"
        case .letIn: "passes_instead_of_never"
        case .delayed: "has_to_wait"
        case .longer: "waits_longer"
        }
    }
}
