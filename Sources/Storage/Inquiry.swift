public import Greylist

/// The two tables of a store.
public enum Table: Int, Sendable, CaseIterable {
    /// Entries of triplets.
    case greylist
    /// Entries of clients, counted for the auto-whitelist.
    case autoWhitelist
}

/// What one request wants of the store: to be judged by what is known under its keys, in one atomic step.
public struct Inquiry: Sendable {
    /// What is asked.
    public enum Question: Sendable {
        /// The verdict on a message, by both tables.
        case message
        /// Only whether the client is on the auto-whitelist: the verdict is then `autoWhitelisted`, else `new`.
        case client
        /// No verdict: the client has passed once more.
        case pass
    }

    /// What is asked.
    public var question: Question
    /// The triplet's key.
    public var triplet: Key
    /// The client's key; nil while the auto-whitelist is off.
    public var client: Key?
    /// The moment of the request.
    public var time: Timestamp
    /// The rules that hold for it.
    public var rules: Rules
    /// What the store found; nil until it has answered.
    public var judgement: Judgement?

    /// An inquiry that is still open.
    public init(_ question: Question = .message, triplet: Key, client: Key?, time: Timestamp, rules: Rules) {
        self.question = question
        self.triplet = triplet
        self.client = client
        self.time = time
        self.rules = rules
    }

    /// Whether the triplet's entry is wanted.
    public var asksForTriplet: Bool { question == .message }

    /// Judges by what is known, keeps the judgement, and returns what is to be written.
    ///
    /// May run more than once.
    public mutating func judge(_ known: Known) -> Known {
        var judgement: Judgement
        switch question {
        case .message:
            judgement = Greylist.judge(known, at: time, under: rules)
        case .client:
            judgement = Greylist.judge(Known(client: known.client), at: time, under: rules)
            judgement.remember.triplet = nil
        case .pass:
            judgement = Judgement(.known, remember: Known(client: countPass(of: known.client, at: time, under: rules)))
        }
        self.judgement = judgement
        return judgement.remember
    }
}
