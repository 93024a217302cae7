import Foundation
import TestSupport

/// A real Prometheus on a port of 127.0.0.1, which asks one server for metrics each second.
final class Prometheus {
    /// What it says of an alert or a rule for recording.
    struct Rule: Decodable {
        struct Alert: Decodable {
            let state: String
            let annotations: [String: String]
        }

        let name: String
        /// `ok` once it was evaluated without a fault.
        let health: String
        let lastError: String?
        let alerts: [Alert]?
    }

    let port: UInt16
    private let process: ChildProcess
    private let directory: TemporaryDirectory

    /// Starts it, and waits until it has metrics.
    ///
    /// - Parameters:
    ///   - target: the port of 127.0.0.1 that has them, under `/metrics`; the job is `tprt`
    ///   - rules: the path of a file of rules, which are evaluated each second; nil for none
    init(scraping target: UInt16, rules: String? = nil) throws {
        let (directory, port) = (try TemporaryDirectory(), try Ports.free())
        let configuration: [String: Any] = [
            "global": ["scrape_interval": "1s", "evaluation_interval": "1s"],
            "rule_files": rules.map { [$0] } ?? [],
            "scrape_configs": [["job_name": "tprt", "static_configs": [["targets": ["127.0.0.1:\(target)"]]]]],
        ]
        // JSON is a part of YAML, but for its escaped slashes.
        let text = try JSONSerialization.data(withJSONObject: configuration, options: .withoutEscapingSlashes)
        let file = try directory.write(String(decoding: text, as: UTF8.self), to: "prometheus.yml")
        process = try ChildProcess.start([
            "prometheus", "--config.file=\(file)", "--storage.tsdb.path=\(directory.file("data"))",
            "--web.listen-address=127.0.0.1:\(port)",
        ])
        (self.directory, self.port) = (directory, port)
        try eventually("Prometheus to have metrics") { try? isUp() }
    }

    deinit {
        process.end()
    }

    /// The value of an expression that has a single one; nil where it has none.
    func value(of expression: String) throws -> Double? {
        let query = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let samples = try data(QueryResult.self, of: "query?query=\(query)").result
        guard samples.count <= 1 else { throw TestError("\(expression) has \(samples.count) values") }
        return samples.first?.value.number
    }

    /// Its rules.
    func rules() throws -> [Rule] {
        try data(RuleGroups.self, of: "rules").groups.flatMap(\.rules)
    }

    private func isUp() throws -> Void? {
        let targets = try data(Targets.self, of: "targets").activeTargets
        return !targets.isEmpty && targets.allSatisfy { $0.health == "up" } ? () : nil
    }

    /// What it answers to a question.
    private func data<Value: Decodable>(_ type: Value.Type, of path: String) throws -> Value {
        let socket = try StreamSocket(to: .inet(port))
        // By the older version of HTTP the body comes as it is, and the end of the connection ends it.
        try socket.send("GET /api/v1/\(path) HTTP/1.0\r\nHost: localhost\r\n\r\n")
        var answer: [UInt8] = []
        while let bytes = try socket.receive(), !bytes.isEmpty { answer += bytes }
        guard let end = answer.firstRange(of: Array("\r\n\r\n".utf8)) else { throw TestError("\(path): no answer") }
        do {
            return try JSONDecoder().decode(Answer<Value>.self, from: Data(answer[end.upperBound...])).data
        } catch {
            throw TestError("\(path): \(error): \(String(decoding: answer, as: UTF8.self))")
        }
    }
}

private struct Answer<Value: Decodable>: Decodable {
    let data: Value
}

private struct Targets: Decodable {
    struct Target: Decodable {
        let health: String
    }

    let activeTargets: [Target]
}

private struct RuleGroups: Decodable {
    struct Group: Decodable {
        let rules: [Prometheus.Rule]
    }

    let groups: [Group]
}

private struct QueryResult: Decodable {
    /// A number in quotation marks, behind the time.
    struct Value: Decodable {
        let number: Double?

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            _ = try values.decode(Double.self)
            number = Double(try values.decode(String.self))
        }
    }

    struct Sample: Decodable {
        let value: Value
    }

    let result: [Sample]
}
