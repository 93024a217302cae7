import Engine
import Greylist
import History
import JSONText
import Programs

/// Mail that waits, or that has passed: a case a line.
struct CaseListing {
    private let cases: [HistoryCase]
    private let hasMore: Bool
    private let now: Timestamp
    private let window: Int64
    private let isWaiting: Bool

    /// How many are shown where no number is asked for: a history may have millions.
    private static let usual = 1_000

    /// Mail that may still come back, the oldest first.
    init(waitingIn source: HistorySource, at now: Timestamp, limit: Int?) throws(ProgramError) {
        let window = source.rules.retryWindow
        try self.init(source, now, limit, isWaiting: true) { (reader, limit) throws(HistoryError) in
            try reader.waiting(at: now, window: window, limit: limit)
        }
    }

    /// Mail that has passed, the last one first.
    init(knownIn source: HistorySource, at now: Timestamp, limit: Int?) throws(ProgramError) {
        try self.init(source, now, limit, isWaiting: false) { (reader, limit) throws(HistoryError) in
            try reader.known(limit: limit)
        }
    }

    private init(
        _ source: HistorySource, _ now: Timestamp, _ limit: Int?, isWaiting: Bool,
        _ read: (HistoryReader, Int) throws(HistoryError) -> [HistoryCase]
    ) throws(ProgramError) {
        let limit = limit ?? Self.usual
        let reader = try source.open()
        let found = try HistorySource.read { () throws(HistoryError) in try read(reader, limit + 1) }
        cases = Array(found.prefix(limit))
        hasMore = found.count > limit
        self.now = now
        window = source.rules.retryWindow
        self.isWaiting = isWaiting
    }

    /// Whether there are none.
    var isEmpty: Bool { cases.isEmpty }

    /// A table for people.
    var lines: [String] {
        guard !isEmpty else {
            return [isWaiting ? "no mail is waiting" : "no mail has passed that the history knows of"]
        }
        let head =
            isWaiting
            ? ["first attempt", "may pass from", "sender", "recipient", "client", "attempts"]
            : ["last attempt", "first passed", "reason", "sender", "recipient", "client", "attempts"]
        let table = TextTable(
            head: head, rows: cases.map { isWaiting ? waiting($0) : known($0) }, texts: head.count - 1)
        return table.lines + (hasMore ? ["and more: --limit"] : [])
    }

    private func waiting(_ mail: HistoryCase) -> [String] {
        let promise = mail.mayPassAt.map { $0 > now ? HistoryWords.minute(after: $0, at: now) : "now" }
        return [utcTime(mail.firstAttempt.seconds), promise ?? "not remembered"] + addresses(of: mail)
    }

    private func known(_ mail: HistoryCase) -> [String] {
        [
            utcTime(mail.lastAttempt.seconds), mail.passedAt.map { utcTime($0.seconds) } ?? "-",
            mail.reason.map { "\($0.text)" } ?? "-",
        ] + addresses(of: mail)
    }

    private func addresses(of mail: HistoryCase) -> [String] {
        let client = mail.organisation.isEmpty ? mail.networks.first ?? "" : mail.organisation
        return [
            mail.sender.isEmpty ? "<>" : TextTable.cell(mail.sender), TextTable.cell(mail.recipient),
            TextTable.cell(client), grouped(mail.attempts),
        ]
    }

    /// One JSON object.
    var json: JSONValue {
        .object([
            "cases": .array(cases.map { .object($0.json(at: now, window: window)) }), "more": .bool(hasMore),
        ])
    }
}
