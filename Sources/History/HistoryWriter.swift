public import Engine
public import Greylist

/// What a writer has to tell: a change for the better or worse, told once.
public enum HistoryNotice: Sendable, Equatable {
    /// It can't write; what comes is counted as dropped until it can.
    case failing(HistoryError)
    /// It writes again, after so many decisions were dropped.
    case recovered(dropped: Int)
    /// The file was damaged: it goes on under that name, and a new one was begun.
    case quarantined(HistoryError, newName: String)
    /// The file was removed or replaced: a new one was begun, or the other one is used.
    case replaced
}

/// What a writer has done, for metrics.
public struct HistoryCounts: Sendable, Equatable {
    /// Cases that were begun.
    public var cases = 0
    /// Decisions that were recorded, each or by a daily count.
    public var attempts = 0
    /// Counts of minutes that were recorded.
    public var minutes = 0
    /// Decisions that weren't recorded: the queue was full, or the file couldn't be written.
    public var dropped = 0
    /// Cases and attempts that were removed since they were too old, or too many.
    public var removed = 0
    /// How many bytes the file has, with what is written ahead of it.
    public var bytes = 0

    /// None yet.
    public init() {}
}

/// Writes a history.
///
/// Its calls block on the disk: it belongs to one thread or task that isn't an event loop's. It never fails for good: what
/// can't be written is counted as dropped, and the next call tries again.
public struct HistoryWriter: Sendable {
    /// What it has done so far.
    public private(set) var counts = HistoryCounts()
    /// What it writes, and where.
    public private(set) var options: HistoryOptions
    /// What was found when it was opened; nil where all was well.
    public private(set) var openingNotice: HistoryNotice?

    /// Opens a history, and makes it where there is none.
    ///
    /// A damaged file is quarantined. Throws where it can't be used: without it the daemon goes on.
    public init(_ options: HistoryOptions, at now: Timestamp) throws(HistoryError) {
        self.options = options
    }

    /// Goes on under other options, but for the path.
    public mutating func change(to options: HistoryOptions) {
        self.options = options
    }

    /// Records decisions.
    ///
    /// - Parameters:
    ///   - dropped: how many found no room on their way here
    ///   - now: the time as the caller believes it, by which what is too old is removed
    /// - Returns: what the log has to say; nil where nothing has changed
    public mutating func write(_ batch: DecisionBatch, dropped: Int, at now: Timestamp) -> HistoryNotice? { nil }

    /// Records how many decisions there were in a minute; those of the same minute are added up.
    ///
    /// - Parameters:
    ///   - passes: by reason, in the order of `ReasonCode`
    ///   - deferrals: likewise
    public mutating func record(minute: Timestamp, passes: [Int], deferrals: [Int]) -> HistoryNotice? { nil }

    /// Removes a slice of what is too old or too much; to be called about every minute when nothing is written.
    ///
    /// - Returns: what the log has to say
    public mutating func tidy(at now: Timestamp) -> HistoryNotice? { nil }

    /// Closes the file; what is written ahead of it gets into it.
    public mutating func close() {}
}
