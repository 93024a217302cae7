import Foundation
import WaitSimulation

/// A report for programs.
struct WaitJSON: Encodable {
    /// Attempts and seconds until accepted; null: never.
    private struct Summary: Encodable {
        let attemptsMedian: Int?
        let attemptsWorst: Int?
        let secondsMedian: Int64?
        let secondsP95: Int64?
        let accepted: Int

        init(_ summary: WaitReport.Summary) {
            attemptsMedian = summary.medianAttempts
            attemptsWorst = summary.worstAttempts
            secondsMedian = summary.medianSeconds
            secondsP95 = summary.longSeconds
            accepted = summary.accepted
        }
    }

    private struct Row: Encodable {
        let kind: String
        let schedule: String?
        let isBot: Bool
        let mails: Int
        let tprt: Summary
        let postgrey: Summary
        let returned: Int
        let passedAtFirstDueAttempt: Int
        let withSameIdentity: Int
        let passedWithSameIdentity: Int

        init(_ row: WaitReport.Row) {
            (kind, schedule, isBot, mails) = (row.kind.rawValue, row.schedule, row.kind.isBot, row.mails)
            (tprt, postgrey) = (Summary(row.tprt), Summary(row.postgrey))
            (returned, passedAtFirstDueAttempt) = (row.returned, row.passedAtOnce)
            (withSameIdentity, passedWithSameIdentity) = (row.recognisable, row.recognised)
        }
    }

    private struct Miss: Encodable {
        let kind: String
        let reason: String
        let mails: Int
    }

    private let seed: UInt64
    private let kinds: [Row]
    private let schedules: [Row]
    private let misses: [Miss]
    private let faults: [String]

    init(_ report: WaitReport) {
        seed = report.seed
        kinds = report.rows.map(Row.init)
        schedules = report.rowsBySchedule.map(Row.init)
        misses = report.misses.map { Miss(kind: $0.kind.rawValue, reason: $0.miss.rawValue, mails: $0.count) }
        faults = report.faults
    }

    func write() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}
