import GRDB

/// Removes what is too old, or too much, slice by slice.
///
/// Each slice is a transaction of a bounded number of rows.
struct Retention: Sendable {
    /// How much older than before what is removed may be after a pass, in seconds.
    ///
    /// A clock that is a year ahead for some minutes costs no more than so much of the history for each of them; after a
    /// pause of two weeks it takes six hours until all is removed that is too old.
    static let longestStep: Int64 = 3_600
    /// How long after a pass the next one begins, in seconds of the believed clock.
    static let interval: Int64 = 60
    /// What is later than now by more than so many seconds was written by a clock that was wrong.
    static let future: Int64 = 86_400

    /// What was removed last is older than this; nil before the first pass.
    private var cutoff: Int64?
    private var lastPass: Int64?
    /// Whether there is more to remove than a call did.
    private(set) var isBehind = false
    /// How many rows were removed, since that was asked last.
    var removed = 0

    /// Removes a slice of what is older than it may be.
    mutating func removeOld(_ queue: DatabaseQueue, maxAge: Int64, at now: Int64, _ bounds: SizeBounds) throws {
        if !isBehind {
            if let lastPass, (lastPass..<lastPass + Self.interval).contains(now) { return }
            let oldest = try queue.read { try Self.oldest($0) }
            lastPass = now
            guard let oldest, oldest < now - maxAge else {
                cutoff = nil
                return
            }
            let (next, hasOverflow) = max(cutoff ?? oldest, oldest).addingReportingOverflow(Self.longestStep)
            cutoff = min(now - maxAge, hasOverflow ? .max : next)
        }
        guard let cutoff else { return }
        let count = try remove(queue, .before(cutoff), limit: bounds.rows)
        isBehind = count >= bounds.rows
    }

    /// Removes a slice of the oldest, unless there is room for a transaction, or nothing left.
    ///
    /// - Returns: whether it removed anything
    mutating func makeRoom(_ queue: DatabaseQueue, at now: Int64, _ bounds: SizeBounds) throws -> Bool {
        let (pages, free) = try Self.pages(queue)
        guard bounds.filePages - pages + free < bounds.freePages else { return false }
        // Where few rows fill the file, a slice of as many as usual would be nearly all of them.
        let part = try queue.read { database in
            try Int.fetchOne(database.cachedStatement(sql: "SELECT max(id) - min(id) FROM attempts")) ?? 0
        }
        let limit = max(1, min(bounds.rows, part / 16))
        let last = try queue.read { database in try Self.last(of: limit, at: now, database) }
        guard let last else { return false }
        let count =
            last.isFuture
            ? try remove(queue, .after(now + Self.future), limit: limit)
            : try remove(queue, .before(last.time + 1), limit: limit)
        return count > 0
    }

    /// Gives pages that nothing needs back to the system, a slice of them.
    func shrink(_ queue: DatabaseQueue, _ bounds: SizeBounds) throws -> Bool {
        let (pages, free) = try Self.pages(queue)
        let isTooLarge = pages > bounds.filePages && free > 0
        guard isTooLarge || free > max(pages / 2, bounds.freePages) else { return false }
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA incremental_vacuum(\(bounds.rows * 4))") }
        return true
    }

    /// How many pages the file has, and how many of them are free.
    static func pages(_ queue: DatabaseQueue) throws -> (all: Int, free: Int) {
        try queue.inDatabase { database in
            let all = try Int.fetchOne(database.cachedStatement(sql: "PRAGMA page_count"))
            let free = try Int.fetchOne(database.cachedStatement(sql: "PRAGMA freelist_count"))
            return (all ?? 0, free ?? 0)
        }
    }

    private static func oldest(_ database: Database) throws -> Int64? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT min(
                    ifnull((SELECT min(time) FROM attempts), 9223372036854775807),
                    ifnull((SELECT min(minute) FROM minutes), 9223372036854775807))
                """)
        return try Int64.fetchOne(statement).flatMap { $0 == .max ? nil : $0 }
    }

    /// The last moment of the oldest rows, so many of them; of minutes where there is no attempt left.
    private static func last(
        of rows: Int, at now: Int64, _ database: Database
    ) throws -> (time: Int64, isFuture: Bool)? {
        for (table, column) in [("attempts", "time"), ("minutes", "minute")] {
            let newest = try Int64.fetchOne(database.cachedStatement(sql: "SELECT max(\(column)) FROM \(table)"))
            guard let newest else { continue }
            if newest > now + future { return (newest, true) }
            let last = try Int64.fetchOne(
                database.cachedStatement(
                    sql: "SELECT \(column) FROM \(table) ORDER BY \(column) LIMIT 1 OFFSET \(rows)"))
            return (last ?? newest, false)
        }
        return nil
    }

    /// Removes attempts and minutes of then, and the cases of which no attempt is left.
    ///
    /// - Returns: how many of the rows that the limit is for
    private mutating func remove(_ queue: DatabaseQueue, _ range: TimeRange, limit: Int) throws -> Int {
        var (left, cases) = (limit, 0)
        try queue.inTransaction(.immediate) { database in
            let find = try database.cachedStatement(
                sql: "SELECT id, case_id FROM attempts WHERE time \(range.order("time")) LIMIT ?")
            let removeAttempt = try database.cachedStatement(sql: "DELETE FROM attempts WHERE id = ?")
            let removeCase = try database.cachedStatement(
                sql: "DELETE FROM cases WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM attempts WHERE case_id = ?1)")
            for row in try Row.fetchAll(find, arguments: [range.bound, left]) {
                try removeAttempt.execute(arguments: [row[0]])
                try removeCase.execute(arguments: [row[1]])
                cases += database.changesCount
                left -= 1
            }
            let findMinutes = try database.cachedStatement(
                sql: "SELECT DISTINCT minute FROM minutes WHERE minute \(range.order("minute")) LIMIT ?")
            let removeMinute = try database.cachedStatement(sql: "DELETE FROM minutes WHERE minute = ?")
            for minute in try Int64.fetchAll(findMinutes, arguments: [range.bound, max(0, left)]) where left > 0 {
                try removeMinute.execute(arguments: [minute])
                left -= database.changesCount
            }
            return .commit
        }
        let count = limit - max(0, left)
        removed += count + cases
        return count
    }
}

/// A part of the time that begins or ends somewhere.
private enum TimeRange {
    case before(Int64)
    case after(Int64)

    var bound: Int64 {
        switch self {
        case .before(let bound), .after(let bound): bound
        }
    }

    /// What follows the name of a column, to find its rows in the order in which they go.
    func order(_ column: String) -> String {
        switch self {
        case .before: "< ? ORDER BY \(column)"
        case .after: "> ? ORDER BY \(column) DESC"
        }
    }
}
