import Engine
import GRDB

/// A case to which an attempt may belong: one of the same sender and recipient.
struct CandidateCase {
    var id: Int64
    var sender: String
    var recipient: String
    var organisation: String
    var networks: SeenTexts
    var names: SeenTexts
    var firstAttempt: Int64
    var lastAttempt: Int64
    var attempts: Int64
    var deferrals: Int64
    var mayPassAt: Int64?
    var passedAt: Int64?
    var proof: ClientIdentity.Proof?

    /// How many are looked at, the newest first; only a flood makes more of one sender and recipient.
    static let limit = 64

    static let columns = """
        id, sender, recipient, organisation, network, networks, names, first_attempt, last_attempt, attempts,
        deferrals, may_pass_at, passed_at, proof
        """

    /// One of a row with these columns.
    init(_ row: Row) {
        id = row[0]
        sender = row[1]
        recipient = row[2]
        organisation = row[3]
        networks = SeenTexts(json: row[5], first: row[4])
        names = SeenTexts(json: row[6], first: "")
        firstAttempt = row[7]
        lastAttempt = row[8]
        attempts = row[9]
        deferrals = row[10]
        mayPassAt = row[11]
        passedAt = row[12]
        proof = (row[13] as String?).flatMap(ClientIdentity.Proof.init(word:))
    }
}

/// What is known of an attempt when its case is looked for.
struct AttemptFacts {
    var time: Int64
    var reason: ReasonCode
    var isDeferral: Bool
    var delay: Int64?
    var organisation: String
    var network: String
}

extension [CandidateCase] {
    /// The position of the case that an attempt belongs to; nil where it begins one.
    ///
    /// Greylisting has no name for a case. What it says of the time of the first attempt tells most; then comes the
    /// organisation, then the network. One that passed is taken up by what passes once more, and one that waits by what
    /// passes or waits again, unless greylisting began from scratch.
    func position(of attempt: AttemptFacts) -> Int? {
        if let delay = attempt.delay {
            let first = attempt.time - delay
            // Both moments are cut to whole seconds.
            if let exact = firstIndex(where: { abs($0.firstAttempt - first) <= 1 }) { return exact }
            // Greylisting counts from a later attempt where it had no room for the first one.
            return newest(of: attempt) { $0.passedAt == nil && $0.lastAttempt >= first - 1 }
        }
        switch attempt.reason {
        case .new: return newest(of: attempt) { $0.isRecentlyWaiting(at: attempt.time) && $0.mayPassAt == nil }
        case .known:
            // That it waits is wrong then: its pass wasn't recorded.
            return newest(of: attempt) { $0.passedAt != nil }
                ?? newest(of: attempt) { $0.isRecentlyWaiting(at: attempt.time) }
        case _ where attempt.isDeferral: return newest(of: attempt) { $0.isRecentlyWaiting(at: attempt.time) }
        default: return newest(of: attempt) { $0.passedAt != nil || $0.isRecentlyWaiting(at: attempt.time) }
        }
    }

    /// The newest one of the same organisation, else of the same network.
    private func newest(of attempt: AttemptFacts, where isFit: (CandidateCase) -> Bool) -> Int? {
        let isOrganisation = !attempt.organisation.isEmpty
        return
            (isOrganisation ? firstIndex { $0.organisation == attempt.organisation && isFit($0) } : nil)
            ?? firstIndex { $0.networks.contains(attempt.network) && isFit($0) }
    }
}

extension CandidateCase {
    /// How long a server may be silent and still try the same mail again: a day, more than any leaves between two tries.
    private static let longestPause: Int64 = 86_400

    /// Whether it waits, and its mail may be the one that is tried now.
    fileprivate func isRecentlyWaiting(at time: Int64) -> Bool {
        passedAt == nil && abs(time - lastAttempt) <= Self.longestPause
    }
}

extension ClientIdentity.Proof {
    /// The proof of a word; nil where it isn't one.
    init?(word: String) {
        guard let proof = Self.allCases.first(where: { "\($0.word)" == word }) else { return nil }
        self = proof
    }
}

extension ClientIdentity.MatchedKey {
    /// The key of a letter; nil where it isn't one.
    init?(word: String) {
        guard let key = Self.allCases.first(where: { "\($0.word)" == word }) else { return nil }
        self = key
    }
}
