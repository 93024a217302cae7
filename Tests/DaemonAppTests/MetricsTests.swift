import Engine
import Exposition
import Greylist
import NIOCore
import Policy
import Resolver
import SPF
import Server
import Storage
import TestSupport
import Testing

@testable import DaemonApp

@Suite("Metrics")
struct MetricsTests {
    /// The names that an administrator's own rules go by.
    private static let names = [
        "tprt_requests_total", "tprt_decisions_total", "tprt_first_attempts_total", "tprt_retries_total",
        "tprt_greylist_delay_seconds", "tprt_request_duration_seconds", "tprt_store_duration_seconds",
        "tprt_spf_results_total", "tprt_dns_queries_total", "tprt_dns_cache_total", "tprt_dns_budget_exceeded_total",
        "tprt_dns_up", "tprt_identities", "tprt_learned_total", "tprt_learned_refused_total", "tprt_connections",
        "tprt_connections_total", "tprt_connections_rejected_total", "tprt_protocol_errors_total", "tprt_store_up",
        "tprt_store_operations_total", "tprt_store_entries", "tprt_store_bytes", "tprt_pending", "tprt_pending_limit",
        "tprt_pending_dropped_total", "tprt_fail_open_total", "tprt_circuit_breaker_open", "tprt_whitelist_entries",
        "tprt_reloads_total", "tprt_reload_timestamp_seconds", "tprt_list_timestamp_seconds",
        "tprt_history_records_total", "tprt_history_dropped_total", "tprt_history_bytes", "tprt_log_dropped_total",
        "tprt_clock_jumps_total", "tprt_build_info", "tprt_start_time_seconds", "process_resident_memory_bytes",
        "process_open_fds", "process_start_time_seconds",
    ]

    @Test("Before anything has happened every series is there, with 0")
    func empty() throws {
        let reading = try MetricsReading(MetricsSnapshot())
        #expect(Set(reading.families.map(\.name)) == Set(Self.names))
        #expect(reading.families.count == Self.names.count)
        for family in reading.families {
            #expect(!family.help.isEmpty && family.help.hasSuffix("."), "\(family.name)")
            // Each value of one label with each of the others.
            let series = family.labels.values.reduce(1) { $0 * $1.count }
            let expected =
                family.type == "histogram" ? family.samples.count { $0.name.hasSuffix("_count") } : family.samples.count
            #expect(expected == series, "\(family.name)")
            for sample in family.samples where family.name != "tprt_build_info" {
                #expect(sample.value == 0, "\(sample)")
                #expect(family.samples.count { $0.name == sample.name && $0.labels == sample.labels } == 1, "\(sample)")
            }
        }
    }

    @Test("promtool finds nothing wrong, before anything has happened and afterwards")
    func promtool() async throws {
        for snapshot in [MetricsSnapshot(), try .sample()] {
            #expect(try await Promtool.complaints(about: MetricsText(snapshot).bytes) == "")
        }
    }

    @Test("Decisions are told by the words of the log; both reasons that have one in common are added up")
    func decisions() throws {
        let reading = try MetricsReading(.sample())
        let reasons = try reading.family("tprt_decisions_total").labels["reason"]
        #expect(reasons == Set(ReasonCode.allCases.map { "\($0.text)" }))
        #expect(try reading.value("tprt_decisions_total", ["action": "pass", "reason": "triplet found"]) == 3)
        #expect(try reading.value("tprt_decisions_total", ["action": "defer", "reason": "new"]) == 1)
        #expect(try reading.value("tprt_decisions_total", ["action": "pass", "reason": "new"]) == 0)
        #expect(try reading.value("tprt_requests_total", ["state": "RCPT"]) == 4)
        #expect(try reading.value("tprt_first_attempts_total", ["proof": "net"]) == 1)
        #expect(try reading.value("tprt_retries_total", ["proof": "net", "matched": "A"]) == 1)
        #expect(try reading.value("tprt_retries_total", ["proof": "spf", "matched": "O"]) == 0)
        let name = "tprt_greylist_delay_seconds"
        #expect(try reading.value("\(name)_bucket", ["proof": "net", "le": "300"]) == 0)
        #expect(try reading.value("\(name)_bucket", ["proof": "net", "le": "360"]) == 1)
        #expect(try reading.value("\(name)_bucket", ["proof": "net", "le": "+Inf"]) == 1)
        #expect(try reading.value("\(name)_sum", ["proof": "net"]) == 342)
    }

    @Test("What was counted is where it belongs")
    func figures() throws {
        let reading = try MetricsReading(.sample())
        let expected: [(String, [String: String], Double)] = [
            ("tprt_request_duration_seconds_count", ["path": "dns"], 1),
            ("tprt_dns_up", [:], 1),
            ("tprt_dns_queries_total", ["type": "TXT", "outcome": "too-many"], 2),
            ("tprt_dns_cache_total", ["result": "miss"], 3),
            ("tprt_connections", [:], 4),
            ("tprt_connections_total", [:], 5),
            ("tprt_connections_rejected_total", ["cause": "limit"], 6),
            ("tprt_protocol_errors_total", ["kind": "unknown-request"], 7),
            ("tprt_store_up", [:], 1),
            ("tprt_store_operations_total", ["operation": "expire", "outcome": "failed"], 8),
            ("tprt_store_duration_seconds_sum", ["operation": "update"], 0.25),
            ("tprt_store_entries", ["table": "auto-whitelist"], 9),
            ("tprt_store_bytes", ["table": "identity"], 10),
            ("tprt_fail_open_total", ["cause": "unavailable"], 11),
            ("tprt_circuit_breaker_open", [:], 12),
            ("tprt_pending", [:], 13),
            ("tprt_pending_limit", [:], 14),
            ("tprt_pending_dropped_total", ["cause": "network-limit"], 15),
            ("tprt_identities", ["class": "correspondent"], 16),
            ("tprt_learned_total", ["kind": "organisation"], 17),
            ("tprt_learned_refused_total", ["cause": "per-site"], 18),
            ("tprt_learned_refused_total", ["cause": "dropped"], 30),
            ("tprt_whitelist_entries", [:], 19),
            ("tprt_reloads_total", ["result": "succeeded"], 20),
            ("tprt_reload_timestamp_seconds", ["result": "failed"], 21),
            ("tprt_list_timestamp_seconds", ["list": "public-suffixes"], 22),
            ("tprt_history_records_total", ["kind": "case"], 23),
            ("tprt_history_dropped_total", [:], 24),
            ("tprt_history_bytes", [:], 25),
            ("tprt_log_dropped_total", [:], 26),
            ("tprt_clock_jumps_total", [:], 27),
            ("tprt_build_info", ["version": "1.2.3"], 1),
            ("tprt_start_time_seconds", [:], 28),
            ("process_start_time_seconds", [:], 29),
        ]
        for (name, labels, value) in expected { #expect(try reading.value(name, labels) == value, "\(name)") }
    }

    @Test("What isn't known is left out")
    func unknown() throws {
        var snapshot = MetricsSnapshot()
        snapshot.pending.count = nil
        snapshot.store.entries[.greylist] = nil
        snapshot.history.bytes = nil
        snapshot.process = ProcessFigures(startedAt: 0, from: "/nowhere")
        let reading = try MetricsReading(snapshot)
        let missing = Set(Self.names).subtracting(reading.families.map(\.name))
        #expect(
            missing == ["tprt_pending", "tprt_history_bytes", "process_resident_memory_bytes", "process_open_fds"])
        #expect(try reading.family("tprt_store_entries").labels["table"] == ["auto-whitelist", "identity"])
    }
}

extension MetricsSnapshot {
    /// One in which each figure is another one.
    fileprivate static func sample() throws -> MetricsSnapshot {
        var snapshot = MetricsSnapshot()
        for verdict in [Verdict.new(wait: 300), .retried(delay: 342), .known, .known] {
            snapshot.decisions.note(DecisionRecord(.judged(verdict)), on: try request())
        }
        snapshot.requestDurations[.dns].observe(0.2)
        snapshot.dns.isUp = true
        snapshot.dns.questions[.txt][.tooMany] = 2
        snapshot.dns.cache[.miss] = 3
        snapshot.connections.open = 4
        snapshot.connections.accepted = 5
        snapshot.connections.rejected[.limit] = 6
        snapshot.connections.protocolErrors[.unknownRequest] = 7
        snapshot.store.isUp = true
        snapshot.store.operations[.expire][.failed] = 8
        snapshot.store.durations[.update].observe(0.25)
        snapshot.store.entries[.autoWhitelist] = 9
        snapshot.store.bytes[.identity] = 10
        snapshot.store.unanswered[.unavailable] = 11
        snapshot.store.openBreakers = 12
        snapshot.pending.count = 13
        snapshot.pending.limit = 14
        snapshot.pending.dropped[.networkLimit] = 15
        snapshot.identities.count[.correspondent] = 16
        snapshot.identities.learned[.organisation] = 17
        snapshot.identities.refused[.perSite] = 18
        snapshot.identities.dropped = 30
        snapshot.lists.whitelistEntries = 19
        snapshot.lists.reloads[.succeeded] = 20
        snapshot.lists.reloadTimes[.failed] = 21
        snapshot.lists.changeTimes[.publicSuffixes] = 22
        snapshot.history.records[.case] = 23
        snapshot.history.dropped = 24
        snapshot.history.bytes = 25
        snapshot.lostLogLines = 26
        snapshot.clockJumps = 27
        snapshot.version = "1.2.3"
        snapshot.servingSince = 28
        snapshot.process.startTime = 29
        return snapshot
    }

    private static func request() throws -> PolicyRequest {
        var decoder = PolicyDecoder()
        var bytes = ByteBuffer(string: "request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=u@example.com\n\n")
        guard let request = try decoder.next(in: &bytes) else { throw TestError("no request") }
        return request
    }
}
