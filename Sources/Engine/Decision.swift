public import Greylist
public import Policy
public import Storage
public import Whitelists

/// The decision about one request, on its way: what is settled so far, and what is asked of the store.
///
/// A value that `PolicyEngine.decide` begins and `PolicyEngine.finish` ends, whatever became of the store: an answer in time,
/// a failure, a deadline. Nothing is decided a second time.
public struct Decision: Sendable {
    /// The request.
    public let request: PolicyRequest
    /// What is asked of the store.
    public let query: StoreQuery
    /// The whitelist entry that has the mail greylisted in its own way.
    public let entry: Whitelist.Match?

    /// Where a decision is.
    public enum Step: Sendable {
        /// It is made.
        case done(DecisionRecord)
        /// It needs what the store knows; then it goes to `PolicyEngine.finish`.
        case needsStore(Decision)
    }

    /// What the store, or whatever answers in its place, says.
    public enum StoreAnswer: Sendable {
        /// It has judged.
        case judged(Judgement)
        /// It is unavailable, or did not answer in time.
        case unavailable
        /// It can't write: what it knows is as good as ever, and nothing new is remembered.
        case full
    }
}
