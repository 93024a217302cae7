public import Greylist
import Policy

/// What became of the recipients of one message so far: later ones of it are judged by that, too.
///
/// Postfix asks about all recipients of a message over one connection, with one `instance`. A sender that had to come back
/// for one recipient of a message may drop it: so what let one pass lets others pass, where it is clear who sends. It belongs to
/// a connection, and is lost with it.
public struct MessageProgress: Sendable {
    /// How many recipients of a message may pass for what another one of it has.
    private static let limit = 10

    /// Which message it is; 0: none.
    private var instance = 0
    /// Whether a recipient has passed by greylisting, and not for another one.
    private var hasPassed = false
    private var isProven = false
    private var carried = 0
    /// When the first attempt was of a recipient that has passed for the first time.
    private var firstAttempt: Timestamp?

    /// No message.
    public init() {}

    /// Goes over to the message of a request, if that is another one.
    mutating func follow(_ request: PolicyRequest) {
        let instance = request.read(.instance) { text in
            if text.isEmpty { return 0 }
            var hasher = Hasher()
            text.withUnsafeBytes { hasher.combine(bytes: $0) }
            return max(1, hasher.finalize() & Int.max)
        }
        if instance == 0 || instance != self.instance {
            self = MessageProgress()
            self.instance = instance
        }
    }

    /// What lets a recipient pass that would have to wait.
    ///
    /// - Parameter identity: who sends to it; what was proven for another recipient counts, too
    func carrying(_ identity: ClientIdentity?) -> Carrying {
        let isProven = isProven || identity?.isProven == true
        return Carrying(passesNew: hasPassed && isProven && carried < Self.limit, firstAttempt: firstAttempt)
    }

    /// Takes note of a decision about a recipient of the message.
    public mutating func note(_ record: DecisionRecord, at now: Timestamp) {
        guard instance != 0, case .judged(let verdict) = record.reason else { return }
        if record.identity?.isProven == true { isProven = true }
        switch verdict {
        case .known, .spared, .released: hasPassed = true
        case .retried(let delay):
            hasPassed = true
            firstAttempt = Timestamp(seconds: now.seconds - delay)
        case .carried: carried += 1
        case .new, .early, .autoWhitelisted, .pendingLimitReached: break
        }
    }
}

extension ClientIdentity {
    /// Whether the sender's organisation is proven.
    var isProven: Bool { proof >= .name }
}
