import WaitSimulation

/// A report as tables for docs/performance.md.
struct WaitTables {
    private static let meaning = """
        Attempts until accepted: median, worst. Wait: median, 95 of a hundred. The due attempt is the first one that comes
        the delay less its leeway (290 s) after the first attempt. It must pass where its N or O is that of an attempt which
        was as long ago, or was recognised as a retry of such a one; and every attempt must be answered as its keys, A among
        them, demand. No mail of a bot may pass.

        """

    private let report: WaitReport

    init(_ report: WaitReport) {
        self.report = report
    }

    func write() {
        let rows = report.rows
        print(Self.meaning)
        print("| kind | mails | attempts | wait, s | postgrey: attempts | wait, s | passed at the due attempt |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for row in rows where !row.kind.isBot { write(row) }
        print("\n| kind | mails | passed | postgrey: passed |\n| --- | ---: | ---: | ---: |")
        for row in rows where row.kind.isBot {
            print("| \(row.kind.rawValue) | \(row.mails) | \(row.tprt.accepted) | \(row.postgrey.accepted) |")
        }
        print("\n| the due attempt and an earlier one have | mails | passed at it |\n| --- | ---: | ---: |")
        for (identity, mails, passed) in report.identities {
            print("| \(identity.rawValue) | \(mails) | \(percent(passed, of: mails)) |")
        }
        print("\n| didn't pass at it | because | mails |\n| --- | --- | ---: |")
        for (kind, miss, count) in report.misses { print("| \(kind.rawValue) | \(miss.rawValue) | \(count) |") }
        print("\n| schedule | wait of pools, median, s | postgrey |\n| --- | ---: | ---: |")
        for row in report.poolsBySchedule {
            print("| \(row.schedule) | \(number(row.tprt.medianSeconds)) | \(number(row.postgrey.medianSeconds)) |")
        }
    }

    private func write(_ row: WaitReport.Row) {
        let (tprt, postgrey) = (row.tprt, row.postgrey)
        print(
            "| \(row.kind.rawValue) | \(row.mails) | \(number(tprt.medianAttempts)), \(number(tprt.worstAttempts))"
                + " | \(number(tprt.medianSeconds)), \(number(tprt.longSeconds))"
                + " | \(number(postgrey.medianAttempts)), \(number(postgrey.worstAttempts))"
                + " | \(number(postgrey.medianSeconds)), \(number(postgrey.longSeconds))"
                + " | \(percent(row.passedAtOnce, of: row.returned)) |")
    }

    private func number(_ value: (some FixedWidthInteger)?) -> String { value.map { "\($0)" } ?? "never" }

    /// A share with one digit behind the point, cut: 100 % is all of them.
    private func percent(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "" }
        let tenths = part * 1_000 / whole
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
