import Engine
import Exposition
import Policy
import Resolver
import SPF
import Server
import Storage

/// The metrics of docs/metrics.md, of which a test compares names, types and labels with these.
extension MetricsText {
    /// The text of a snapshot.
    ///
    /// Every series is there from the start, so that its first increase is seen; what isn't known is left out.
    init(_ snapshot: MetricsSnapshot) {
        self.init()
        add(snapshot.decisions)
        add("request_duration_seconds", .histogram, "Time from a complete request to its reply.") { family in
            for path in RequestPath.allCases { family.add(snapshot.requestDurations[path], ["path": path.label]) }
        }
        add(snapshot.decisions, snapshot.dns)
        add(snapshot.connections)
        add(snapshot.store)
        add(snapshot.pending)
        add(snapshot.identities)
        add(snapshot.lists)
        add(snapshot.history)
        add("log_dropped_total", .counter, "Lines of the log that were lost.", snapshot.lostLogLines)
        add("clock_jumps_total", .counter, "Jumps of the machine's clock by more than a minute.", snapshot.clockJumps)
        add("build_info", .gauge, "1, with the version of TPRT as a label.") { family in
            family.add(1, ["version": snapshot.version])
        }
        add("start_time_seconds", .gauge, "When tprtd began to serve, in seconds since 1970.", snapshot.servingSince)
        add(snapshot.process)
    }

    private mutating func add(_ decisions: DecisionCounters) {
        add("requests_total", .counter, "Requests that were answered, by the state of the SMTP dialogue.") { family in
            for state in DecisionCounters.State.allCases {
                family.add(decisions.requests[state.rawValue], ["state": state.label])
            }
        }
        add("decisions_total", .counter, "Decisions, by what the sender was told and why.") { family in
            for reason in ReasonCount.all(of: decisions) {
                family.add(reason.passes, ["action": "pass", "reason": reason.text])
                family.add(reason.deferrals, ["action": "defer", "reason": reason.text])
            }
        }
        let proofs = ClientIdentity.Proof.allCases
        add("first_attempts_total", .counter, "First attempts, which have to wait.") { family in
            for proof in proofs { family.add(decisions.firstAttempts[proof.rawValue], ["proof": proof.label]) }
        }
        add("retries_total", .counter, "First passes of mail that came back in time.") { family in
            let keys = ClientIdentity.MatchedKey.allCases
            for proof in proofs {
                for key in keys {
                    family.add(
                        decisions.retries[proof.rawValue * keys.count + key.rawValue],
                        ["proof": proof.label, "matched": key.label])
                }
            }
        }
        add("greylist_delay_seconds", .histogram, "Time from a first attempt to the first pass.") { family in
            for proof in proofs { family.add(decisions.waits[proof.rawValue], ["proof": proof.label]) }
        }
        add("spf_results_total", .counter, "Results of SPF that decisions were made by.") { family in
            for result in SPFResult.allCases {
                for grade in SPFGrade.allCases.map(Optional.some) + [nil] {
                    family.add(
                        decisions.outcomes[DecisionCounters.slot(result, grade)],
                        ["result": result.label, "grade": grade?.label ?? "none"])
                }
            }
        }
    }

    private mutating func add(_ decisions: DecisionCounters, _ dns: MetricsSnapshot.DNS) {
        add("dns_up", .gauge, "Whether the DNS answers.", dns.isUp ? 1 : 0)
        add("dns_queries_total", .counter, "Questions to the DNS, by what became of them.") { family in
            for type in DNSRecordType.allCases {
                for outcome in ResolverCounts.QueryOutcome.allCases {
                    family.add(dns.questions[type][outcome], ["type": type.label, "outcome": outcome.label])
                }
            }
        }
        add("dns_cache_total", .counter, "Whether caches knew what the DNS would have been asked for.") { family in
            family.add(dns.cache, by: "result")
        }
        add(
            "dns_budget_exceeded_total", .counter, "Requests that were answered before the DNS was.",
            decisions.budgetsExceeded)
    }

    private mutating func add(_ connections: MetricsSnapshot.Connections) {
        add("connections", .gauge, "Connections that are open.", connections.open)
        add("connections_total", .counter, "Connections that were accepted.", connections.accepted)
        add("connections_rejected_total", .counter, "Connections closed to make room, or not accepted.") { family in
            family.add(connections.rejected, by: "cause")
        }
        add("protocol_errors_total", .counter, "Connections that were closed without a reply.") { family in
            family.add(connections.protocolErrors, by: "kind")
        }
    }

    private mutating func add(_ store: MetricsSnapshot.Store) {
        add("store_up", .gauge, "Whether the store answers.", store.isUp ? 1 : 0)
        add("store_operations_total", .counter, "What the store was asked, and what became of it.") { family in
            for operation in StoreOperation.allCases {
                for outcome in StoreOutcome.allCases {
                    family.add(
                        store.operations[operation][outcome],
                        ["operation": operation.label, "outcome": outcome.label])
                }
            }
        }
        add("store_duration_seconds", .histogram, "How long the store took.") { family in
            for operation in StoreOperation.allCases {
                family.add(store.durations[operation], ["operation": operation.label])
            }
        }
        add("store_entries", .gauge, "Entries of a table.") { $0.addKnown(store.entries, by: "table") }
        add("store_bytes", .gauge, "Bytes that the file of a table takes.") { $0.addKnown(store.bytes, by: "table") }
        add("fail_open_total", .counter, "Requests that had to do without the store.") { family in
            family.add(store.unanswered, by: "cause")
        }
        add("circuit_breaker_open", .gauge, "Event loops that leave a failing store alone.", store.openBreakers)
    }

    private mutating func add(_ pending: MetricsSnapshot.Pending) {
        add("pending", .gauge, "First attempts that wait for their retry.", pending.count)
        add("pending_limit", .gauge, "First attempts that may wait at most.", pending.limit)
        add("pending_dropped_total", .counter, "First attempts that aren't remembered.") { family in
            family.add(pending.dropped, by: "cause")
        }
    }

    private mutating func add(_ identities: MetricsSnapshot.Identities) {
        add("identities", .gauge, "Entries of the table of identities.") { $0.addKnown(identities.count, by: "class") }
        add("learned_total", .counter, "What was learnt of senders.") { $0.add(identities.learned, by: "kind") }
        add("learned_refused_total", .counter, "What wasn't learnt, and why.") { family in
            family.add(identities.refused, by: "cause")
            family.add(identities.dropped, ["cause": "dropped"])
        }
    }

    private mutating func add(_ lists: MetricsSnapshot.Lists) {
        add("whitelist_entries", .gauge, "Entries of the whitelists.", lists.whitelistEntries)
        add("reloads_total", .counter, "Reloads of settings and lists.") { $0.add(lists.reloads, by: "result") }
        add("reload_timestamp_seconds", .gauge, "The last reload with a result, in seconds since 1970.") { family in
            family.add(lists.reloadTimes, by: "result")
        }
        add("list_timestamp_seconds", .gauge, "The last change of a list, in seconds since 1970.") { family in
            family.add(lists.changeTimes, by: "list")
        }
    }

    private mutating func add(_ history: MetricsSnapshot.History) {
        add("history_records_total", .counter, "Records written to the history.") { family in
            family.add(history.records, by: "kind")
        }
        add(
            "history_dropped_total", .counter, "Decisions that weren't written to the history.",
            history.dropped)
        add("history_bytes", .gauge, "Bytes that the history takes.", history.bytes)
    }

    /// Under the names that every program has them.
    private mutating func add(_ process: ProcessFigures) {
        func add(_ name: String, _ help: String, _ value: Int?) {
            var family = MetricFamily("process_\(name)", .gauge, help)
            if let value { family.add(value) }
            append(family)
        }
        add("resident_memory_bytes", "Bytes of memory that the process has.", process.residentBytes)
        add("open_fds", "Descriptors that the process has open.", process.openDescriptors)
        add("start_time_seconds", "When the process was started, in seconds since 1970.", process.startTime)
    }

    private mutating func add(
        _ name: String, _ kind: MetricFamily.Kind, _ help: String, _ addSamples: (inout MetricFamily) -> Void
    ) {
        var family = MetricFamily("tprt_\(name)", kind, help)
        addSamples(&family)
        append(family)
    }

    private mutating func add(_ name: String, _ kind: MetricFamily.Kind, _ help: String, _ value: Int?) {
        add(name, kind, help) { family in
            if let value { family.add(value) }
        }
    }
}

extension MetricFamily {
    fileprivate mutating func add<Label>(_ numbers: PerLabel<Label, Int>, by label: String) {
        for value in Label.allCases { add(numbers[value], [label: value.label]) }
    }

    /// Leaves out what isn't known.
    fileprivate mutating func addKnown<Label>(_ numbers: PerLabel<Label, Int?>, by label: String) {
        for value in Label.allCases {
            if let number = numbers[value] { add(number, [label: value.label]) }
        }
    }

    fileprivate mutating func add(_ histogram: Histogram, _ labels: Labels) {
        add(counts: histogram.counts, upTo: histogram.bounds.limits, sum: histogram.sum, labels)
    }
}

/// How often there was a reason, under the word of the log, which two of them have in common.
private struct ReasonCount {
    let text: String
    var passes = 0
    var deferrals = 0

    static func all(of decisions: DecisionCounters) -> [ReasonCount] {
        var counts: [ReasonCount] = []
        for code in ReasonCode.allCases {
            let text = "\(code.text)"
            let place = counts.firstIndex { $0.text == text } ?? counts.endIndex
            if place == counts.endIndex { counts.append(ReasonCount(text: text)) }
            counts[place].passes += decisions.passes[Int(code.rawValue)]
            counts[place].deferrals += decisions.deferrals[Int(code.rawValue)]
        }
        return counts
    }
}
