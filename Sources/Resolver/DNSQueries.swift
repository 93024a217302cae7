import NIOCore
import SPF

/// The questions that are with libunbound: each once, in a bounded number, each with a deadline.
///
/// A pure machine: it asks nobody and reads no clock.
///
/// - `Waiter`: who waits for an answer
struct DNSQueries<Waiter> {
    /// What becomes of a question.
    enum Admission: Equatable {
        /// It is under way.
        case waits
        /// It has to be sent under this number.
        case send(UInt64)
        /// It isn't asked: too many are, or the DNS is down.
        case refused(Refusal)
    }

    enum Refusal { case tooMany, down }

    private struct Query {
        let question: DNSQuestion
        let deadline: NIODeadline
        var waiters: [Waiter]
    }

    private let limit: Int
    private var queries: [UInt64: Query] = [:]
    private var numbers: [DNSQuestion: UInt64] = [:]
    private var next: UInt64 = 0
    private(set) var outage = OutageDetector()

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { queries.count }

    /// When the first of them is late.
    var nextDeadline: NIODeadline? { queries.values.lazy.map(\.deadline).min() }

    /// Takes a question, which is late after `timeout`.
    mutating func ask(
        _ question: DNSQuestion, for waiter: Waiter, at now: NIODeadline, timeout: TimeAmount
    ) -> Admission {
        if let number = numbers[question] {
            queries[number]?.waiters.append(waiter)
            return .waits
        }
        guard queries.count < limit else { return .refused(.tooMany) }
        guard outage.admits(at: now) else { return .refused(.down) }
        next += 1
        numbers[question] = next
        queries[next] = Query(question: question, deadline: now + timeout, waiters: [waiter])
        return .send(next)
    }

    /// Ends a question that was answered; returns it, who waits, and what that changes.
    mutating func answer(
        _ number: UInt64, isError: Bool, at now: NIODeadline
    ) -> (question: DNSQuestion, waiters: [Waiter], change: OutageDetector.Change)? {
        guard let query = remove(number) else { return nil }
        return (query.question, query.waiters, outage.noteAnswer(isError: isError, at: now))
    }

    /// Ends the questions that are late; says what that changes.
    mutating func expire(
        at now: NIODeadline
    ) -> (late: [(number: UInt64, question: DNSQuestion, waiters: [Waiter])], change: OutageDetector.Change) {
        var late: [(number: UInt64, question: DNSQuestion, waiters: [Waiter])] = []
        var change = OutageDetector.Change.none
        for number in queries.keys.sorted() {
            guard let query = queries[number], query.deadline <= now else { continue }
            _ = remove(number)
            late.append((number, query.question, query.waiters))
            // Those that are late together with the fifth change nothing more.
            let next = outage.noteTimeout(at: now)
            if change != .down { change = next }
        }
        return (late, change)
    }

    /// Ends all questions; returns who waits for them.
    mutating func abandon() -> [(question: DNSQuestion, waiters: [Waiter])] {
        let abandoned = queries.keys.sorted().compactMap { queries[$0] }
        (queries, numbers) = ([:], [:])
        return abandoned.map { ($0.question, $0.waiters) }
    }

    /// Forgets what is known of the servers; no question may be under way.
    mutating func forgetServers() {
        outage = OutageDetector()
    }

    private mutating func remove(_ number: UInt64) -> Query? {
        guard let query = queries.removeValue(forKey: number) else { return nil }
        numbers[query.question] = nil
        return query
    }
}
