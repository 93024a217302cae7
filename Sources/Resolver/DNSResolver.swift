public import NIOCore
public import SPF

/// What an event loop wants to know; `then` is called once, on any thread, with how long the answer holds.
public enum ResolverRequest: Sendable {
    /// The answer to a question.
    case look(DNSQuestion, then: @Sendable (DNSAnswer, TimeAmount) -> Void)
    /// Whether a client may send.
    case check(SPFSubject, then: @Sendable (SPFCheck, TimeAmount) -> Void)

    /// Answers as where there is no DNS.
    func refuse() {
        switch self {
        case .look(_, let reply): reply(.temporaryError, .zero)
        case .check(_, let reply): reply(.notAsked(.down), .zero)
        }
    }
}

/// Asks the DNS for all event loops, on a thread of its own, which starts with the first question.
///
/// What is asked has an answer within `ResolverOptions.timeout`, whatever the servers do. Everything is bounded
/// (`ResolverCounts` says what was refused): what is beyond has an answer at once, as if the DNS didn't know.
///
/// After five questions in a row without an answer in time the DNS counts as down: what is asked is answered at once for
/// five seconds, then one question is asked to see whether it is back.
public final class DNSResolver: Sendable {
    private enum Backing {
        case thread(ResolverMailbox, report: @Sendable (String) -> Void)
        case scripted(@Sendable (ResolverRequest) -> Void)
    }

    private let backing: Backing

    /// A resolver that asks servers.
    ///
    /// - Parameter report: is called, on any thread, with a sentence for the log: once for each time that the DNS becomes
    ///   unavailable or is back
    public init(_ options: ResolverOptions, report: @escaping @Sendable (String) -> Void) {
        backing = .thread(ResolverMailbox(options), report: report)
    }

    /// A resolver without a thread, for tests: requests are answered as `answer` likes, when it likes.
    public init(answering answer: @escaping @Sendable (ResolverRequest) -> Void) {
        backing = .scripted(answer)
    }

    deinit {
        guard case .thread(let mailbox, let report) = backing else { return }
        _ = mailbox.post(.close(nil), report: report)
    }

    /// Asks other servers from now on, or waits another time.
    ///
    /// Where the servers differ, what is under way ends as a temporary error.
    public func change(_ options: ResolverOptions) {
        guard case .thread(let mailbox, let report) = backing else { return }
        _ = mailbox.post(.change(options), report: report)
    }

    /// Ends the thread; what is under way ends as a temporary error, and so does what is asked afterwards.
    ///
    /// Returns when the last answer has been handed to its event loop, so it comes before the end of the loops.
    public func close() async {
        guard case .thread(let mailbox, let report) = backing else { return }
        await withCheckedContinuation { continuation in
            if !mailbox.post(.close(continuation), report: report) { continuation.resume() }
        }
    }

    /// Asks a question, without the cache of any loop.
    public func answer(to question: DNSQuestion) async -> DNSAnswer {
        await withCheckedContinuation { continuation in
            submit(.look(question) { answer, _ in continuation.resume(returning: answer) })
        }
    }

    /// Checks whether a client may send, without the cache of any loop.
    public func check(_ subject: SPFSubject) async -> SPFCheck {
        await withCheckedContinuation { continuation in
            submit(.check(subject) { check, _ in continuation.resume(returning: check) })
        }
    }

    /// What was done so far; from any thread.
    public var counts: ResolverCounts {
        guard case .thread(let mailbox, _) = backing else { return ResolverCounts() }
        return mailbox.counts
    }

    /// Takes a request from any thread.
    func submit(_ request: ResolverRequest) {
        switch backing {
        case .thread(let mailbox, let report):
            if !mailbox.post(.request(request), report: report) { request.refuse() }
        case .scripted(let answer): answer(request)
        }
    }
}
