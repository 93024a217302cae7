/// What Postfix is told: an action of access(5).
public enum PolicyReply: Sendable, Equatable {
    /// On to the next restriction: neither for nor against the mail.
    case dunno
    /// A verb and its text, such as `DEFER_IF_PERMIT Greylisted`. Must not be empty.
    case action([UInt8])
}
