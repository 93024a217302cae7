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
        let acceptedAtOnce: Int

        init(_ summary: WaitReport.Summary) {
            attemptsMedian = summary.medianAttempts
            attemptsWorst = summary.worstAttempts
            secondsMedian = summary.medianSeconds
            secondsP95 = summary.longSeconds
            accepted = summary.accepted
            acceptedAtOnce = summary.atOnce
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

    private struct MonthRow: Encodable {
        let kind: String
        let isGood: Bool
        let mails: Int
        let tprt: Summary
        let postgrey: Summary
        let rspamd: Summary

        init(_ kind: LaneKind, _ row: LaneReport.Row) {
            (self.kind, isGood, mails) = (kind.rawValue, kind.class == .good, row.mails)
            (tprt, postgrey, rspamd) = (Summary(row.tprt), Summary(row.postgrey), Summary(row.rspamd))
        }
    }

    private let seed: UInt64
    private let kinds: [Row]
    private let schedules: [Row]
    private let misses: [Miss]
    private let month: [MonthRow]
    private let monthWithFailingDNS: [MonthRow]
    private let faults: [String]

    init(_ report: WaitReport, month: LaneReport, withFailingDNS failing: LaneReport) {
        seed = report.seed
        kinds = report.rows.map(Row.init)
        schedules = report.rowsBySchedule.map(Row.init)
        misses = report.misses.map { Miss(kind: $0.kind.rawValue, reason: $0.miss.rawValue, mails: $0.count) }
        self.month = month.rows.map(MonthRow.init)
        monthWithFailingDNS = failing.rows.map(MonthRow.init)
        faults = report.faults + month.faults + failing.faults
    }

    func write() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}
