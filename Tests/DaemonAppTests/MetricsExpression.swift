import Foundation
import TestSupport

@testable import DaemonApp

/// What expressions in Prometheus' language say of our metrics, held against the metrics that there are.
struct MetricsExpression {
    /// The expression, or a text in which there are some.
    let text: String

    /// Labels that Prometheus itself adds, or that a histogram has.
    private static let common: Set<String> = ["job", "instance", "le"]

    /// What in it names a metric, a label, or the value of a label that isn't there; a line each.
    func faults(knowing metrics: MetricsReading) -> [String] {
        var faults: [String] = []
        for match in text.matches(of: #/([a-z:_]*\b(?:tprt|process)_[a-z0-9_:]+)(?:\{([^}]*)\})?/#) {
            // One with a colon is a rule's own.
            if match.1.contains(":") { continue }
            let name = String(match.1)
            guard let family = Self.family(of: name, in: metrics) else {
                faults.append("no metric \(name)")
                continue
            }
            for matcher in (match.2 ?? "").matches(of: #/([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"/#) {
                let label = String(matcher.1)
                if Self.common.contains(label) { continue }
                let values = family.labels[label] ?? []
                let wanted = matcher.2.contains("~") ? matcher.3.split(separator: "|") : [matcher.3]
                faults += wanted.filter { !values.contains(String($0)) }.map { "\(name) has no \(label)=\"\($0)\"" }
            }
        }
        let labels = Self.common.union(metrics.families.flatMap(\.labels.keys))
        for match in text.matches(of: #/\bby \(([a-z_, ]+)\)/#) {
            let names = match.1.split(separator: ", ").map(String.init)
            faults += names.filter { !labels.contains($0) }.map { "no label \($0)" }
        }
        return faults
    }

    /// The family that a name belongs to, which of a histogram is longer than the family's.
    private static func family(of name: String, in metrics: MetricsReading) -> MetricsReading.Family? {
        metrics.families.first { family in
            family.name == name
                || family.type == "histogram" && ["_bucket", "_sum", "_count"].contains { family.name + $0 == name }
        }
    }

    /// What Prometheus can't read of expressions; empty where that is nothing.
    ///
    /// Variables of Grafana have a value that they could have.
    static func unreadable(_ expressions: [String]) async throws -> String {
        let rules = expressions.enumerated().map { number, text in
            let text = text.replacing("$__rate_interval", with: "5m").replacing("$instance", with: "mx1|mx2")
            return ["record": "expression:\(number)", "expr": text]
        }
        // A file of rules is YAML, of which JSON is a part.
        let file = try JSONSerialization.data(
            withJSONObject: ["groups": [["name": "all", "rules": rules]]], options: .withoutEscapingSlashes)
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        return try await Promtool.complaints(
            aboutRules: directory.write(String(decoding: file, as: UTF8.self), to: "expressions.yml"))
    }
}
