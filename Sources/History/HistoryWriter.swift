public import Engine
import GRDB
public import Greylist
import Storage

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
    /// Rows that were removed since they were too old, or too many.
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
    /// Whether more is to be removed: then ``tidy(at:)`` is to be called soon.
    public var isBehind: Bool { retention.isBehind || isShrinking }

    /// How many slices are removed before a transaction, at most.
    private static let mostSlices = 16

    private let patience: Double
    private var bounds: SizeBounds
    private var file: HistoryFile?
    /// By the key of what is new, and by those of what was recorded before.
    private var digests: [MailDigests] = []
    private var retention = Retention()
    private var isShrinking = false
    /// Why nothing can be written, and how many decisions were dropped since.
    private var failure: (code: HistoryError.Code, dropped: Int)?
    /// When a damaged file was quarantined last: a disk that damages each new one gets no second one within the hour.
    private var lastQuarantine: Timestamp?

    /// Opens a history, and makes it where there is none.
    ///
    /// A damaged file is quarantined. Throws where it can't be used: without it the daemon goes on.
    ///
    /// - Parameter patience: how many seconds a call waits for another program's lock
    public init(_ options: HistoryOptions, at now: Timestamp, patience: Double = 1) throws(HistoryError) {
        self.options = options
        self.patience = patience
        bounds = SizeBounds(maxSize: options.maxSize)
        do throws(HistoryError) {
            try open()
        } catch {
            guard error.code == .damaged else { throw error }
            openingNotice = .quarantined(error, newName: try HistoryFile.quarantine(options.path, at: now))
            lastQuarantine = now
            try open()
        }
    }

    /// Goes on under other options, but for the path.
    public mutating func change(to options: HistoryOptions) {
        var options = options
        options.path = self.options.path
        self.options = options
        bounds = SizeBounds(maxSize: options.maxSize)
        // Where that fails now, so does the next call, which says so.
        try? prepare()
    }

    /// Records decisions.
    ///
    /// - Parameters:
    ///   - dropped: how many found no room on their way here
    ///   - now: the time as the caller believes it, by which what is too old is removed
    /// - Returns: what the log has to say; nil where nothing has changed
    public mutating func write(_ batch: DecisionBatch, dropped: Int, at now: Timestamp) -> HistoryNotice? {
        counts.dropped += dropped
        // Several event loops made them; the order of time is that of the file.
        let order = batch.decisions.indices.sorted {
            (batch.decisions[$0].time, $0) < (batch.decisions[$1].time, $1)
        }
        var position = 0
        let notice = attempt(at: now) { writer throws(HistoryError) in
            while position < order.count { try writer.record(batch, order, &position, at: now) }
            try writer.tidyOnce(at: now)
            return position > 0
        }
        if position < order.count {
            counts.dropped += order.count - position
            failure?.dropped += order.count - position
        }
        return notice
    }

    /// Records how many decisions there were in a minute; those of the same minute are added up.
    ///
    /// - Parameters:
    ///   - passes: by reason, in the order of `ReasonCode`
    ///   - deferrals: likewise
    ///   - now: the time as the caller believes it
    public mutating func record(
        minute: Timestamp, passes: [Int], deferrals: [Int], at now: Timestamp
    ) -> HistoryNotice? {
        attempt(at: now) { writer throws(HistoryError) in
            let count = writer.counts.minutes
            try writer.record(minute.seconds - minute.seconds.remainder60, passes, deferrals, at: now)
            return writer.counts.minutes > count
        }
    }

    /// Removes a slice of what is too old or too much; to be called about every minute when nothing is written.
    ///
    /// - Returns: what the log has to say
    public mutating func tidy(at now: Timestamp) -> HistoryNotice? {
        attempt(at: now) { writer throws(HistoryError) in
            try writer.tidyOnce(at: now)
            return false
        }
    }

    /// Closes the file; what is written ahead of it gets into it.
    public mutating func close() {
        file?.close()
        file = nil
    }
}

extension HistoryWriter {
    private mutating func open() throws(HistoryError) {
        file?.close()
        file = nil
        file = try HistoryFile(path: options.path, bounds: bounds, patience: patience)
        do throws(HistoryError) {
            try prepare()
        } catch {
            file?.close()
            file = nil
            throw error
        }
    }

    /// Makes the digests, and notes what readers have to know.
    private mutating func prepare() throws(HistoryError) {
        let (options, bounds) = (options, bounds)
        let settings = try withQueue { queue in
            try HistoryFile.limit(queue, to: bounds)
            return try queue.write { database in try HistorySettings.write(options, to: database) }
        }
        digests = settings.digestKeys(options.siteKeys).map { key in
            MailDigests(key: key, masks: options.masks, foldsRecipient: options.foldsRecipient)
        }
    }

    /// Does something with the file; says what has changed by it, and repairs what can be.
    ///
    /// - Parameter body: returns whether it has written anything, which shows that that can be done
    private mutating func attempt(
        at now: Timestamp, _ body: (inout HistoryWriter) throws(HistoryError) -> Bool
    ) -> HistoryNotice? {
        var notice: HistoryNotice?
        do throws(HistoryError) {
            if let file, !file.isInPlace {
                notice = .replaced
                try open()
            } else if file == nil {
                try open()
            }
            let hasWritten = try body(&self)
            note()
            guard hasWritten else { return notice }
        } catch {
            return repair(error, at: now)
        }
        if let failure {
            self.failure = nil
            return .recovered(dropped: failure.dropped)
        }
        return notice
    }

    private mutating func repair(_ error: HistoryError, at now: Timestamp) -> HistoryNotice? {
        if error.code == .damaged, lastQuarantine.map({ now.since($0) >= 3_600 }) ?? true {
            file?.close()
            file = nil
            do throws(HistoryError) {
                let name = try HistoryFile.quarantine(options.path, at: now)
                lastQuarantine = now
                try open()
                failure = nil
                return .quarantined(error, newName: name)
            } catch {
                return fail(error)
            }
        }
        return fail(error)
    }

    private mutating func fail(_ error: HistoryError) -> HistoryNotice? {
        guard failure?.code != error.code else { return nil }
        failure = (error.code, failure?.dropped ?? 0)
        return .failing(error)
    }

    private func withQueue<Result>(
        _ body: (DatabaseQueue) throws -> Result
    ) throws(HistoryError) -> Result {
        guard let file else { throw HistoryError(.failed, options.path, "not open") }
        do { return try body(file.queue) } catch { throw HistoryError(error, options.path) }
    }

    private mutating func note() {
        counts.removed += retention.removed
        retention.removed = 0
        counts.bytes = HistoryFile.bytes(of: options.path)
    }

    /// Records decisions in one transaction, as many as one may have; `position` is that of the next one.
    private mutating func record(
        _ batch: DecisionBatch, _ order: [Int], _ position: inout Int, at now: Timestamp
    ) throws(HistoryError) {
        try makeRoom(at: now)
        let (kept, digests, bounds, start) = (options.addresses, digests, bounds, position)
        let (recorder, end) = try withQueue { queue in
            var (recorder, end): (DecisionRecorder?, Int) = (nil, start)
            try queue.inTransaction(.immediate) { database in
                var current = try DecisionRecorder(database, keeping: kept, digests: digests)
                while end < order.count, end - start < bounds.rows, current.textBytes < bounds.textBytes {
                    try current.record(batch.decisions[order[end]], of: batch)
                    end += 1
                }
                recorder = current
                return .commit
            }
            return (recorder, end)
        }
        position = end
        counts.cases += recorder?.cases ?? 0
        counts.attempts += recorder?.attempts ?? 0
    }

    private mutating func record(
        _ minute: Int64, _ passes: [Int], _ deferrals: [Int], at now: Timestamp
    ) throws(HistoryError) {
        try makeRoom(at: now)
        counts.minutes += try withQueue { queue in
            var count = 0
            try queue.inTransaction(.immediate) { database in
                let add = try database.cachedStatement(
                    sql: """
                        INSERT INTO minutes (minute, action, reason, first_pass, count) VALUES (?, ?, ?, ?, ?)
                        ON CONFLICT DO UPDATE SET count = count + excluded.count
                        """)
                for code in ReasonCode.allCases {
                    for (action, numbers) in [("pass", passes), ("greylist", deferrals)] {
                        let index = Int(code.rawValue)
                        guard index < numbers.count, numbers[index] > 0 else { continue }
                        try add.execute(arguments: [minute, action, code.word, code.isFirstPass, numbers[index]])
                        count += 1
                    }
                }
                return .commit
            }
            return count
        }
    }

    /// Sees to it that a transaction finds room, in the file and ahead of it.
    private mutating func makeRoom(at now: Timestamp) throws(HistoryError) {
        // What had to be removed at once where the size was lowered is left to the calls that follow.
        for _ in 0..<Self.mostSlices {
            try limitWAL()
            var retention = retention
            let bounds = bounds
            defer { self.retention = retention }
            guard try withQueue({ queue in try retention.makeRoom(queue, at: now.seconds, bounds) }) else { return }
        }
        try limitWAL()
    }

    /// Brings what is written ahead into the file where it has become too much; throws where a reader prevents that.
    private func limitWAL() throws(HistoryError) {
        guard let file, file.walBytes > bounds.walBytes else { return }
        do throws(HistoryError) {
            _ = try withQueue { queue in try queue.writeWithoutTransaction { try $0.checkpoint(.truncate) } }
        } catch {
            guard error.code == .locked else { throw error }
            throw HistoryError(
                .heldByReader, options.path,
                "another program has been reading it for too long; nothing is recorded until it ends")
        }
    }

    private mutating func tidyOnce(at now: Timestamp) throws(HistoryError) {
        try makeRoom(at: now)
        var retention = retention
        let (bounds, maxAge) = (bounds, options.maxAge)
        defer { self.retention = retention }
        isShrinking = try withQueue { queue in
            try retention.removeOld(queue, maxAge: maxAge, at: now.seconds, bounds)
            return try retention.shrink(queue, bounds)
        }
    }
}

extension Int64 {
    /// What is beyond the last whole minute.
    fileprivate var remainder60: Int64 { (self % 60 + 60) % 60 }
}
