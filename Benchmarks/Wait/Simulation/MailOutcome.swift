/// What became of a mail.
package struct MailOutcome: Sendable, Equatable {
    /// When a mail was accepted.
    package struct Acceptance: Sendable, Equatable {
        /// At which attempt.
        package let attempts: Int
        /// How long after the first one, in seconds.
        package let seconds: Int64
    }

    /// The first attempt that was late enough: the delay less its leeway after the first one.
    package struct DueAttempt: Sendable, Equatable {
        /// Whether it passed.
        package let passed: Bool
        /// What it has in common with earlier attempts.
        package let identity: CommonIdentity
        /// Why it didn't pass; nil where it did.
        package let miss: Miss?
    }

    /// What an attempt that was late enough has in common with earlier ones beside the network.
    package enum CommonIdentity: String, Sendable, CaseIterable {
        /// N or O, the same one, of an attempt that was long enough ago, or was recognised as a retry of such a one.
        case same = "the same N or O at both"
        /// N or O at one of them only, or not the same.
        case one = "N or O at one of them only"
        /// Neither of them.
        case none = "neither N nor O"
    }

    /// Why an attempt that was late enough didn't pass.
    package enum Miss: String, Sendable, CaseIterable {
        /// It came from another network, and nothing else is known of the sender.
        case noIdentity = "neither names nor an SPF record, and another network"
        /// The host doesn't tell, and the DNS answered at no attempt that was long enough ago.
        case noAnswerBefore = "no N in common, and the DNS silent at the first attempt"
        /// The host doesn't tell, and the DNS didn't answer in time.
        case noAnswerAtRetry = "no N in common, and the DNS late or silent at the retry"
        /// The host is known, but with another sender address.
        case otherSender = "another sender address, and no SPF record"
    }

    /// What isn't as the design says.
    package enum Deviation: Sendable, Equatable {
        /// The attempt passed without a key that was known for long enough.
        case passed(attempt: Int)
        /// The attempt was deferred, though a key of it was known for long enough.
        case deferred(attempt: Int)
    }

    /// The kind of its sender.
    package let kind: SenderKind
    /// The schedule of its sender.
    package let schedule: String
    /// When TPRT accepted it; nil: never.
    package internal(set) var tprt: Acceptance?
    /// When postgrey did.
    package internal(set) var postgrey: Acceptance?
    /// The first attempt that was late enough; nil where there was none.
    package internal(set) var due: DueAttempt?
    /// The last attempt of which TPRT said something else than the design.
    package internal(set) var deviation: Deviation?

    init(kind: SenderKind, schedule: String) {
        (self.kind, self.schedule) = (kind, schedule)
    }
}
