/// What a simulation found.
package struct WaitReport: Sendable, Equatable {
    /// Attempts and waits of some mails.
    package struct Summary: Sendable, Equatable {
        /// Attempts until accepted: the median; nil where that mail never was.
        package let medianAttempts: Int?
        /// Those of the last one of all.
        package let worstAttempts: Int?
        /// Seconds until accepted: the median.
        package let medianSeconds: Int64?
        /// What 95 of a hundred don't exceed.
        package let longSeconds: Int64?
        /// How many were accepted.
        package let accepted: Int
        /// How many of these at their first attempt.
        package let atOnce: Int

        init(_ acceptances: [MailOutcome.Acceptance?]) {
            let attempts = acceptances.map { $0?.attempts ?? .max }.sorted()
            let seconds = acceptances.map { $0?.seconds ?? .max }.sorted()
            func place(_ percent: Int) -> Int { max(0, (acceptances.count * percent + 99) / 100 - 1) }
            func value<Number: FixedWidthInteger>(_ sorted: [Number], _ percent: Int) -> Number? {
                sorted.isEmpty || sorted[place(percent)] == .max ? nil : sorted[place(percent)]
            }
            medianAttempts = value(attempts, 50)
            worstAttempts = value(attempts, 100)
            medianSeconds = value(seconds, 50)
            longSeconds = value(seconds, 95)
            accepted = acceptances.count { $0 != nil }
            atOnce = acceptances.count { $0?.attempts == 1 }
        }
    }

    /// What became of the mails of a kind, or of some of them.
    package struct Row: Sendable, Equatable {
        /// The kind.
        package let kind: SenderKind
        /// The schedule; nil: all of them.
        package let schedule: String?
        /// How many mails.
        package let mails: Int
        /// With TPRT.
        package let tprt: Summary
        /// With postgrey's key.
        package let postgrey: Summary
        /// How many came back late enough.
        package let returned: Int
        /// How many of these passed at their first attempt that was late enough.
        package let passedAtOnce: Int
        /// How many of those that returned had the same N or O at that attempt and an earlier one.
        package let recognisable: Int
        /// How many of these passed at it.
        package let recognised: Int

        init(_ kind: SenderKind, schedule: String?, _ outcomes: [MailOutcome]) {
            (self.kind, self.schedule, mails) = (kind, schedule, outcomes.count)
            tprt = Summary(outcomes.map(\.tprt))
            postgrey = Summary(outcomes.map(\.postgrey))
            let due = outcomes.compactMap(\.due)
            returned = due.count
            passedAtOnce = due.count(where: \.passed)
            recognisable = due.count { $0.identity == .same }
            recognised = due.count { $0.identity == .same && $0.passed }
        }
    }

    /// What the numbers of the trace began with.
    package let seed: UInt64
    /// What became of each mail, by kinds and schedules.
    package let outcomes: [MailOutcome]

    /// A row for each kind.
    package var rows: [Row] {
        SenderKind.allCases.map { kind in Row(kind, schedule: nil, outcomes.filter { $0.kind == kind }) }
    }

    /// A row for each kind and schedule.
    package var rowsBySchedule: [Row] {
        SenderKind.allCases.flatMap { kind in
            RetrySchedule.all.map { schedule in
                Row(
                    kind, schedule: schedule.name,
                    outcomes.filter { $0.kind == kind && $0.schedule == schedule.name })
            }
        }
    }

    /// What pools over several networks wait with each schedule.
    package var poolsBySchedule: [(schedule: String, tprt: Summary, postgrey: Summary)] {
        RetrySchedule.all.map { schedule in
            let pools = outcomes.filter { $0.schedule == schedule.name && $0.kind.isPool }
            return (schedule.name, Summary(pools.map(\.tprt)), Summary(pools.map(\.postgrey)))
        }
    }

    /// How many good mails came back late enough, and how many passed at their first such attempt, by what that has in common
    /// with earlier ones.
    package var identities: [(identity: MailOutcome.CommonIdentity, mails: Int, passed: Int)] {
        let due = outcomes.filter { !$0.kind.isBot }.compactMap(\.due)
        return MailOutcome.CommonIdentity.allCases.map { identity in
            let mails = due.filter { $0.identity == identity }
            return (identity, mails.count, mails.count(where: \.passed))
        }
    }

    /// How many good mails of a kind didn't pass at their first attempt that was late enough, for each reason.
    package var misses: [(kind: SenderKind, miss: MailOutcome.Miss, count: Int)] {
        var misses: [(kind: SenderKind, miss: MailOutcome.Miss, count: Int)] = []
        for kind in SenderKind.allCases where !kind.isBot {
            for miss in MailOutcome.Miss.allCases {
                let count = outcomes.count { $0.kind == kind && $0.due?.miss == miss }
                if count > 0 { misses.append((kind, miss, count)) }
            }
        }
        return misses
    }

    /// What isn't as it has to be, a sentence each.
    package var faults: [String] {
        var faults: [String] = []
        for row in rows {
            let name = row.kind.rawValue
            if row.kind.isBot {
                if row.tprt.accepted > 0 {
                    faults.append("\(name): \(row.tprt.accepted) of \(row.mails) mails of bots passed")
                }
            } else if row.recognised < row.recognisable {
                faults.append(
                    "\(name): \(row.recognisable - row.recognised) of \(row.recognisable) mails were deferred at their "
                        + "first attempt that was late enough, though they had the N or O of an earlier one")
            } else if row.recognisable == 0 {
                faults.append("\(name): no mail had the same N or O at two attempts, so the trace tests nothing")
            }
        }
        for outcome in outcomes {
            guard let deviation = outcome.deviation else { continue }
            let mail = "\(outcome.kind.rawValue), \(outcome.schedule)"
            switch deviation {
            case .passed(let attempt):
                faults.append("\(mail): attempt \(attempt) passed without a key that was known for long enough")
            case .deferred(let attempt):
                faults.append("\(mail): attempt \(attempt) was deferred, though a key of it was known for long enough")
            }
        }
        return faults
    }
}
