import GRDB
public import Greylist
import Storage

/// The recorded attempts, one after the other.
extension HistoryReader {
    /// Goes through the attempts in the order of time.
    ///
    /// What is written meanwhile may be seen or not; nothing is locked in between.
    ///
    /// - Parameter body: gets each; false ends it
    public func replay(
        since: Timestamp?, _ body: (ReplayedAttempt) -> Bool
    ) throws(HistoryError) {
        var (time, id) = (since?.seconds ?? .min, Int64.min)
        while true {
            let slice = try look { database in try Slice(database, after: time, id) }
            for attempt in slice.attempts where !body(attempt) { return }
            guard let last = slice.last else { return }
            (time, id) = last
        }
    }

}

/// Some of the attempts.
private struct Slice {
    /// How many are read at a time: between two slices nothing is locked.
    private static let size = 5_000

    private(set) var attempts: [ReplayedAttempt] = []
    /// The time and the number of the last one; nil where there are no more.
    private(set) var last: (Int64, Int64)?

    /// Those after that time and number.
    init(_ database: Database, after time: Int64, _ id: Int64) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT \(HistoryAttempt.columns), cases.sender_key, cases.recipient_key
                FROM attempts INDEXED BY attempts_by_time CROSS JOIN cases ON cases.id = attempts.case_id
                WHERE (attempts.time, attempts.id) > (?, ?) ORDER BY attempts.time, attempts.id LIMIT \(Self.size)
                """, arguments: [time, id])
        var count = 0
        while let row = try rows.next() {
            count += 1
            last = (row[2], row[0])
            guard var attempt = HistoryAttempt(row) else { continue }
            let sender = Self.wholeAddress(attempt.sender, row[21])
            let recipient = Self.wholeAddress(attempt.recipient, row[22])
            let isKept = sender == attempt.sender && recipient == attempt.recipient
            (attempt.sender, attempt.recipient) = (sender, recipient)
            attempts.append(ReplayedAttempt(attempt: attempt, hasAddresses: isKept))
        }
        if count < Self.size { last = nil }
    }

    /// The address; where it isn't kept, one that is the same for each of its mails and no other's.
    private static func wholeAddress(_ text: String, _ key: Int64) -> String {
        if text.hasPrefix("@") { return key.digestText + text }
        return text == key.digestText ? text + "@hashed.invalid" : text
    }
}
