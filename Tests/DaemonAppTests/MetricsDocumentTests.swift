import Engine
import Foundation
import TestSupport
import Testing

@testable import DaemonApp

/// docs/metrics.md, compared with what the program exports.
@Suite("The document about metrics")
struct MetricsDocumentTests {
    private struct Row {
        let name: String
        let type: String
        /// The values of each label; nil where they aren't listed.
        let labels: [String: Set<String>?]
        let meaning: String
    }

    private static func document() throws -> String {
        let file = URL(filePath: #filePath).appending(path: "../../../docs/metrics.md").standardized
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// The cells of the rows of its tables.
    private static func cells(of document: String) -> [[String]] {
        document.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.dropFirst(2).split(separator: "| ", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces.union(["|"]))
            }
        }
    }

    private static func rows() throws -> [Row] {
        try cells(of: document()).compactMap { cells in
            guard cells.count == 4, let name = cells[0].wholeMatch(of: #/`([a-z_]+)`/#) else { return nil }
            var labels: [String: Set<String>?] = [:]
            for text in cells[2].split(separator: "; ") {
                let quoted = text.matches(of: #/`([^`]+)`/#).map { String($0.1) }
                guard let label = quoted.first else { throw TestError("\(cells[0]): labels without a name: \(text)") }
                labels.updateValue(quoted.count > 1 ? Set(quoted.dropFirst()) : nil, forKey: label)
            }
            return Row(name: String(name.1), type: cells[1], labels: labels, meaning: cells[3])
        }
    }

    @Test("It has each metric with its type and its labels, and no other one")
    func metrics() throws {
        let (rows, metrics) = (try Self.rows(), try MetricsReading(MetricsSnapshot()))
        #expect(rows.map(\.name).sorted() == metrics.families.map(\.name).sorted())
        for row in rows {
            let family = try metrics.family(row.name)
            #expect(row.type == family.type, "\(row.name)")
            #expect(Set(row.labels.keys) == Set(family.labels.keys), "\(row.name)")
            for case (let label, let values?) in row.labels {
                #expect(values == family.labels[label], "\(row.name) \(label)")
            }
            #expect(!row.meaning.isEmpty, "\(row.name)")
        }
        let unlisted = rows.flatMap { row in row.labels.filter { $0.value == nil }.map { "\(row.name) \($0.key)" } }
        #expect(unlisted.sorted() == ["tprt_build_info version", "tprt_decisions_total reason"])
    }

    @Test("It explains each reason")
    func reasons() throws {
        let section = try #require(
            try Self.document().split(separator: "### Reasons").last?.split(separator: "\n## ").first)
        let reasons = Self.cells(of: String(section)).flatMap { $0[0].matches(of: #/`([^`]+)`/#).map { String($0.1) } }
        #expect(Set(reasons) == Set(ReasonCode.allCases.map { "\($0.text)" }))
        #expect(Set(reasons).count == reasons.count)
    }

    @Test("Prometheus can read its expressions, which ask for what there is")
    func expressions() async throws {
        let metrics = try MetricsReading(MetricsSnapshot())
        let section = try #require(
            try Self.document().split(separator: "## What to look at").last?.split(separator: "\n## ").first)
        let quoted = section.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        let expressions = quoted.filter { $0.offset % 2 == 1 && $0.element.contains("(tprt_") }.map {
            String($0.element)
        }
        #expect(expressions.count == 4)
        #expect(try await MetricsExpression.unreadable(expressions) == "")
        #expect(MetricsExpression(text: String(section)).faults(knowing: metrics) == [])
    }

    @Test("It says how many series there are")
    func count() throws {
        let count = try MetricsReading(MetricsSnapshot()).families.reduce(0) { $0 + $1.samples.count }
        let said = try #require(try Self.document().firstMatch(of: #/some ([0-9]+)\)/#).flatMap { Int($0.1) })
        #expect(abs(said - count) <= 50, "\(count)")
    }
}
