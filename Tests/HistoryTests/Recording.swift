import Greylist
import NIOCore
import Policy
import SampleOptions
import TestSupport

@testable import Engine
@testable import History

/// A moment at which nothing special is: 2026-11-30, 12:00 UTC.
let noon = Timestamp(seconds: 1_796_040_000)

extension HistoryOptions {
    /// Options with these values.
    static func sample(
        _ path: String, maxAge: Int64 = 14 * 86_400, maxSize: Int = 64 << 20, addresses: KeptAddresses = .full,
        foldsRecipient: Bool = false
    ) -> HistoryOptions {
        HistoryOptions(
            path: path, maxAge: maxAge, maxSize: maxSize, addresses: addresses, masks: .sample(),
            foldsRecipient: foldsRecipient)
    }
}

/// An attempt to send, and what was decided about it.
struct Said {
    var verdict: Verdict?
    var reason: Reason
    /// How many seconds after noon.
    var after: Int64
    var client = "192.0.2.1"
    var name = "mail.example.org"
    var helo = "mail.example.org"
    var sender = "bob@example.org"
    var recipient = "ann@example.com"
    var organisation = ""
    var proof: ClientIdentity.Proof?
    var matched: ClientIdentity.MatchedKey?
    var isDeferral = false
    var isObserved = false

    init(_ verdict: Verdict, after: Int64 = 0, _ change: (inout Said) -> Void = { _ in }) {
        self.init(.judged(verdict), after: after, change)
    }

    init(_ reason: Reason, after: Int64 = 0, _ change: (inout Said) -> Void = { _ in }) {
        self.reason = reason
        self.after = after
        change(&self)
    }
}

extension DecisionBatch {
    /// A batch of these.
    init(_ said: [Said]) throws {
        self.init()
        for each in said { try append(each) }
    }

    mutating func append(_ said: Said) throws {
        var bytes = ByteBuffer()
        let values = [
            ("request", "smtpd_access_policy"), ("protocol_state", "RCPT"), ("client_address", said.client),
            ("client_name", said.name), ("helo_name", said.helo), ("sender", said.sender),
            ("recipient", said.recipient),
        ]
        for (name, value) in values {
            bytes.writeString("\(name)=")
            // A Unicode scalar below 256 stands for a byte.
            bytes.writeBytes(value.unicodeScalars.map { UInt8($0.value) })
            bytes.writeString("\n")
        }
        bytes.writeString("\n")
        var decoder = PolicyDecoder(limits: PolicyLimits(line: 1 << 15))
        guard let request = try decoder.next(in: &bytes) else { throw TestError("no request") }
        var record = DecisionRecord(said.reason)
        if said.isDeferral { record.reply = .action(Array("DEFER".utf8)) }
        if let proof = said.proof {
            var identity = ClientIdentity()
            identity.proof = proof
            identity.organisation = Array(said.organisation.utf8)
            identity.matched = said.matched
            record.identity = identity
        }
        if said.isObserved { record = record.observed() }
        append(record, on: request, at: Timestamp(seconds: noon.seconds + said.after))
    }
}
