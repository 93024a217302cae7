/// What is to become of mail that a daemon knows: the verb `mail`.
public struct MailOrder: Sendable, Equatable {
    /// The verb of the request.
    public static let verb = "mail"
    /// How many mails an order may name.
    public static let limit = 100

    /// What is to be done.
    public enum Action: String, Sendable, CaseIterable {
        /// The next attempt passes, if the mail still waits.
        case release
        /// Nothing is known of it any more: the next attempt is a first one.
        case forget
    }

    /// A mail to one recipient.
    public struct Mail: Sendable, Equatable {
        /// The client's address, or that of its network.
        public var client: String
        /// Its name; empty where it has none.
        public var clientName: String
        /// What it calls itself.
        public var helo: String
        /// The envelope sender; empty for the null sender.
        public var sender: String
        /// The recipient.
        public var recipient: String

        /// A mail.
        public init(client: String, clientName: String, helo: String, sender: String, recipient: String) {
            self.client = client
            self.clientName = clientName
            self.helo = helo
            self.sender = sender
            self.recipient = recipient
        }
    }

    /// What is to be done.
    public var action: Action
    /// The mails.
    public var mails: [Mail]

    /// An order.
    public init(_ action: Action, _ mails: [Mail]) {
        self.action = action
        self.mails = mails
    }

    /// What a request orders; nil where it is malformed.
    public init?(_ request: ControlRequest) {
        guard request.verb == Self.verb, let action = request.arguments.first.flatMap(Action.init(rawValue:)),
            request.arguments.count % 5 == 1, request.arguments.count / 5 <= Self.limit
        else { return nil }
        let texts = request.arguments.dropFirst()
        self.init(
            action,
            stride(from: texts.startIndex, to: texts.endIndex, by: 5).map { start in
                Mail(
                    client: texts[start], clientName: texts[start + 1], helo: texts[start + 2],
                    sender: texts[start + 3], recipient: texts[start + 4])
            })
    }

    /// The request.
    public var request: ControlRequest {
        ControlRequest(
            Self.verb,
            arguments: [action.rawValue]
                + mails.flatMap { [$0.client, $0.clientName, $0.helo, $0.sender, $0.recipient] })
    }
}

/// What a daemon has done by an order about mail.
public struct MailReceipt: Sendable, Equatable {
    /// How many entries of each mail were changed, in the order of the order; 0 where it had passed already, or wasn't known.
    public var counts: [Int]

    /// A receipt.
    public init(counts: [Int]) {
        self.counts = counts
    }

    /// What a reply says; nil where it is none of an order that was carried out.
    public init?(_ reply: ControlReply) {
        guard reply.status == 0 else { return nil }
        let counts = reply.messages.map { Int($0) }
        guard counts.allSatisfy({ $0 != nil }) else { return nil }
        self.init(counts: counts.compactMap(\.self))
    }

    /// The reply.
    public var reply: ControlReply { ControlReply(messages: counts.map { "\($0)" }) }
}
