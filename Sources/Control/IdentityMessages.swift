public import JSONText

/// Mail that our users have sent, of which a daemon is to learn: the verb `learn`.
public struct LearnOrder: Sendable, Equatable {
    /// The verb of the request.
    public static let verb = "learn"
    /// How many bytes the mails of an order may have together, so that the request isn't too long.
    public static let room = ControlRequest.sizeLimit - 4_096

    /// A mail that was sent.
    public struct Mail: Sendable, Equatable {
        /// When, in seconds since 1970-01-01T00:00:00Z.
        public var seconds: Int64
        /// The envelope sender: one of our users.
        public var sender: String
        /// The recipient.
        public var recipient: String

        /// A mail.
        public init(seconds: Int64, sender: String, recipient: String) {
            self.seconds = seconds
            self.sender = sender
            self.recipient = recipient
        }

        /// How many bytes of `room` it takes.
        public var size: Int { quoted(sender).utf8.count + quoted(recipient).utf8.count + 32 }
    }

    /// The mails.
    public var mails: [Mail]

    /// An order for these mails.
    public init(_ mails: [Mail]) {
        self.mails = mails
    }

    /// What a request orders; nil where it is malformed.
    public init?(_ request: ControlRequest) {
        guard request.verb == Self.verb, request.arguments.count.isMultiple(of: 3) else { return nil }
        mails = []
        for start in stride(from: 0, to: request.arguments.count, by: 3) {
            guard let seconds = Int64(request.arguments[start]), seconds >= 0 else { return nil }
            mails.append(
                Mail(
                    seconds: seconds, sender: request.arguments[start + 1], recipient: request.arguments[start + 2]))
        }
    }

    /// The request.
    public var request: ControlRequest {
        ControlRequest(Self.verb, arguments: mails.flatMap { ["\($0.seconds)", $0.sender, $0.recipient] })
    }
}

/// What a daemon has learnt by an order.
public struct LearnReceipt: Sendable, Equatable {
    /// How many of the mails could teach something.
    public var lessons: Int
    /// How many entries were written; the others were known.
    public var written: Int

    /// A receipt.
    public init(lessons: Int, written: Int) {
        self.lessons = lessons
        self.written = written
    }

    /// What a reply says; nil where it is none of an order that was carried out.
    public init?(_ reply: ControlReply) {
        guard reply.status == 0, reply.messages.count == 2, let lessons = Int(reply.messages[0]),
            let written = Int(reply.messages[1])
        else { return nil }
        self.init(lessons: lessons, written: written)
    }

    /// The reply.
    public var reply: ControlReply { ControlReply(messages: ["\(lessons)", "\(written)"]) }
}

/// What is to become of an organisation in the table of identities: the verb `identity`.
public struct IdentityOrder: Sendable, Equatable {
    /// The verb of the request.
    public static let verb = "identity"

    /// What is to be done.
    public enum Action: String, Sendable, CaseIterable {
        /// To tell what is known.
        case show
        /// To forget what it has earned, and what was learnt of it.
        case forget
        /// To keep it out of the fast lane.
        case deny
        /// To have it in the fast lane.
        case allow
    }

    /// What is to be done.
    public var action: Action
    /// A name of the organisation.
    public var name: String

    /// An order.
    public init(_ action: Action, _ name: String) {
        self.action = action
        self.name = name
    }

    /// What a request orders; nil where it is malformed.
    public init?(_ request: ControlRequest) {
        guard request.verb == Self.verb, request.arguments.count == 2,
            let action = Action(rawValue: request.arguments[0])
        else { return nil }
        self.init(action, request.arguments[1])
    }

    /// The request.
    public var request: ControlRequest { ControlRequest(Self.verb, arguments: [action.rawValue, name]) }
}

/// What a daemon has under an organisation in the table of identities.
public struct IdentityStatus: Sendable, Equatable {
    /// A count, and when it last rose.
    public struct Count: Sendable, Equatable {
        /// The count.
        public var number: Int
        /// In seconds since 1970-01-01T00:00:00Z.
        public var last: Int64

        /// A count.
        public init(number: Int, last: Int64) {
            self.number = number
            self.last = last
        }
    }

    /// The organisation, in lower case and A-labels.
    public var organisation: String
    /// On how many days its mail was accepted.
    public var days: Count?
    /// By how many recipients.
    public var recipients: Count?
    /// How many users wrote to it.
    public var users: Count?
    /// What an administrator ordered: `allow` or `deny`.
    public var order: String?
    /// Until when everything that was learnt is forgotten, or when the order was given.
    public var since: Int64?
    /// Whether its mail need not wait, where it is proven to come from it; nil where the daemon wasn't asked that.
    public var hasEarned: Bool?
    /// Whether senders that have nothing to do with each other have it in common, so that it can't earn anything.
    public var isShared = false

    /// One of which nothing is known.
    public init(organisation: String) {
        self.organisation = organisation
    }

    /// As JSON; what isn't known is left out.
    public var json: JSONValue {
        var members: [String: JSONValue] = ["organisation": .string(organisation)]
        for (name, count) in [("days", days), ("recipients", recipients), ("users", users)] {
            guard let count else { continue }
            members[name] = .object(["count": .int(count.number), "last": .int(Int(count.last))])
        }
        if let order { members["order"] = .string(order) }
        if let since { members["since"] = .int(Int(since)) }
        if let hasEarned { members["earned"] = .bool(hasEarned) }
        if isShared { members["shared"] = .bool(true) }
        return .object(members)
    }

    /// Reads JSON; nil for anything else.
    public init?(_ value: JSONValue) {
        guard case .object(let members) = value, case .string(let organisation)? = members["organisation"] else {
            return nil
        }
        self.init(organisation: organisation)
        func count(_ name: String) -> Count? {
            guard case .object(let count)? = members[name], case .int(let number)? = count["count"],
                case .int(let last)? = count["last"]
            else { return nil }
            return Count(number: number, last: Int64(last))
        }
        (days, recipients, users) = (count("days"), count("recipients"), count("users"))
        if case .string(let order)? = members["order"] { self.order = order }
        if case .int(let since)? = members["since"] { self.since = Int64(since) }
        if case .bool(let hasEarned)? = members["earned"] { self.hasEarned = hasEarned }
        isShared = members["shared"] == .bool(true)
    }
}

/// A look at a slice of the table of identities: the verb `identities`.
public struct IdentityListOrder: Sendable, Equatable {
    /// The verb of the request.
    public static let verb = "identities"

    /// Where to go on, as the last reply says; empty to begin.
    public var cursor: String

    /// An order.
    public init(from cursor: String = "") {
        self.cursor = cursor
    }

    /// What a request orders; nil where it is malformed.
    public init?(_ request: ControlRequest) {
        guard request.verb == Self.verb, request.arguments.count <= 1 else { return nil }
        self.init(from: request.arguments.first ?? "")
    }

    /// The request.
    public var request: ControlRequest { ControlRequest(Self.verb, arguments: cursor.isEmpty ? [] : [cursor]) }
}

/// A slice of the table of identities.
public struct IdentityList: Sendable, Equatable {
    /// Where to go on; empty at the end.
    public var next: String
    /// How many entries of the slice say whom a user wrote to, which can't be read where keys are digests.
    public var correspondences: Int
    /// The organisations that the others name, with all that is known of each; another slice may have them again.
    public var entries: [IdentityStatus]

    /// A slice.
    public init(next: String, correspondences: Int, entries: [IdentityStatus]) {
        self.next = next
        self.correspondences = correspondences
        self.entries = entries
    }

    /// What a reply says; nil where it is none.
    public init?(_ reply: ControlReply) {
        guard reply.messages.count >= 2, let count = Int(reply.messages[1]) else { return nil }
        self.init(next: reply.messages[0], correspondences: count, entries: [])
        for text in reply.messages.dropFirst(2) {
            guard let value = try? JSONParser.parse(Array(text.utf8)).value, let entry = IdentityStatus(value) else {
                return nil
            }
            entries.append(entry)
        }
    }

    /// The reply.
    public var reply: ControlReply {
        ControlReply(messages: [next, "\(correspondences)"] + entries.map(\.json.text))
    }
}
