import Engine
import Greylist
import NIOCore
import Policy
import TestSupport
import Whitelists

@testable import LogOutput
@testable import Server

/// A decision with the line that tells of it, and what a reader should find there.
struct EveryDecision: Sendable {
    let line: String
    let action: String
    /// Without what stands in parentheses.
    let reason: String
    /// The number behind `delay=`.
    let delay: Int64?
    /// As they stand in the line.
    let sender: String
    let recipient: String

    /// One of every kind: all reasons, each with and without an entry and a trial, from a usual sender, none and hostile ones.
    ///
    /// - Parameter queueIDs: whether Postfix has named its file by then
    static func all(queueIDs: [String] = ["", "4ABC12"], format: LineFormat = .postgrey) throws -> [EveryDecision] {
        let source = "/etc/tprt/odd, list (a)=b"
        let entry = Whitelist([WhitelistEntry(.not(.attribute(name: "x", value: "y")))], source: source)
            .match(try request("", "", queueID: ""), Envelope(), at: Timestamp(seconds: 0))
        guard let entry else { throw TestError("the entry doesn't match") }
        var decisions: [EveryDecision] = []
        for reason in reasons {
            for (entry, withheld) in [(nil, nil), (entry, nil), (nil, deferral), (entry, deferral)] {
                var record = DecisionRecord(reason, reply: .dunno, entry: entry)
                record.withheld = withheld
                for (sender, recipient) in addresses {
                    for queueID in queueIDs {
                        decisions.append(try EveryDecision(record, sender, recipient, queueID, format))
                    }
                }
            }
        }
        return decisions
    }

    private static let deferral = Policy.PolicyReply.action(Array("DEFER_IF_PERMIT later".utf8))

    /// Every reason there is.
    static var reasons: [Reason] {
        let verdicts: [Verdict] = [
            .new(wait: 300), .early(wait: 12, delay: 288), .retried(delay: 342), .known, .autoWhitelisted, .carried,
            .spared(.correspondent), .spared(.earned), .released, .pendingLimitReached(wait: 300),
        ]
        let kinds: [Condition.Kind?] = [.client, .helo, .sender, .recipient, nil]
        let reasons =
            verdicts.map { Reason.judged($0) } + kinds.map { Reason.whitelisted($0) }
            + Reason.NotOurs.allCases.map { Reason.notOurs($0) } + [.storeFailed]
        // A kind that is new doesn't compile here: add it above.
        for reason in reasons {
            switch reason {
            case .notOurs, .storeFailed: break
            case .whitelisted(let kind):
                switch kind {
                case .client, .helo, .sender, .recipient, nil: break
                }
            case .judged(let verdict):
                switch verdict {
                case .new, .early, .retried, .known, .autoWhitelisted, .carried, .spared, .released,
                    .pendingLimitReached:
                    break
                }
            }
        }
        return reasons
    }

    /// Senders and recipients: as they are in the line nobody can forge a field.
    private static let addresses = [
        ("a@sender.example", "u@example.com"), ("", "u@example.com"), ("a@sender.example", ""),
        ("a, recipient=ceo@x, action=pass@evil.example", "u@example.com"),
        ("a@sender.example", "u, entry=x (y)@example.com"),
        ("j\u{fc}rgen\u{1b}[2J@sender.example", "\"a b\"\n@example.com"),
    ]

    private init(
        _ record: DecisionRecord, _ sender: String, _ recipient: String, _ queueID: String, _ format: LineFormat
    ) throws {
        var records = LogRecords()
        records.append(
            decision: record, on: try Self.request(sender, recipient, queueID: queueID), as: nil,
            at: Timestamp(seconds: 0), in: LogForm(format: format, hasFields: false))
        var text: [UInt8] = []
        records.forEachRecord { _, _, record in text.append(record) }
        line = String(decoding: text, as: UTF8.self)
        action = "\(record.action)"
        reason = "\(record.reason.text)"
        delay = if case .judged(.retried(let delay)) = record.reason { delay } else { nil }
        self.sender = Self.escaped(sender)
        self.recipient = Self.escaped(recipient)
    }

    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.append(escaping: Array(text.replacing("\n", with: "").utf8).span, keepsBlanks: false)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func request(_ sender: String, _ recipient: String, queueID: String) throws -> Policy.PolicyRequest {
        var buffer = ByteBuffer()
        for (name, value) in [
            ("client_name", "mail.sender.example"), ("client_address", "192.0.2.7"), ("sender", sender),
            ("recipient", recipient.replacing("\n", with: "")), ("queue_id", queueID),
        ] { buffer.writeString("\(name)=\(value)\n") }
        buffer.writeString("\n")
        var decoder = PolicyDecoder()
        guard let request = try decoder.next(in: &buffer) else { throw TestError("not a request") }
        return request
    }
}
