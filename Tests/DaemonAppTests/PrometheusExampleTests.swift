import Foundation
import TestSupport
import Testing

@testable import DaemonApp

/// Rules and dashboard of examples/prometheus, read by Prometheus' own program and compared with what tprtd exports.
@Suite("The example for Prometheus")
struct PrometheusExampleTests {
    private struct Dashboard: Decodable {
        struct Source: Decodable, Equatable {
            let type: String
            let uid: String
        }

        struct Target: Decodable {
            let refId: String
            let expr: String
            let legendFormat: String
            let datasource: Source
        }

        struct Place: Decodable {
            let x: Int
            let y: Int
            let w: Int
            let h: Int
        }

        struct Matcher: Decodable {
            let id: String
            let options: String
        }

        struct Override: Decodable {
            let matcher: Matcher
        }

        struct Defaults: Decodable {
            let unit: String
        }

        struct FieldConfig: Decodable {
            let defaults: Defaults
            let overrides: [Override]
        }

        struct Panel: Decodable {
            let id: Int
            let title: String
            let description: String
            let datasource: Source
            let gridPos: Place
            let fieldConfig: FieldConfig
            let targets: [Target]
        }

        struct Variable: Decodable {
            let name: String
            let type: String
        }

        struct Templating: Decodable {
            let list: [Variable]
        }

        let schemaVersion: Int
        let panels: [Panel]
        let templating: Templating
    }

    private static let directory = URL(filePath: #filePath).appending(path: "../../../examples/prometheus").standardized

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: directory.appending(path: name), encoding: .utf8)
    }

    private static func dashboard() throws -> Dashboard {
        try JSONDecoder().decode(Dashboard.self, from: Data(contentsOf: directory.appending(path: "dashboard.json")))
    }

    /// Each alert, with what belongs to it.
    private static func alerts() throws -> [(name: String, text: Substring)] {
        try text("tprt.rules.yml").split(separator: "- alert: ").dropFirst().map { text in
            (String(text.prefix { !$0.isNewline }), text)
        }
    }

    @Test("Prometheus takes the configuration and the rules, and the tests of the rules pass")
    func promtool() async throws {
        let directory = Self.directory.path
        #expect(
            try await CommandResult(of: ["promtool", "check", "config", "\(directory)/prometheus.yml"]).ending
                == .exited(0))
        #expect(try await Promtool.complaints(aboutRules: "\(directory)/tprt.rules.yml") == "")
        #expect(try await Promtool.failures(ofRuleTests: "\(directory)/tprt.rules.test.yml") == "")
    }

    @Test("Each alert says what is the matter, is tested, and stands in the README")
    func alerts() throws {
        let (alerts, tests, readme) = (
            try Self.alerts(), try Self.text("tprt.rules.test.yml"), try Self.text("README.md")
        )
        for (name, text) in alerts {
            #expect(text.contains(#/severity: (critical|warning)\n/#), "\(name)")
            #expect(text.contains(#/summary: "{{ \$labels.instance }}: .+"\n/#), "\(name)")
            #expect(text.contains(#/description: >-\n {12}\S/#), "\(name)")
            #expect(tests.contains("alertname=\"\(name)\""), "\(name)")
        }
        let told = readme.matches(of: #/`(Tprt[A-Za-z]+)`/#).map { String($0.1) }
        #expect(told.sorted() == alerts.map(\.name).sorted())
    }

    @Test("Rules and their tests name metrics, labels and values that there are")
    func ruleNames() throws {
        let metrics = try MetricsReading(MetricsSnapshot())
        for name in ["tprt.rules.yml", "tprt.rules.test.yml"] {
            // What Prometheus calls an alert that it has.
            let text = try Self.text(name).replacing(#/(count )?by \((alertname[a-z, ]*)\)/#, with: "")
            #expect(MetricsExpression(text: text).faults(knowing: metrics) == [], "\(name)")
        }
    }

    @Test("What names something that isn't there is noticed")
    func faults() throws {
        let metrics = try MetricsReading(MetricsSnapshot())
        let text = """
            sum by (job, reasons) (tprt_decisions_total{action="greylist",reason=~"new|old"}) / tprt_greylist_delay_seconds_sum
              + tprt_decision_total + instance:tprt_own:rule + tprt_connections_sum
            """
        #expect(
            MetricsExpression(text: text).faults(knowing: metrics) == [
                "tprt_decisions_total has no action=\"greylist\"", "tprt_decisions_total has no reason=\"old\"",
                "no metric tprt_decision_total", "no metric tprt_connections_sum", "no label reasons",
            ])
    }

    @Test("The dashboard has twelve panels, side by side, each with a description and a unit")
    func panels() throws {
        let dashboard = try Self.dashboard()
        #expect(dashboard.schemaVersion >= 39)
        #expect(dashboard.panels.count == 12)
        #expect(dashboard.templating.list.map(\.name) == ["datasource", "instance"])
        #expect(dashboard.templating.list.first?.type == "datasource")
        var taken: Set<[Int]> = []
        for panel in dashboard.panels {
            #expect(panel.description.count > 40 && !panel.fieldConfig.defaults.unit.isEmpty, "\(panel.title)")
            #expect(panel.datasource == Dashboard.Source(type: "prometheus", uid: "${datasource}"), "\(panel.title)")
            for x in panel.gridPos.x..<panel.gridPos.x + panel.gridPos.w {
                for y in panel.gridPos.y..<panel.gridPos.y + panel.gridPos.h {
                    #expect(x < 24 && taken.insert([x, y]).inserted, "\(panel.title)")
                }
            }
            let references = panel.targets.map(\.refId)
            #expect(!references.isEmpty && Set(references).count == references.count, "\(panel.title)")
            for override in panel.fieldConfig.overrides {
                #expect(override.matcher.id == "byFrameRefID" && references.contains(override.matcher.options))
            }
        }
        #expect(Set(dashboard.panels.map(\.id)).count == 12)
        #expect(Set(dashboard.panels.map(\.title)).count == 12)
    }

    @Test("Its expressions name what there is, and Prometheus can read them")
    func expressions() async throws {
        let metrics = try MetricsReading(MetricsSnapshot())
        let targets = try Self.dashboard().panels.flatMap(\.targets)
        for target in targets {
            #expect(MetricsExpression(text: target.expr).faults(knowing: metrics) == [], "\(target.expr)")
            #expect(target.expr.contains("instance=~\"$instance\""), "\(target.expr)")
            #expect(target.datasource == Dashboard.Source(type: "prometheus", uid: "${datasource}"))
            // A legend can show only labels that are left.
            for label in target.legendFormat.matches(of: #/{{([a-z]+)}}/#) {
                #expect(target.expr.contains(try Regex("by \\([a-z, ]*\\b\(label.1)\\b")), "\(target.expr)")
            }
        }
        #expect(try await MetricsExpression.unreadable(targets.map(\.expr)) == "")
    }
}
