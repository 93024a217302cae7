import Greylist
import Storage
import Testing

/// What became of attempts of one sender that several instances answered at once.
///
/// What is promised of it:
/// - no retry passes earlier than the delay, less the leeway, after the first attempt of one of its keys;
/// - every other pass is that of a sender of whom an attempt that had waited long enough has passed;
/// - no retry waits that one of its keys, as it was written before the retry was sent, lets pass;
/// - of several retries with one triplet key only one is told to be the first.
struct AttemptHistory {
    /// An attempt that was answered.
    struct Attempt: Sendable {
        /// Its keys, that of the triplet first.
        let keys: [String]
        let time: Int64
        let verdict: Verdict
        /// The key under which it was found; nil where it wasn't.
        let matched: String?
        /// When it was sent and when it was answered, among all that was sent and answered.
        let sent: Int
        let answered: Int

        /// An attempt that is answered by this query.
        init(_ keys: [String], _ query: StoreQuery, sent: Int, answered: Int) throws {
            let judgement = try #require(query.judgement)
            self.keys = keys
            (time, verdict) = (query.time.seconds, judgement.verdict)
            matched = judgement.matched.map { keys[$0] }
            (self.sent, self.answered) = (sent, answered)
        }

        var passes: Bool { !verdict.isWaiting }
    }

    let attempts: [Attempt]
    let rules: Rules

    private var least: Int64 { rules.delay - rules.leeway }

    /// What isn't as promised.
    var complaints: [String] {
        attempts.flatMap(complaints) + repeatedRetries
    }

    private func complaints(about attempt: Attempt) -> [String] {
        let related = related(to: attempt)
        func hasFirst(_ delay: Int64) -> Bool {
            // It may meet itself: another one has found it under an alias, and was faster with the triplet.
            delay == 0 || related.contains { $0.time == attempt.time - delay }
        }
        var complaints: [String] = []
        switch attempt.verdict {
        case .new:
            break
        case .early(_, let delay):
            if !hasFirst(delay) { complaints.append("there is no such first attempt") }
            if delay >= least { complaints.append("it has waited enough") }
        case .retried(let delay):
            if !hasFirst(delay) { complaints.append("there is no such first attempt") }
            if delay < least { complaints.append("it hasn't waited enough") }
        case .known:
            if !(related + [attempt]).contains(where: mayBeFirst) { complaints.append("nothing may have passed") }
        case .autoWhitelisted, .carried, .spared, .released, .pendingLimitReached:
            complaints.append("an unexpected verdict")
        }
        if !attempt.passes, let reason = attempts.first(where: { promises($0, toPass: attempt) }) {
            complaints.append("it should pass, by \(reason)")
        }
        return complaints.map { "\(attempt): \($0)" }
    }

    /// Whether an attempt has passed that had waited long enough.
    ///
    /// It need not have been told that it is the first one: one that comes meanwhile may find its pass under an alias, and be
    /// faster with the triplet.
    private func mayBeFirst(_ attempt: Attempt) -> Bool {
        attempt.passes && related(to: attempt).contains { attempt.time - $0.time >= least }
    }

    /// Whether what was written for an attempt lets another one pass that was sent afterwards.
    private func promises(_ earlier: Attempt, toPass later: Attempt) -> Bool {
        guard earlier.answered < later.sent else { return false }
        return written(for: earlier).contains { key, first in
            later.keys.contains(key) && (first.map { later.time - $0 >= least && $0 <= later.time } ?? true)
        }
    }

    /// The keys that have at least what was found out about an attempt: since when it waits, or nil where it has passed.
    private func written(for attempt: Attempt) -> [(key: String, first: Int64?)] {
        switch attempt.verdict {
        case .new: attempt.keys.map { ($0, attempt.time) }
        case .early(_, let delay):
            attempt.keys.filter { $0 == attempt.matched || isAlone(attempt) && isNew($0, with: attempt) }
                .map { ($0, attempt.time - delay) }
        case .retried: attempt.keys.map { ($0, nil) }
        // What has passed is written under further keys only where its use is recorded.
        case .known: attempt.matched.map { [($0, nil)] } ?? []
        case .autoWhitelisted, .carried, .spared, .released, .pendingLimitReached: []
        }
    }

    /// Whether no other attempt can have written the key before this one did.
    private func isNew(_ key: String, with attempt: Attempt) -> Bool {
        !attempts.contains { $0.sent != attempt.sent && $0.sent < attempt.answered && $0.keys.contains(key) }
    }

    /// Whether nothing else was under way with one of its keys: else one of them may have been written before another one
    /// told since when the sender waits.
    private func isAlone(_ attempt: Attempt) -> Bool {
        !attempts.contains {
            $0.sent != attempt.sent && $0.sent < attempt.answered && $0.answered > attempt.sent
                && !Set($0.keys).isDisjoint(with: attempt.keys)
        }
    }

    /// The attempts from which an attempt may have its verdict: those it shares keys with, and those that they do.
    private func related(to attempt: Attempt) -> [Attempt] {
        var keys = Set(attempt.keys)
        var rest = attempts.filter { $0.sent != attempt.sent && $0.sent < attempt.answered }
        var related: [Attempt] = []
        while case let more = rest.filter({ !keys.isDisjoint(with: $0.keys) }), !more.isEmpty {
            rest.removeAll { !keys.isDisjoint(with: $0.keys) }
            related += more
            keys.formUnion(more.flatMap(\.keys))
        }
        return related
    }

    private var repeatedRetries: [String] {
        var seen: Set<String> = []
        return attempts.compactMap { attempt in
            guard case .retried = attempt.verdict, !seen.insert(attempt.keys[0]).inserted else { return nil }
            return "\(attempt): its triplet had its first retry before"
        }
    }

    /// The keys that let an attempt pass which comes late enough, and whether they have passed themselves.
    var lasting: [(key: String, hasPassed: Bool)] {
        var passed: [String: Bool] = [:]
        for attempt in attempts {
            let isRetried = if case .retried = attempt.verdict { true } else { false }
            for key in attempt.keys where attempt.verdict != .known || key == attempt.matched {
                passed[key] = passed[key] == true || isRetried || attempt.verdict == .known
            }
        }
        return passed.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension AttemptHistory.Attempt: CustomStringConvertible {
    var description: String {
        "[\(sent)–\(answered)] \(keys.joined(separator: " ")) at \(time): \(verdict), by \(matched ?? "none")"
    }
}
