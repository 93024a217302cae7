import Exposition
import Foundation
import TestSupport
import Testing

@testable import DaemonApp

/// Metrics and alerts in a real Prometheus.
@Suite("Prometheus", .blocking)
struct PrometheusTests {
    private static let rules = URL(filePath: #filePath)
        .appending(path: "../../examples/prometheus/tprt.rules.yml").standardized.path

    @Test("It has each series, and evaluates the rules of the example")
    func series() throws {
        let text = MetricsText(MetricsSnapshot()).bytes
        let lines = text.split(separator: UInt8(ascii: "\n")).filter { $0.first != UInt8(ascii: "#") }
        let server = try MetricsServer(text)
        let prometheus = try Prometheus(scraping: server.port, rules: Self.rules)

        #expect(try prometheus.value(of: #"count({job="tprt",__name__=~"(tprt|process)_.+"})"#) == Double(lines.count))
        #expect(try prometheus.value(of: "tprt_store_up") == 0)
        #expect(try prometheus.value(of: #"tprt_decisions_total{action="defer",reason="early-retry"}"#) == 0)
        #expect(try prometheus.value(of: #"tprt_greylist_delay_seconds_bucket{proof="spf",le="+Inf"}"#) == 0)
        #expect(try prometheus.value(of: "tprt_no_such_metric") == nil)

        // What was never up is down; all else that could be wrong isn't.
        let expected: Set<String> = ["TprtStoreDown", "TprtDNSDown"]
        let rules = try eventually("the alerts \(expected)") {
            let rules = try prometheus.rules()
            let known = rules.filter { !($0.alerts ?? []).isEmpty }
            return expected.isSubset(of: known.map(\.name)) ? rules : nil
        }
        for rule in rules { #expect(rule.health == "ok", "\(rule.name): \(rule.lastError ?? "")") }
        let alerts = rules.flatMap { rule in (rule.alerts ?? []).map { (rule.name, $0) } }
        #expect(Set(alerts.map(\.0)) == expected)
        let summaries = alerts.compactMap(\.1.annotations["summary"])
        #expect(summaries.contains("127.0.0.1:\(server.port): the database doesn't answer"))
        #expect(alerts.allSatisfy { $0.1.state == "pending" })
    }
}

/// Answers each request with the same metrics.
private final class MetricsServer {
    let port: UInt16
    private let descriptor: Int32

    init(_ text: [UInt8]) throws {
        let (port, descriptor) = try Ports.listening()
        (self.port, self.descriptor) = (port, descriptor)
        let head = "HTTP/1.1 200 OK\r\nContent-Type: \(MetricsText.mediaType)\r\nConnection: close\r\n\r\n"
        let thread = Thread {
            while case let connection = accept(descriptor, nil, nil), connection >= 0 {
                Self.answer(Array(head.utf8) + text, at: connection)
            }
            close(descriptor)
        }
        thread.start()
    }

    deinit {
        // That ends the thread.
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Reads a request to the end of its head, and answers.
    private static func answer(_ answer: [UInt8], at connection: Int32) {
        defer { close(connection) }
        var (request, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4_096))
        while request.suffix(4) != Array("\r\n\r\n".utf8)[...] {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            request += buffer[..<count]
        }
        var rest = answer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
