import Foundation
import SPF
import SPFZones
import Testing

/// The public suite; its origin and licence stand beside it.
@Suite("The test suite of RFC 7208")
struct SuiteTests {
    struct Scenario: Decodable, Sendable {
        var description: String
        var zone: [String: [[String]]]
        var tests: [Case]
    }

    struct Case: Decodable, Sendable {
        var name: String
        var section: String
        var client: String
        var helo: String
        var sender: String
        var results: [String]
    }

    struct CaseInZone: Sendable, CustomTestStringConvertible {
        var test: Case
        var zone: [String: [[String]]]

        var testDescription: String { "\(test.name) (RFC 7208, \(test.section))" }
    }

    static let scenarios: [Scenario] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/rfc7208-tests.json")
        do {
            return try JSONDecoder().decode([Scenario].self, from: Data(contentsOf: file))
        } catch {
            preconditionFailure("\(file.path()): \(error)")
        }
    }()

    static let cases = scenarios.flatMap { scenario in
        scenario.tests.map { CaseInZone(test: $0, zone: scenario.zone) }
    }

    @Test("each result is one that the suite allows", arguments: cases)
    func result(_ arguments: CaseInZone) throws {
        let test = arguments.test
        let zone = try Zone(
            arguments.zone.mapValues { records in
                try records.map { try #require(Zone.Record(type: $0[0], value: $0.count > 1 ? $0[1] : "")) }
            })
        var evaluation = SPFEvaluation(
            client: try #require(SPFAddress(text: test.client)), sender: Array(test.sender.utf8),
            helo: Array(test.helo.utf8), limits: .rfc7208)
        let outcome = evaluation.run(in: zone).outcome
        #expect(test.results.contains(outcome.result.rawValue), "\(outcome)")
    }

    @Test("none of it is missing")
    func count() {
        #expect(Self.scenarios.count == 16)
        #expect(Self.cases.count == 203)
    }
}
