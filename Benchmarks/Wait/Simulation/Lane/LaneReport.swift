import Engine
import Greylist

/// What became of a mail of the month.
package struct LaneOutcome: Sendable, Equatable {
    /// Why TPRT accepted it.
    package enum Cause: String, Sendable, CaseIterable {
        /// It came back late enough.
        case retried
        /// A mail of the sender to the recipient had passed before.
        case known = "known to the recipient"
        /// The recipient wrote to the sender.
        case correspondent
        /// Its organisation has earned it.
        case earned
        /// The auto-whitelist.
        case autoWhitelisted = "auto-whitelist"

        init?(_ verdict: Verdict) {
            switch verdict {
            case .retried: self = .retried
            case .known: self = .known
            case .autoWhitelisted: self = .autoWhitelisted
            case .spared(.correspondent): self = .correspondent
            case .spared(.earned): self = .earned
            case .new, .early, .carried, .released, .pendingLimitReached: return nil
            }
        }
    }

    /// Its kind.
    package let kind: LaneKind
    /// When TPRT accepted it; nil: never.
    package internal(set) var tprt: MailOutcome.Acceptance?
    /// Why.
    package internal(set) var cause: Cause?
    /// When postgrey accepted it.
    package internal(set) var postgrey: MailOutcome.Acceptance?
    /// When rspamd's rule did.
    package internal(set) var rspamd: MailOutcome.Acceptance?

    init(kind: LaneKind) {
        self.kind = kind
    }

    /// Whether the fast lane let it pass.
    var wasSpared: Bool { cause == .correspondent || cause == .earned }
}

/// What a month was like.
package struct LaneReport: Sendable, Equatable {
    /// What became of the mails of a kind, or of several.
    package struct Row: Sendable, Equatable {
        /// How many mails.
        package let mails: Int
        /// With TPRT.
        package let tprt: WaitReport.Summary
        /// With postgrey.
        package let postgrey: WaitReport.Summary
        /// With rspamd's rule.
        package let rspamd: WaitReport.Summary

        init(_ outcomes: [LaneOutcome]) {
            mails = outcomes.count
            tprt = WaitReport.Summary(outcomes.map(\.tprt))
            postgrey = WaitReport.Summary(outcomes.map(\.postgrey))
            rspamd = WaitReport.Summary(outcomes.map(\.rspamd))
        }
    }

    /// What the numbers of the trace began with.
    package let seed: UInt64
    /// In how many of a hundred attempts the DNS was late or silent.
    package let dnsFailures: Int
    /// What became of each mail.
    package let outcomes: [LaneOutcome]
    /// How many addresses a stolen account of ours wrote to.
    package let stolenPosts: Int
    /// Of how many posts nothing was learnt, since they were beyond a bound.
    package let refusedPosts: Int

    /// A row for each kind.
    package var rows: [(kind: LaneKind, row: Row)] {
        LaneKind.allCases.map { kind in (kind, row(kind)) }
    }

    /// What became of the mails of a kind.
    package func row(_ kind: LaneKind) -> Row { Row(outcomes.filter { $0.kind == kind }) }

    /// What became of all mail of a class.
    package func row(_ mails: LaneKind.Class) -> Row { Row(outcomes.filter { $0.kind.class == mails }) }

    /// How many mails of a kind passed at their first attempt, and why.
    package func causes(_ kind: LaneKind) -> [(cause: LaneOutcome.Cause, mails: Int)] {
        let first = outcomes.filter { $0.kind == kind && $0.tprt?.attempts == 1 }
        return LaneOutcome.Cause.allCases.compactMap { cause in
            let mails = first.count { $0.cause == cause }
            return mails > 0 ? (cause, mails) : nil
        }
    }

    /// What isn't as it has to be, a sentence each.
    package var faults: [String] {
        var faults: [String] = []
        func expect(_ isRight: Bool, _ kind: LaneKind, _ sentence: String) {
            if !isRight { faults.append("\(kind.rawValue): \(sentence)") }
        }
        for (kind, row) in rows {
            expect(row.mails > 0, kind, "the trace has none")
            if kind.neverWaits, dnsFailures == 0 {
                let waited = row.mails - row.tprt.atOnce
                expect(waited == 0, kind, "\(waited) of \(row.mails) mails waited")
            }
            if kind.class == .bot {
                expect(row.tprt.accepted == 0, kind, "\(row.tprt.accepted) of \(row.mails) mails passed")
            }
            if kind.isKeptOut {
                let spared = outcomes.count { $0.kind == kind && $0.wasSpared }
                expect(spared == 0, kind, "the fast lane let \(spared) of \(row.mails) mails pass")
            }
        }
        // From its own host a spammer that retries is recognised by everyone; the leeway is ours.
        let snowshoe = row(.snowshoe)
        expect(
            snowshoe.tprt.accepted <= snowshoe.postgrey.accepted && snowshoe.tprt.atOnce <= snowshoe.postgrey.atOnce,
            .snowshoe, "better off than with postgrey's key")
        let pairs = row(.snowshoePairs)
        expect(pairs.tprt.atOnce == 0, .snowshoePairs, "\(pairs.tprt.atOnce) of \(pairs.mails) first mails passed")
        let learnt = outcomes.count { $0.kind == .stolenUser && $0.wasSpared }
        let bound = SimulatedLedger.bounds.perUser
        let most = (bound * row(.stolenUser).mails + stolenPosts - 1) / stolenPosts
        expect(learnt <= most, .stolenUser, "\(learnt) mails were taken for correspondents', \(most) at most may be")
        expect(
            refusedPosts == max(0, stolenPosts - bound), .stolenUser,
            "\(refusedPosts) of \(stolenPosts) posts were refused")
        let good = row(.good)
        if good.tprt.atOnce <= good.postgrey.atOnce { faults.append("good mail waits as often as with postgrey") }
        return faults
    }
}
