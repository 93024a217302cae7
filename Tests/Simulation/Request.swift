import Engine
import Greylist

/// What Postfix asks about one recipient, and what was seen of the answer.
final class Request {
    /// A reply, as it came over the connection.
    enum Reply: Equatable {
        case dunno
        case header(delay: Int64)
        case deferral(wait: Int64)
    }

    let number: Int
    let mail: Mail
    let host: Sender.Host
    let recipient: Int
    let message: Message
    unowned let life: Life
    /// When it was its turn to be answered, in milliseconds.
    var turn: Int64?
    /// What the daemon's clock said while it was under way.
    private(set) var clock: ClosedRange<Int64>?
    var reply: Reply?
    /// What the daemon says of its decision.
    var decision: NotedDecision?
    /// Where it is decided from.
    var store: WatchedStore?
    /// Whether it has passed, or may have as far as the store knows.
    var mayHavePassed = true
    /// Whether nobody waits for the reply any more.
    var isAbandoned = false
    /// Nil once it is settled.
    private var done: ((Request, Reply?) -> Void)?

    init(
        _ number: Int, for mail: Mail, from host: Sender.Host, to recipient: Int, of message: Message, at life: Life,
        done: @escaping (Request, Reply?) -> Void
    ) {
        (self.number, self.mail, self.host, self.recipient) = (number, mail, host, recipient)
        (self.message, self.life, self.done) = (message, life, done)
    }

    var tags: [Trace.Tag] { [.mail(mail.number), .sender(mail.sender.number), .recipient(recipient)] }

    /// Takes note of what the daemon's clock says.
    func note(_ now: Timestamp) {
        let seconds = now.seconds
        clock = clock.map { min($0.lowerBound, seconds)...max($0.upperBound, seconds) } ?? seconds...seconds
    }

    /// The sender goes on; without a reply where the connection was lost.
    func settle(_ reply: Reply?) {
        let done = done
        (self.done, store) = (nil, nil)
        done?(self, reply)
    }

    /// Under what it may be known.
    var keys: [TrueKey] { TrueKey.all(of: mail.sender, from: host, address: mail.address, to: recipient) }

    /// The recipient's address; the domain of each is another one, so that a reply tells whose it is.
    static func address(of recipient: Int) -> String { "user@u\(recipient).site.example" }

    /// As Postfix writes it.
    ///
    /// The name in HELO says which request it is: nothing depends on it but what the daemon tells of its decision.
    var text: [UInt8] {
        let lines =
            "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
            + "client_address=\(host.address)\nclient_name=\(host.name ?? "unknown")\nhelo_name=r\(number).example\n"
        if message.isOutgoing {
            let sender = Self.address(of: recipient)
            return Array((lines + "sender=\(sender)\nrecipient=\(mail.address)\nsasl_username=u\(recipient)\n\n").utf8)
        }
        return Array(
            (lines
                + "sender=\(mail.address)\nrecipient=\(Self.address(of: recipient))\ninstance=\(message.instance)\n\n")
                .utf8)
    }
}

/// A message that is handed over in one go, perhaps to several recipients.
final class Message {
    let instance: String
    /// Whether it is one of our users' own, who wrote to the sender of the mail.
    let isOutgoing: Bool
    /// Whether another one came over the same connection meanwhile: then a daemon may forget what it knows of both.
    var isInterrupted = false
    /// What became of its recipients, for who knows that from the replies alone.
    var hasPassed = false
    var carried = 0
    /// The first attempts of those that have passed for the first time, in seconds.
    var firstAttempts: [ClosedRange<Int64>] = []

    init(instance: String, isOutgoing: Bool = false) {
        (self.instance, self.isOutgoing) = (instance, isOutgoing)
    }
}

/// A mail that a sender wants to get rid of, and what has become of it.
final class Mail {
    /// When a sender comes again.
    enum Pace: CaseIterable {
        /// When it was told to.
        case asTold
        /// About when a retry may pass for the first time.
        case atTheBorder
        /// By a schedule of its own.
        case bySchedule
        /// Again and again, long before.
        case hasty
    }

    let number: Int
    let sender: Sender
    /// The sender's address.
    let address: String
    let pace: Pace
    /// When it was tried first, in milliseconds.
    var start: Int64?
    /// Recipients that haven't taken it yet.
    var open: [Int]
    var tries = 0
    /// What is known of its recipients' deferrals, by their numbers.
    var deferrals: [Int: [Deferral]] = [:]

    /// An attempt that was deferred, and remembered in the store.
    struct Deferral {
        let keys: Set<TrueKey>
        let clock: ClosedRange<Int64>
        /// How often something had happened by then that may excuse that it was forgotten.
        let excuses: Int
    }

    init(_ number: Int, from sender: Sender, address: String, to recipients: [Int], pace: Pace) {
        (self.number, self.sender, self.address, self.pace) = (number, sender, address, pace)
        open = recipients
    }

    var tags: [Trace.Tag] { [.mail(number), .sender(sender.number)] }
}
