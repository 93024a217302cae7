import Greylist
import History
import NIOCore
import Policy
import SampleOptions
import TestSupport
import Testing

@testable import Engine
@testable import tprtctl

/// A history that a test writes decision by decision, with a clock that it moves.
struct RecordedHistory {
    /// 2026-11-30 14:00:00 UTC.
    static let start = Timestamp(seconds: 1_796_047_200)

    let directory: TemporaryDirectory
    private var writer: HistoryWriter

    /// An empty one in a directory of its own.
    init(keeping addresses: KeptAddresses = .full) throws {
        directory = try TemporaryDirectory()
        let options = HistoryOptions(
            path: directory.file("history.sqlite"), maxAge: 14 * 86_400, maxSize: 64 << 20, addresses: addresses,
            masks: .sample(), foldsRecipient: false)
        writer = try HistoryWriter(options, at: Self.start)
    }

    /// A moment, in seconds after its start.
    static func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: start.seconds + seconds) }

    /// What verbs read.
    var source: HistorySource { HistorySource(path: writer.options.path, rules: .sample()) }

    /// Who a client is found to be.
    struct Identity {
        var proof = ClientIdentity.Proof.network
        var organisation = ""
        var matched: ClientIdentity.MatchedKey?
    }

    /// Records a decision.
    ///
    /// - Parameters:
    ///   - seconds: after the start
    ///   - client: address and name
    ///   - isObserved: whether Postfix wasn't told of it
    mutating func add(
        _ seconds: Int64, _ reason: Reason, client: (String, String) = ("192.0.2.7", "mx.partner.example"),
        sender: String = "anna@partner.example", recipient: String = "you@example.com", identity: Identity = Identity(),
        reply: PolicyReply = .dunno, isObserved: Bool = false
    ) throws {
        var record = DecisionRecord(reason, reply: reply)
        if isObserved { record.withheld = reply }
        var found = ClientIdentity()
        (found.proof, found.matched) = (identity.proof, identity.matched)
        found.organisation = Array(identity.organisation.utf8)
        record.identity = found
        let attributes = [
            "request": "smtpd_access_policy", "protocol_state": "RCPT", "client_address": client.0,
            "client_name": client.1, "helo_name": client.1, "sender": sender, "recipient": recipient,
        ]
        var buffer = ByteBuffer(string: attributes.map { "\($0)=\($1)\n" }.joined() + "\n")
        var decoder = PolicyDecoder()
        let request = try #require(try decoder.next(in: &buffer))
        var batch = DecisionBatch()
        batch.append(record, on: request, at: Self.at(seconds))
        let notice = writer.write(batch, dropped: 0, at: Self.at(seconds))
        #expect(notice == nil)
    }

    /// Records how many decisions of a reason there were in a minute.
    mutating func count(_ seconds: Int64, _ reason: ReasonCode, passed: Int = 0, deferred: Int = 0) {
        func counts(_ number: Int) -> [Int] { ReasonCode.allCases.map { $0 == reason ? number : 0 } }
        let notice = writer.record(
            minute: Self.at(seconds), passes: counts(passed), deferrals: counts(deferred), at: Self.at(seconds))
        #expect(notice == nil)
    }

    /// Closes the file, as a daemon does that stops.
    mutating func close() { writer.close() }

    /// A pool sender that is recognised by SPF when it comes back from another network.
    mutating func addPool() throws {
        let first = Identity(proof: .spf, organisation: "partner.example")
        let again = Identity(proof: .spf, organisation: "partner.example", matched: .organisation)
        try add(0, .judged(.new(wait: 300)), client: ("192.0.2.7", "out1.pool.example"), identity: first)
        try add(
            169, .judged(.early(wait: 131, delay: 169)), client: ("198.51.100.9", "out2.pool.example"), identity: again)
        try add(724, .judged(.retried(delay: 724)), client: ("203.0.113.5", "out3.pool.example"), identity: again)
    }
}
