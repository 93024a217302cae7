import SPF
import SPFZones
import Testing

/// One evaluation in a zone.
struct Check {
    var zone: [String: [Zone.Record]]
    var client = "192.0.2.3"
    var sender = "user@example.org"
    var helo = "mx.example.net"
    var limits = SPFLimits.rfc7208

    /// A zone in which `example.org` has this record, and names have addresses.
    init(_ record: String, _ others: [String: [Zone.Record]] = [:]) {
        zone = others
        zone["example.org", default: []].append(.text(record))
    }

    init(zone: [String: [Zone.Record]]) {
        self.zone = zone
    }

    func from(_ client: String) -> Check {
        var copy = self
        copy.client = client
        return copy
    }

    func evaluation() throws -> SPFEvaluation {
        SPFEvaluation(
            client: try #require(SPFAddress(text: client)), sender: Array(sender.utf8), helo: Array(helo.utf8),
            limits: limits)
    }

    func outcome() throws -> SPFOutcome {
        var evaluation = try evaluation()
        return evaluation.run(in: Zone(zone)).outcome
    }

    func result() throws -> SPFResult {
        try outcome().result
    }

    /// The questions, each as `TYPE name`, those of one step joined by commas.
    func questions() throws -> [String] {
        var evaluation = try evaluation()
        return evaluation.run(in: Zone(zone)).questions.map { step in step.map(\.text).joined(separator: ", ") }
    }
}

extension DNSQuestion {
    var text: String { "\(type)".uppercased() + " " + String(decoding: name, as: UTF8.self) }
}

extension Zone.Record {
    /// An IPv4 or IPv6 address, which the test knows to be one.
    static func address(_ text: String) -> Self {
        guard let address = SPFAddress(text: text) else { preconditionFailure("not an address: \(text)") }
        return .address(address)
    }
}
