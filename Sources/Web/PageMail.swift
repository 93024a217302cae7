/// A mail that waits.
public struct PageWaitingCase: Sendable, Equatable {
    /// When it was tried first.
    public var firstAttempt: Int64
    /// From when on a retry passes.
    public var mayPassFrom: Int64
    /// From whom; empty for bounces.
    public var sender: String
    /// To whom.
    public var recipient: String
    /// The client's name at the last attempt; empty where it has none.
    public var clientName: String
    /// Its address or network.
    public var network: String
    /// The organisation it is known by; empty where that is its network alone.
    public var organisation: String
    /// What tells so, in the log's word: `spf`, `name`, `host`, `net`.
    public var proof: String
    /// How often it was tried.
    public var attempts: Int

    /// A mail that waits like this.
    public init(
        firstAttempt: Int64, mayPassFrom: Int64, sender: String, recipient: String, clientName: String,
        network: String, organisation: String, proof: String, attempts: Int
    ) {
        self.firstAttempt = firstAttempt
        self.mayPassFrom = mayPassFrom
        self.sender = sender
        self.recipient = recipient
        self.clientName = clientName
        self.network = network
        self.organisation = organisation
        self.proof = proof
        self.attempts = attempts
    }
}

/// The story of a mail, as `tprtctl why` tells it.
public struct PageStory: Sendable, Equatable {
    /// What became of a mail.
    public enum Outcome: Sendable, Equatable {
        /// It waits; a retry passes from that time on.
        case waiting(mayPassFrom: Int64)
        /// It passed, that many seconds after its first attempt; 0 where it didn't wait.
        case passed(at: Int64, wait: Int64)
        /// It was not tried again in time.
        case neverCameBack
    }

    /// From whom; empty for bounces.
    public var sender: String
    /// To whom.
    public var recipient: String
    /// What became of it.
    public var outcome: Outcome
    /// What was decided, in the order of time.
    public var attempts: [PageAttempt]
    /// How many decisions there were, these included.
    public var totalAttempts: Int
    /// What explains it: whole sentences.
    public var sentences: [String]
    /// What to type about it.
    public var commands: [PageCommand]

    /// A story of these attempts.
    public init(
        sender: String, recipient: String, outcome: Outcome, attempts: [PageAttempt], totalAttempts: Int,
        sentences: [String], commands: [PageCommand]
    ) {
        self.sender = sender
        self.recipient = recipient
        self.outcome = outcome
        self.attempts = attempts
        self.totalAttempts = max(totalAttempts, attempts.count)
        self.sentences = sentences
        self.commands = commands
    }
}

/// A decision about a mail.
public struct PageAttempt: Sendable, Equatable {
    /// When.
    public var time: Int64
    /// Whether the mail was deferred.
    public var isDeferral: Bool
    /// Why, in the log's words.
    public var reason: String
    /// What the log says beside it, such as `entry=…` or `12s missing`; empty for nothing.
    public var detail: String
    /// The client's name; empty where it has none.
    public var clientName: String
    /// Its address or network.
    public var clientAddress: String
    /// The organisation it was known by; empty where that was its network alone.
    public var organisation: String
    /// What told so, in the log's word; empty where nobody asked.
    public var proof: String

    /// A decision like this.
    public init(
        time: Int64, isDeferral: Bool, reason: String, detail: String = "", clientName: String, clientAddress: String,
        organisation: String = "", proof: String = ""
    ) {
        self.time = time
        self.isDeferral = isDeferral
        self.reason = reason
        self.detail = detail
        self.clientName = clientName
        self.clientAddress = clientAddress
        self.organisation = organisation
        self.proof = proof
    }
}

/// A command that an administrator may copy.
public struct PageCommand: Sendable, Equatable {
    /// What it does: a few words, such as `Let the next attempt pass`.
    public var purpose: String
    /// The command, quoted as a shell takes it.
    public var text: String

    /// A command for that purpose.
    ///
    /// - Parameter text: quoted already, and printable
    public init(_ purpose: String, text: String) {
        self.purpose = purpose
        self.text = text
    }

    /// A command of these words, which may be anything.
    ///
    /// What a sender wrote may begin with `-`: there should be `--` before it.
    public init(_ purpose: String, _ words: [String]) {
        self.init(purpose, text: words.map(Self.shellWord).joined(separator: " "))
    }
}

/// An organisation that earned the fast lane.
public struct PageIdentity: Sendable, Equatable {
    /// Its name.
    public var organisation: String
    /// When it had earned it.
    public var earnedAt: Int64
    /// By what, such as `mail accepted on 4 days, by 2 recipients`.
    public var merit: String

    /// An organisation that earned it then, by that.
    public init(organisation: String, earnedAt: Int64, merit: String) {
        self.organisation = organisation
        self.earnedAt = earnedAt
        self.merit = merit
    }
}
