import Engine
import History

/// What the DNS has said of senders, by what a history has: a proof isn't recorded for mail that passed without one.
///
/// Bounded; where it is full everything is forgotten.
struct ProofMemory {
    private static let limit = 200_000

    /// Whether the organisation of a sender's domain is proven, by the client's address and that domain.
    private var proofs: [Int: Bool] = [:]

    /// What is known of an attempt's sender; nil where that is nothing.
    mutating func proof(of attempt: HistoryAttempt) -> Bool? {
        let domain =
            attempt.sender.utf8.lastIndex(of: UInt8(ascii: "@"))
            .map { attempt.sender[attempt.sender.utf8.index(after: $0)...] } ?? attempt.helo[...]
        var hasher = Hasher()
        hasher.combine(attempt.clientAddress)
        hasher.combine(domain)
        let key = hasher.finalize()
        let found: Bool
        if attempt.proof == .spf {
            found = true
        } else if attempt.dnsMilliseconds != nil {
            found = false
        } else {
            return proofs[key]
        }
        if proofs.count >= Self.limit { proofs.removeAll(keepingCapacity: true) }
        proofs[key] = found
        return found
    }
}
