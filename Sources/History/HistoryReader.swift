public import Greylist

/// Reads a history, while the daemon writes it or without a daemon.
///
/// Each call is one look at the file. It blocks, so it isn't for event loops.
public struct HistoryReader: Sendable {
    /// Opens a history for reading only.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - patience: how many seconds to wait for another program's lock
    public init(path: String, patience: Double = 5) throws(HistoryError) {}

    /// What the history is.
    public func status() throws(HistoryError) -> HistoryStatus { throw missing }

    /// The cases of a sender and a recipient with their attempts, the newest case first.
    ///
    /// Addresses are found in any form in which the history keeps them.
    ///
    /// - Parameters:
    ///   - client: an address, or how a name begins; nil for all
    ///   - limit: how many cases at most
    public func story(
        sender: String, recipient: String, client: String? = nil, limit: Int
    ) throws(HistoryError) -> [HistoryStory] { throw missing }

    /// A case with its attempts; nil where there is none of that number.
    public func story(of id: HistoryCase.ID) throws(HistoryError) -> HistoryStory? { throw missing }

    /// Decisions, the newest first; with `afterID` the oldest first.
    public func decisions(_ filter: HistoryFilter) throws(HistoryError) -> [HistoryAttempt] { throw missing }

    /// Cases that may still come back, the oldest first.
    ///
    /// - Parameter window: how many seconds a first attempt is valid
    public func waiting(at now: Timestamp, window: Int64, limit: Int) throws(HistoryError) -> [HistoryCase] {
        throw missing
    }

    /// Cases that have passed, the last used first.
    public func known(
        sender: String? = nil, recipient: String? = nil, limit: Int
    ) throws(HistoryError) -> [HistoryCase] { throw missing }

    /// Cases for a sender's or recipient's address, a domain of senders, an organisation, a client's address or name.
    ///
    /// Domains, organisations, and names are also found by their beginning.
    public func search(_ text: String, limit: Int) throws(HistoryError) -> HistoryMatches { throw missing }

    /// What became of the mail of a time.
    ///
    /// - Parameters:
    ///   - until: before when; also the moment at which cases are waiting, or will never come back
    ///   - window: how many seconds a first attempt is valid
    ///   - top: how many networks and senders are named at most
    public func report(
        since: Timestamp, until: Timestamp, window: Int64, top: Int
    ) throws(HistoryError) -> HistoryReport { throw missing }

    /// Decisions in steps, one for each from `since` to `until`, whether there were any or not.
    ///
    /// - Parameter step: how many seconds, a multiple of 60
    public func minutes(
        since: Timestamp, until: Timestamp, step: Int64
    ) throws(HistoryError) -> [DecisionBucket] { throw missing }

    /// What is told of a time in a line.
    public func summary(
        since: Timestamp, until: Timestamp, window: Int64
    ) throws(HistoryError) -> HistorySummary { throw missing }

    /// Goes through the attempts in the order of time.
    ///
    /// What is written meanwhile may be seen or not; nothing is locked in between.
    ///
    /// - Parameter body: gets each; false ends it
    public func replay(
        since: Timestamp?, _ body: (ReplayedAttempt) -> Bool
    ) throws(HistoryError) { throw missing }

    private var missing: HistoryError { HistoryError(.missing, "", "") }
}
