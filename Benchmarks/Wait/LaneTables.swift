import WaitSimulation

/// The report of a month as tables for docs/performance.md.
struct LaneTables {
    private let report: LaneReport

    init(_ report: LaneReport) {
        self.report = report
    }

    /// All of it.
    func write() {
        print("A month, waits in seconds: median, 95 of a hundred.\n")
        print(
            "| good mail | mails | waited | wait | postgrey: waited | wait | rspamd: waited | wait |\n"
                + "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        for (kind, row) in report.rows where kind.class == .good { writeWaits(kind.rawValue, row) }
        writeWaits("all", report.row(.good))
        print(
            "\n| spam | mails | passed | at once | wait | postgrey: passed | at once | wait "
                + "| rspamd: passed | at once | wait |\n"
                + "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        for (kind, row) in report.rows where kind.class != .good {
            print(
                "| \(kind.rawValue) | \(row.mails) | \(passes(row.tprt)) | \(passes(row.postgrey)) "
                    + "| \(passes(row.rspamd)) |")
        }
        print("\n| passed at the first attempt | because | mails |\n| --- | --- | ---: |")
        for kind in LaneKind.allCases {
            for (cause, mails) in report.causes(kind) {
                print("| \(kind.rawValue) | \(cause.rawValue) | \(mails) |")
            }
        }
        print(
            "\nOf \(report.stolenPosts) posts of a stolen account \(report.refusedPosts) were beyond the bound, and "
                + "taught nothing.")
    }

    /// What becomes of good mail where the DNS fails at times.
    func writeFailures() {
        print(
            "\n| the DNS late or silent in \(report.dnsFailures) of 100 attempts | mails | waited |\n"
                + "| --- | ---: | ---: |")
        for (kind, row) in report.rows where kind.class == .good {
            print("| \(kind.rawValue) | \(row.mails) | \(row.mails - row.tprt.atOnce) |")
        }
    }

    private func writeWaits(_ name: String, _ row: LaneReport.Row) {
        let columns = [row.tprt, row.postgrey, row.rspamd].map { summary in
            "\(percent(row.mails - summary.atOnce, of: row.mails)) | \(wait(summary))"
        }
        print("| \(name) | \(row.mails) | \(columns.joined(separator: " | ")) |")
    }

    private func passes(_ summary: WaitReport.Summary) -> String {
        "\(summary.accepted) | \(summary.atOnce) | \(summary.accepted > 0 ? wait(summary) : "")"
    }

    private func wait(_ summary: WaitReport.Summary) -> String {
        [summary.medianSeconds, summary.longSeconds].map { $0.map { "\($0)" } ?? "never" }.joined(separator: ", ")
    }

    /// A share with one digit behind the point, rounded up: 0 % is none.
    private func percent(_ part: Int, of whole: Int) -> String {
        let tenths = (part * 1_000 + whole - 1) / whole
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
