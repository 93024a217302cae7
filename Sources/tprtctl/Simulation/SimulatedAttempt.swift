import Bytes
import Engine
import Greylist
import History
import Import
import NIOCore
import Policy

/// An attempt that is replayed, and what became of it: one row of a history, or what a mail log says.
struct SimulatedAttempt {
    /// The mail that it is of: of one sender and recipient, tried until it passed.
    let mail: Int64
    let time: Timestamp
    /// As Postfix asks about it.
    let request: PolicyRequest
    /// Whether it was decided that it has to wait.
    let isDeferral: Bool
    /// Whether its client was told so; not where the site only observed.
    let isTold: Bool
    /// Why; nil where greylisting had no say.
    let reason: ReasonCode?
    /// When the mail was tried first, as far as that is known.
    let firstTime: Timestamp
    /// How many mails it stands for, and when the last of them came.
    let count: Int
    let lastTime: Timestamp
    /// By whom the mail is counted: the organisation, the domain of the sender, or the client's address.
    let name: String

    /// An attempt of a history; nil where it can't be asked about.
    init?(_ recorded: ReplayedAttempt) {
        let attempt = recorded.attempt
        let client = attempt.clientAddress.prefix { $0 != "/" }
        let request = PolicyRequest(
            client: Array(client.utf8), clientName: attempt.clientName.shownBytes, helo: attempt.helo.shownBytes,
            sender: attempt.sender.shownBytes, recipient: attempt.recipient.shownBytes)
        guard let request else { return nil }
        self.request = request
        (mail, time, reason) = (attempt.caseID, attempt.time, attempt.reason)
        (isDeferral, isTold) = (attempt.isDeferral, attempt.isDeferral && !attempt.isObserved)
        firstTime = attempt.isObserved ? time : Timestamp(seconds: time.seconds - max(0, attempt.delay ?? 0))
        (count, lastTime) = (max(1, attempt.count), attempt.lastTime)
        let domain = attempt.sender.hasSuffix("@hashed.invalid") ? "" : attempt.sender.domain
        name = attempt.organisation.isEmpty ? (domain.isEmpty ? attempt.clientAddress : domain) : attempt.organisation
    }

    /// An attempt that a mail log tells of; nil where it can't be asked about.
    init?(_ mail: IncomingMail) {
        let request = PolicyRequest(
            client: mail.client, clientName: mail.clientName, helo: mail.helo, sender: mail.sender,
            recipient: mail.recipient)
        guard let request else { return nil }
        self.request = request
        var hasher = Hasher()
        hasher.combine(mail.sender.map(\.lowercased))
        hasher.combine(mail.recipient.map(\.lowercased))
        self.mail = Int64(hasher.finalize())
        (time, firstTime, lastTime, count, reason) = (mail.time, mail.time, mail.time, 1, nil)
        (isDeferral, isTold) = (!mail.isAccepted, !mail.isAccepted)
        let domain = String(decoding: mail.sender.map(\.lowercased), as: UTF8.self).domain
        name = domain.isEmpty ? String(decoding: mail.client, as: UTF8.self) : domain
    }
}

extension String {
    /// What follows the last `@`; nothing where there is none.
    fileprivate var domain: String {
        lastIndex(of: "@").map { String(self[index(after: $0)...]) } ?? ""
    }
}

extension PolicyRequest {
    /// The longest value: more isn't kept of any.
    private static let longest = DecisionBatch.longestText

    /// The request by which Postfix asks about a mail; nil where that can't be sent.
    fileprivate init?(
        client: [UInt8], clientName: [UInt8], helo: [UInt8], sender: [UInt8], recipient: [UInt8]
    ) {
        var text: [UInt8] = []
        text.reserveCapacity(160 + clientName.count + helo.count + sender.count + recipient.count)
        // The instance is the same for all: which recipients belong together is known otherwise.
        text += "request=smtpd_access_policy\nprotocol_state=RCPT\ninstance=1\n".utf8
        for (name, value) in [
            ("client_address=", client), ("client_name=", clientName), ("helo_name=", helo), ("sender=", sender),
            ("recipient=", recipient),
        ] {
            text += name.utf8
            // Postfix can't send a line end.
            for byte in value.prefix(Self.longest) { text.append(byte == 0x0a || byte == 0x0d ? 0x3f : byte) }
            text.append(0x0a)
        }
        text.append(0x0a)
        var (buffer, decoder) = (ByteBuffer(bytes: text), PolicyDecoder())
        guard let request = (try? decoder.next(in: &buffer)) ?? nil else { return nil }
        self = request
    }
}
